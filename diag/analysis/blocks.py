"""Which steps are blocks, which only look long because the machine was busy, and which form a convoy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from diag.analysis.intervals import Interval
from diag.analysis.timeline import Held, Timeline
from diag.recording import Lane, LaneKind

CONVOY_FACTOR = 3
CONVOY_MINIMUM_NS = 30_000_000
CONVOY_STEPS = 4
CONVOY_COVERAGE = 0.8
SLIGHTLY_LONGER = 2
"""A sibling of a convoy's steps is a block of its own from twice the threshold on: below that, steps of the
same code straddle the threshold on a noisy machine."""

EXPLAINED = 0.5
"""A request of a sync worker whose own loop was blocked for this share of it is that block, from outside."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """A stretch of one lane that was held: one long step, or the many of a convoy.

    Attributes:
        held: its steps, in order.
        convoy: True if it consists of many.
    """

    held: tuple[Held, ...]
    convoy: bool = False

    @property
    def lane(self) -> Lane:
        """Where."""
        return self.held[0].lane

    @property
    def start_ns(self) -> int:
        """When it began."""
        return self.held[0].step.start_ns

    @property
    def end_ns(self) -> int:
        """When it ended."""
        return self.held[-1].step.end_ns

    @property
    def segments(self) -> tuple[Interval, ...]:
        """The stretches that its steps held."""
        return tuple((one.step.start_ns, one.step.end_ns) for one in self.held)

    @cached_property
    def own_ns(self) -> int:
        """Its duration without run-queue wait."""
        return sum(one.own_ns for one in self.held)

    @cached_property
    def scope(self) -> str:
        """Route or coroutine that most of it was about."""
        return _heaviest((one.scope, one.own_ns) for one in self.held)

    @cached_property
    def route(self) -> str:
        """Route that most of it was about, "" if none."""
        return _heaviest((one.route, one.own_ns) for one in self.held)

    @property
    def starting(self) -> bool:
        """True if it began before the load."""
        return self.held[0].starting


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a timeline's steps amount to; canaries are in none of these.

    Attributes:
        blocks: long steps of event loops.
        convoys: iterations of event loops made of many short steps.
        holds: long requests of sync workers.
        collected: long steps of event loops that would not be long without a garbage collection.
        starved: steps that are long only by run-queue wait, on any lane.
    """

    blocks: tuple[Block, ...]
    convoys: tuple[Block, ...]
    holds: tuple[Block, ...]
    collected: tuple[Block, ...]
    starved: tuple[Block, ...]


def find(timeline: Timeline, threshold_ns: int) -> Found:
    """Sort a timeline's steps into blocks, convoys, holds and starved steps."""
    own = [one for one in timeline.held if not one.canary and not one.ending]
    convoys = tuple(_convoys(own, threshold_ns))
    taken = {id(one) for convoy in convoys for one in convoy.held}
    rest = [one for one in own if id(one) not in taken]

    def collected(one: Held) -> bool:
        return one.own_ns - one.gc_ns < threshold_ns

    long = [one for one in rest if one.own_ns >= threshold_ns]
    blocks = tuple(Block(held=(one,)) for one in long if not _is_worker(one) and not collected(one))
    inner = _inner_ns(timeline, (*blocks, *convoys))
    return Found(
        blocks=blocks,
        collected=tuple(Block(held=(one,)) for one in long if not _is_worker(one) and collected(one)),
        convoys=convoys,
        holds=tuple(
            Block(held=(one,))
            for one in long
            if _is_worker(one) and not one.starting and inner[_request(one)] < EXPLAINED * one.own_ns
        ),
        starved=tuple(
            Block(held=(one,))
            for one in rest
            if one.wall_ns >= threshold_ns > one.own_ns and not one.starting
        ),
    )


def _inner_ns(timeline: Timeline, blocks: Iterable[Block]) -> Counter[tuple[int, int]]:
    """How long the loop of a sync worker's request was blocked, by process and request."""
    found: Counter[tuple[int, int]] = Counter()
    for one in (one for block in blocks if timeline.is_inner(block.lane) for one in block.held):
        if one.step.request_key:
            found[_request(one)] += one.own_ns
    return found


def _request(one: Held) -> tuple[int, int]:
    return one.lane.pid, one.step.request_key


def _is_worker(one: Held) -> bool:
    return one.lane.kind is LaneKind.WORKER_THREAD


def _convoys(held: Iterable[Held], threshold_ns: int) -> Iterable[Block]:
    iterations: dict[tuple[int, int], list[Held]] = defaultdict(list)
    for one in held:
        if not _is_worker(one) and not one.starting:
            iterations[one.lane.lane_id, one.step.iteration].append(one)
    for steps in iterations.values():
        members = _members(steps, threshold_ns)
        if members and is_convoy(members, threshold_ns):
            yield Block(held=tuple(members), convoy=True)


def _members(steps: Sequence[Held], threshold_ns: int) -> list[Held]:
    """The short steps of an iteration and their slightly longer siblings; none if the long ones prevail."""
    short = [one for one in steps if one.own_ns < threshold_ns]
    labels = {one.step.label for one in short}
    members = [
        one
        for one in steps
        if one.own_ns < threshold_ns
        or (one.own_ns < SLIGHTLY_LONGER * threshold_ns and one.step.label in labels)
    ]
    total = sum(one.own_ns for one in members)
    return members if 2 * sum(one.own_ns for one in short) > total else []


def is_convoy(members: Sequence[Held], threshold_ns: int, *, alone: bool = True) -> bool:
    """True if steps of one iteration, in order, are many and long enough together.

    Args:
        members: the steps.
        threshold_ns: what counts as a block.
        alone: True if they must also be most of the time from the first to the last of them.
    """
    total = sum(one.own_ns for one in members)
    walls = sum(one.wall_ns for one in members)
    span = members[-1].step.end_ns - members[0].step.start_ns
    return (
        len(members) >= CONVOY_STEPS
        and total >= max(CONVOY_FACTOR * threshold_ns, CONVOY_MINIMUM_NS)
        and (not alone or walls >= CONVOY_COVERAGE * span)
    )


def _heaviest(pairs: Iterable[tuple[str, int]]) -> str:
    weights: Counter[str] = Counter()
    for name, weight in pairs:
        if name:
            weights[name] += weight
    return max(sorted(weights), key=lambda name: weights[name]) if weights else ""
