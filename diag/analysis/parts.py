"""A block's time, divided among the culprits that its stacks show."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from diag.analysis.blocks import Block
from diag.analysis.causes import Amounts, amounts, total
from diag.analysis.intervals import Interval
from diag.analysis.samples import Sample


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


def divide(
    block: Block, samples: Sequence[Sample], keys: Mapping[int, Key], lone: Mapping[str, Key]
) -> dict[Key, Part]:
    """Divide a block.

    Args:
        block: the block.
        samples: its stacks, in order.
        keys: the culprit of each, by identity.
        lone: the only culprit of a route or coroutine, for blocks without a stack.
    """
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


def united(of_one: Mapping[Key, Part], final: Mapping[Key, Key]) -> dict[Key, Part]:
    """A block's parts after some were given to other culprits."""
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
