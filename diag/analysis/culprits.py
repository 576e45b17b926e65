"""Whose line held the lane: samples grouped to culprits, and every block's time divided among them.

A line that waits is a culprit of its own. Computing is one culprit per function: a loop's lines share its
time, and the walk from the handler down goes on while one callee has most of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
        seen: True if a stack shows it, False if it is concluded from other blocks.
    """

    block: Block
    segments: tuple[Interval, ...]
    split: Amounts
    seen: bool


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
    renamed = _merge_minor(parts, threshold_ns)
    merged: dict[Key, list[Part]] = defaultdict(list)
    by_key: dict[Key, list[Sample]] = defaultdict(list)
    for block, of_one in zip(blocks, parts, strict=True):
        final = _final_keys(of_one, renamed, threshold_ns)
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
        balance[sample.leaf.path, sample.leaf.line] += sample.weight if sample.waiting else -sample.weight
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
        return {key: Part(block=block, segments=block.segments, split=split, seen=False)}
    groups: dict[Key, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[keys[id(sample)]].append(sample)
    weights = {key: sum(s.weight for s in some) for key, some in groups.items()}
    running = {key: weight if key.kind == "computing" else 0 for key, weight in weights.items()}
    waiting = {key: weight if key.kind == "waiting" else 0 for key, weight in weights.items()}
    cpu = _allocate(split.cpu_ns, running, weights)
    off = _allocate(split.waiting_ns, waiting, weights)
    gil = _allocate(split.gil_wait_ns, weights, weights)
    queue = _allocate(split.run_queue_ns, weights, weights)
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
            seen=True,
        )
        for key, some in groups.items()
    }


def _allocate(amount: int, weights: Mapping[Key, int], otherwise: Mapping[Key, int]) -> dict[Key, int]:
    """Divide whole nanoseconds by weight, exactly; by other weights where there are none."""
    used = weights if any(weights.values()) else otherwise
    whole = sum(used.values()) or 1
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


def _merge_minor(parts: Sequence[Mapping[Key, Part]], threshold_ns: int) -> dict[Key, Key]:
    """Which keys become part of which: those that nowhere hold a lane for the threshold by themselves.

    A convoy's part counts as it stands: there it is the sum that holds the lane.
    """
    longest: Counter[Key] = Counter()
    totals: Counter[Key] = Counter()
    together: dict[Key, Counter[Key]] = defaultdict(Counter)
    for of_one in parts:
        for key, part in of_one.items():
            own = part.split.own_ns
            longest[key] = max(longest[key], own)
            totals[key] += own
            for other, beside in of_one.items():
                if other != key:
                    together[key][other] += beside.split.own_ns
    renamed: dict[Key, Key] = {}
    for key in sorted(together, key=lambda k: (totals[k], k)):
        if longest[key] >= threshold_ns:
            continue
        rank = max(together[key], key=lambda k: (longest[k] >= threshold_ns, together[key][k], k))
        if (longest[rank] >= threshold_ns, totals[rank], rank) > (False, totals[key], key):
            renamed[key] = rank
    return renamed


def _final_keys(of_one: Mapping[Key, Part], renamed: Mapping[Key, Key], threshold_ns: int) -> dict[Key, Key]:
    """Whose each part of a block is in the end: a part below the threshold goes to the block's largest."""
    final = {key: _follow(key, renamed) for key in of_one}
    own: Counter[Key] = Counter()
    for key, part in of_one.items():
        own[final[key]] += part.split.own_ns
    largest = max(own, key=lambda key: (own[key], key))
    return {key: to if own[to] >= threshold_ns else largest for key, to in final.items()}


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
            seen=any(part.seen for part in some),
        )
        for key, some in groups.items()
    }


# What is said of a culprit ------------------------------------------------------------------------------


def _culprit(key: Key, parts: Sequence[Part], samples: Sequence[Sample], code: Code) -> Culprit:
    return Culprit(
        key=key,
        user=all(sample.user for sample in samples),
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
