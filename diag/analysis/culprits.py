"""Whose line held the lane: samples grouped to culprits, and every block's time divided among them.

A line that waits is a culprit of its own. Computing is one culprit per function: a loop's lines share its
time, and the walk from the handler down goes on while one callee has most of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from diag.analysis.blocks import Block
from diag.analysis.causes import Amounts, GilKnowledge, amounts, total
from diag.analysis.gil import knowledge
from diag.analysis.intervals import Interval
from diag.analysis.samples import Sample, of_block
from diag.analysis.source import Code, Line

DESCEND_SHARE = 0.6
"""The walk goes into a callee that has at least this share of the whole: then it explains most of it."""

ALSO_SHARE = 0.05
ALSO_LINES = 5


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What makes two samples one culprit.

    Attributes:
        kind: ``waiting`` (a line), ``computing`` (a function) or ``unseen`` (a route).
        scope: route or coroutine where that tells culprits apart: libraries' lines, and lines not seen.
        path: the file.
        function: the function, for computing.
        line: the line, for waiting.
    """

    kind: str
    scope: str = ""
    path: str = ""
    function: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A culprit's part of one block.

    Attributes:
        block: the block.
        segments: the stretches of it.
        split: its time by cause.
        stacks: how many stacks show it; 0 if it is concluded from other blocks.
        sure_ns: how long it held the block for certain, between stacks that all show it.
    """

    block: Block
    segments: tuple[Interval, ...]
    split: Amounts
    stacks: int = 0
    sure_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a culprit is.

    Attributes:
        line: its hottest line.
        also: other lines of it with their share in percent.
        path: the lines that led to it, outermost first.
    """

    line: Line
    also: tuple[tuple[Line, int], ...] = ()
    path: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Culprit:
    """A line, or a function with its hottest line, and all the time it held lanes.

    Attributes:
        key: what makes it one.
        user: True if its lines are the user's, False if a library's.
        samples: the stacks that show it.
        parts: its part of each block, in order.
        gil: what was seen of the GIL while it computed.
    """

    key: Key
    user: bool
    samples: tuple[Sample, ...]
    parts: tuple[Part, ...]
    gil: GilKnowledge

    def place(self, parts: Iterable[Part]) -> Place | None:
        """The hottest line of some of its parts, None where no stack shows one."""
        blocks = {id(part.block) for part in parts}
        return _place(self.key, [sample for sample in self.samples if id(sample.block) in blocks])

    @property
    def split(self) -> Amounts:
        """All its time by cause."""
        return total(part.split for part in self.parts)


def attribute(blocks: Sequence[Block], code: Code, threshold_ns: int) -> tuple[Culprit, ...]:
    """Divide all time of some blocks among culprits, those that cost most first."""
    samples = {id(block): of_block(block, code) for block in blocks}
    every = [sample for block in blocks for sample in samples[id(block)]]
    keys = _keys(every)
    lone = _only_culprits(blocks, samples, keys)
    parts = [_divide(block, samples[id(block)], keys, lone) for block in blocks]
    finals = _final_keys(parts, threshold_ns)
    merged: dict[Key, list[Part]] = defaultdict(list)
    by_key: dict[Key, list[Sample]] = defaultdict(list)
    for block, of_one, final in zip(blocks, parts, finals, strict=True):
        for key, part in _united(of_one, final).items():
            merged[key].append(part)
        for sample in samples[id(block)]:
            by_key[final[keys[id(sample)]]].append(sample)
    culprits = [_culprit(key, merged[key], by_key.get(key, []), code) for key in merged]
    return tuple(sorted(culprits, key=lambda c: (-c.split.own_ns, c.key)))


# Which culprit a sample belongs to ----------------------------------------------------------------------


def _keys(samples: Sequence[Sample]) -> dict[int, Key]:
    """The culprit of each sample, by the sample's identity."""
    waits = _waiting_lines(samples)
    keys: dict[int, Key] = {}
    computing: dict[tuple[str, str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        leaf = sample.leaf
        scope = "" if sample.user else sample.block.scope
        if (leaf.path, leaf.line) in waits:
            keys[id(sample)] = Key("waiting", scope, leaf.path, "", leaf.line)
        else:
            entry = sample.chain[0]
            computing[sample.held.scope, entry.path, entry.function].append(sample)
    for group in computing.values():
        chosen = _descend(group)
        for sample in group:
            scope = "" if sample.user else sample.block.scope
            keys[id(sample)] = Key("computing", scope, chosen.path, chosen.function)
    return keys


def _waiting_lines(samples: Iterable[Sample]) -> set[tuple[str, int]]:
    """Lines that are off the CPU for most of their time, over all blocks."""
    balance: Counter[tuple[str, int]] = Counter()
    for sample in samples:
        balance[sample.leaf.path, sample.leaf.line] += sample.off_ns - sample.cpu_ns
    return {line for line, excess in balance.items() if excess > 0}


def _descend(group: Sequence[Sample]) -> Line:
    """The innermost function that has most of a group's time, callees included."""
    whole = sum(sample.weight for sample in group)
    depth, inside = 0, list(group)
    while True:
        below: dict[tuple[str, str], list[Sample]] = defaultdict(list)
        for sample in inside:
            if len(sample.chain) > depth + 1:
                callee = sample.chain[depth + 1]
                below[callee.path, callee.function].append(sample)
        best = max(below.values(), key=lambda some: sum(s.weight for s in some), default=[])
        if not best or sum(s.weight for s in best) < DESCEND_SHARE * whole:
            return inside[0].chain[depth]
        depth, inside = depth + 1, best


def _only_culprits(
    blocks: Sequence[Block], samples: Mapping[int, Sequence[Sample]], keys: Mapping[int, Key]
) -> dict[str, Key]:
    """The culprit of each route or coroutine that has exactly one."""
    found: dict[str, set[Key]] = defaultdict(set)
    for block in blocks:
        found[block.scope].update(keys[id(sample)] for sample in samples[id(block)])
    return {scope: next(iter(some)) for scope, some in found.items() if scope and len(some) == 1}


# How a block's time is divided --------------------------------------------------------------------------


def _divide(
    block: Block, samples: Sequence[Sample], keys: Mapping[int, Key], lone: Mapping[str, Key]
) -> dict[Key, Part]:
    split = total(amounts(one) for one in block.held)
    if not samples:
        key = lone.get(block.scope, Key("unseen", block.scope))
        return {key: Part(block=block, segments=block.segments, split=split)}
    groups: dict[Key, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[keys[id(sample)]].append(sample)
    weights = {key: sum(s.weight for s in some) for key, some in groups.items()}
    waits = {key: sum(s.off_ns for s in some) for key, some in groups.items()}
    cpu = _allocate(split.cpu_ns, {key: sum(s.cpu_ns for s in some) for key, some in groups.items()}, weights)
    off = _allocate(split.waiting_ns, waits, weights)
    gil = _allocate(split.gil_wait_ns, waits, weights)
    starved = {key: sum(s.run_queue_ns for s in some) for key, some in groups.items()}
    queue = _allocate(split.run_queue_ns, starved, weights)
    sure = _sure(samples, keys)
    covered = {id(sample.held) for sample in samples}
    # A convoy's steps are mostly too short for a stack each: those without follow the heaviest culprit.
    heaviest = max(weights, key=lambda key: weights[key])
    bare = [(h.step.start_ns, h.step.end_ns) for h in block.held if id(h) not in covered]
    return {
        key: Part(
            block=block,
            segments=_joined([*((s.start_ns, s.end_ns) for s in some), *(bare if key == heaviest else ())]),
            split=Amounts(
                cpu_ns=cpu[key], waiting_ns=off[key], gil_wait_ns=gil[key], run_queue_ns=queue[key]
            ),
            stacks=len(some),
            sure_ns=sure[key],
        )
        for key, some in groups.items()
    }


def _sure(samples: Sequence[Sample], keys: Mapping[int, Key]) -> Counter[Key]:
    """How long each culprit held a step for certain: from one stack to the next that shows it too."""
    sure: Counter[Key] = Counter()
    for before, after in pairwise(samples):
        key = keys[id(before)]
        if before.held is after.held and keys[id(after)] == key:
            sure[key] += after.moment - before.moment
    return sure


def _allocate(amount: int, weights: Mapping[Key, int], otherwise: Mapping[Key, int]) -> dict[Key, int]:
    """Divide whole nanoseconds by weight, exactly; by other weights where there are none."""
    used = weights if any(weights.values()) else otherwise
    if not any(used.values()):
        used = dict.fromkeys(weights, 1)
    whole = sum(used.values())
    result, seen, given = {}, 0, 0
    for key, weight in used.items():
        seen += weight
        until = amount * seen // whole
        result[key] = until - given
        given = until
    return result


def _joined(segments: Iterable[Interval]) -> tuple[Interval, ...]:
    joined: list[Interval] = []
    for start, end in sorted(segments):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        elif end > start:
            joined.append((start, end))
    return tuple(joined)


# Culprits too small to stand alone ----------------------------------------------------------------------


def _final_keys(parts: Sequence[Mapping[Key, Part]], threshold_ns: int) -> list[dict[Key, Key]]:
    """Whose each part of each block is in the end.

    Stacks are up to 25 ms apart, so that one stack that happens to show another line seems to stand for 12 ms.
    Therefore a part stands alone only if it is most of its block, or holds it for the threshold between stacks
    that all show it, or if its culprit does so on average. What does not goes to the largest that does; where
    none does, to the one that is largest over all blocks they share.
    """
    often = _often(parts, threshold_ns)
    standing = [_standing(of_one, often, threshold_ns) for of_one in parts]
    renamed = _merge_minor(parts, set().union(*standing))
    return [_final_of_one(of_one, alone, renamed) for of_one, alone in zip(parts, standing, strict=True)]


def _standing(of_one: Mapping[Key, Part], often: set[Key], threshold_ns: int) -> set[Key]:
    largest = _largest(of_one)
    return {
        key
        for key, part in of_one.items()
        if part.split.own_ns >= threshold_ns
        and (key == largest or part.sure_ns >= threshold_ns or key in often)
    }


def _largest(of_one: Mapping[Key, Part]) -> Key:
    return max(of_one, key=lambda key: (of_one[key].split.own_ns, key))


def _often(parts: Sequence[Mapping[Key, Part]], threshold_ns: int) -> set[Key]:
    """Keys that reach the threshold on average over all blocks that are about the same."""
    blocks: Counter[tuple[str, bool]] = Counter()
    sums: Counter[tuple[Key, tuple[str, bool]]] = Counter()
    stacks: Counter[Key] = Counter()
    for of_one in parts:
        block = next(iter(of_one.values())).block
        kind = (block.scope, block.starting)
        blocks[kind] += 1
        for key, part in of_one.items():
            sums[key, kind] += part.split.own_ns
            stacks[key] += part.stacks
    return {
        key for (key, kind), own in sums.items() if own >= threshold_ns * blocks[kind] and stacks[key] > 1
    }


def _merge_minor(parts: Sequence[Mapping[Key, Part]], alone: set[Key]) -> dict[Key, Key]:
    """Which keys that stand alone nowhere become part of which larger one that they are beside."""
    totals: Counter[Key] = Counter()
    together: dict[Key, Counter[Key]] = defaultdict(Counter)
    for of_one in parts:
        for key, part in of_one.items():
            totals[key] += part.split.own_ns
            for other, beside in of_one.items():
                if other != key:
                    together[key][other] += beside.split.own_ns
    renamed: dict[Key, Key] = {}
    for key in together.keys() - alone:
        rank = max(together[key], key=lambda k: (k in alone, together[key][k], k))
        if (rank in alone, totals[rank], rank) > (False, totals[key], key):
            renamed[key] = rank
    return renamed


def _final_of_one(of_one: Mapping[Key, Part], alone: set[Key], renamed: Mapping[Key, Key]) -> dict[Key, Key]:
    if alone:
        largest = max(alone, key=lambda key: (of_one[key].split.own_ns, key))
        return {key: key if key in alone else largest for key in of_one}
    final = {key: _follow(key, renamed) for key in of_one}
    own: Counter[Key] = Counter()
    for key, part in of_one.items():
        own[final[key]] += part.split.own_ns
    largest = max(own, key=lambda key: (own[key], key))
    return dict.fromkeys(of_one, largest)


def _follow(key: Key, renamed: Mapping[Key, Key]) -> Key:
    while key in renamed:  # each step leads to a larger one, so that this ends
        key = renamed[key]
    return key


def _united(of_one: Mapping[Key, Part], final: Mapping[Key, Key]) -> dict[Key, Part]:
    groups: dict[Key, list[Part]] = defaultdict(list)
    for key, part in of_one.items():
        groups[final[key]].append(part)
    return {
        key: some[0]
        if len(some) == 1
        else Part(
            block=some[0].block,
            segments=_joined(segment for part in some for segment in part.segments),
            split=total(part.split for part in some),
            stacks=sum(part.stacks for part in some),
            sure_ns=sum(part.sure_ns for part in some),
        )
        for key, some in groups.items()
    }


# What is said of a culprit ------------------------------------------------------------------------------


def _culprit(key: Key, parts: Sequence[Part], samples: Sequence[Sample], code: Code) -> Culprit:
    return Culprit(
        key=key,
        user=sum(sample.weight * (1 if sample.user else -1) for sample in samples) >= 0,
        samples=tuple(samples),
        parts=tuple(sorted(parts, key=lambda part: part.block.start_ns)),
        gil=knowledge([part.block for part in parts], samples, code),
    )


def _place(key: Key, samples: Sequence[Sample]) -> Place | None:
    weights: Counter[Line] = Counter()
    for sample in samples:
        weights[_line_in(key, sample)] += sample.weight
    own = [line for line in weights if _belongs(key, line)] or list(weights)
    hottest = max(own, key=lambda line: (weights[line], line), default=None)
    if hottest is None:
        return None
    whole = sum(weights.values()) or 1
    also = [
        (line, round(100 * weight / whole))
        for line, weight in weights.most_common()
        if line != hottest and weight >= ALSO_SHARE * whole
    ]
    return Place(line=hottest, also=tuple(also[:ALSO_LINES]), path=_callers(hottest, samples))


def _line_in(key: Key, sample: Sample) -> Line:
    """The line of a sample that speaks for a culprit: inside its function if it passes there."""
    if key.kind == "computing":
        for line in sample.chain:
            if _belongs(key, line):
                return line
    return sample.leaf


def _belongs(key: Key, line: Line) -> bool:
    if key.kind == "computing":
        return (line.path, line.function) == (key.path, key.function)
    return (line.path, line.line) == (key.path, key.line)


def _callers(place: Line, samples: Sequence[Sample]) -> tuple[Line, ...]:
    paths: Counter[tuple[Line, ...]] = Counter()
    for sample in samples:
        if place in sample.chain:
            paths[sample.chain[: sample.chain.index(place)]] += sample.weight
    return max(paths, key=lambda path: (paths[path], path), default=())
