"""Whose line held the lane: samples grouped to culprits, and every block's time divided among them.

A line that waits is a culprit of its own. Computing is one culprit per function: a loop's lines share its
time, and the walk from the handler down goes on while one callee has most of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from diag.analysis.blocks import Block
from diag.analysis.causes import Amounts, GilKnowledge, total
from diag.analysis.gil import knowledge
from diag.analysis.parts import Key, Part, divide, united
from diag.analysis.samples import Sample, of_block
from diag.analysis.source import Code, Line
from diag.analysis.standing import final_keys

ALONE_SHARE = 0.9
"""Of a route's stacks by time: a block of it without a stack is then taken for one like the others."""

DESCEND_SHARE = 0.6
"""The walk goes into a callee that has at least this share of the whole: then it explains most of it."""

ALSO_SHARE = 0.05
ALSO_LINES = 5


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
    parts = [divide(block, samples[id(block)], keys, lone) for block in blocks]
    finals = final_keys(parts, threshold_ns)
    merged: dict[Key, list[Part]] = defaultdict(list)
    by_key: dict[Key, list[Sample]] = defaultdict(list)
    for block, of_one, final in zip(blocks, parts, finals, strict=True):
        for key, part in united(of_one, final).items():
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
    """The culprit of each route or coroutine that has exactly one, but for a stray stack now and then."""
    found: dict[str, Counter[Key]] = defaultdict(Counter)
    for block in blocks:
        for sample in samples[id(block)]:
            found[block.scope][keys[id(sample)]] += sample.weight
    return {
        scope: key
        for scope, weights in found.items()
        for key, weight in weights.items()
        if scope and weight >= ALONE_SHARE * weights.total()
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
