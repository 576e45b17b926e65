"""Who waited behind whom, and for how long.

A request waits in two places. Before the application: from when it should have been sent until its first
step begins, as far as what it waits for was held by somebody else. Inside: while one of its tasks is ready
to run and another's step runs. Both are measured stretches of time and neither overlaps the other, so that
the delays by several culprits never add up to more than the request waited.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from diag.analysis.blocks import Block
from diag.analysis.intervals import Interval, Occupied, clip
from diag.analysis.timeline import Exchange, Held, Queue, Timeline
from diag.finding import VictimGroup
from diag.recording import LaneKind

MINIMUM_DELAY_NS = 1_000_000
"""Shorter delays are no victim's: the finest thing that is recorded step by step is 1 ms."""

SHARE_UNIT = 1 << 20
"""What a whole stretch counts for: shares of it are whole numbers, rounded down."""

Shared = tuple[Interval, int]
"""A stretch of time and how many threads shared it."""

Piece = tuple[Block, tuple[Interval, ...]]
"""A block and the stretches of it that are meant."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wait:
    """Somebody ready to run while a step ran.

    Attributes:
        exchange: its request, None in a program without requests.
        label: its coroutine.
        since_ns, until_ns: the stretch inside the step.
        exact: False where it may have become ready later.
    """

    exchange: Exchange | None
    label: str
    since_ns: int
    until_ns: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Victims:
    """Those that waited behind something.

    Attributes:
        groups: by route or coroutine, most delayed first.
        not_accepted: how many of them waited before the application.
        count, total_ns: of all groups.
        bounds: how many delays are upper bounds.
    """

    groups: tuple[VictimGroup, ...] = ()
    not_accepted: int = 0
    bounds: int = 0

    @property
    def count(self) -> int:
        """How many."""
        return sum(group.count for group in self.groups)

    @property
    def total_ns(self) -> int:
        """Their delay in all."""
        return sum(group.total_ns for group in self.groups)


@dataclass(slots=True)
class _Delay:
    label: str
    sent_ns: int
    ns: int = 0
    before: bool = False
    bound: bool = False


class Delays:
    """What a timeline's requests and tasks waited for."""

    def __init__(self, timeline: Timeline, *, script: bool = False) -> None:
        """Take a timeline.

        Args:
            timeline: a joined run.
            script: True for a program without requests, where coroutines are the victims.
        """
        self._timeline = timeline
        self._script = script
        self._busy = {pid: _saturated(timeline, pid) for pid in _worker_pids(timeline)}
        self._waits = {id(held): self._waits_in(held) for held in timeline.held if held.step.waiters}

    def occupied(self, pieces: Iterable[Piece]) -> dict[Queue, Occupied]:
        """When each queue was held by some pieces, shared where several threads serve it together."""
        stretches: dict[Queue, list[Interval]] = defaultdict(list)
        shared: dict[Queue, Sequence[Shared]] = {}
        for block, segments in pieces:
            lane = block.lane
            queue = self._timeline.queues[lane.lane_id]
            if queue < 0:
                shared[queue] = self._busy[lane.pid]
                stretches[queue] += _inside(segments, shared[queue])
            else:
                stretches[queue] += segments
        return {queue: _stacked(some, shared.get(queue, ())) for queue, some in stretches.items()}

    def saturated(self, pid: int) -> tuple[Interval, ...]:
        """When all threads of a process of sync workers were busy; () where there are none."""
        return tuple(stretch for stretch, _ in self._busy.get(pid, ()))

    def before(self, exchange: Exchange, occupied: dict[Queue, Occupied]) -> int:
        """How long a request waited before the application behind something."""
        held = occupied.get(exchange.queue) if exchange.queue is not None else None
        return held.overlap(exchange.request.intended_ns, exchange.app_from_ns) if held else 0

    def inside(self, held: Held) -> tuple[Wait, ...]:
        """Who was ready to run while a step ran, others than its own request."""
        return self._waits.get(id(held), ())

    def victims(self, pieces: Sequence[Piece]) -> Victims:
        """Who waited behind some pieces of blocks."""
        occupied = self.occupied(pieces)
        delays: dict[object, _Delay] = {}
        for exchange in self._timeline.exchanges:
            delay = self.before(exchange, occupied)
            if delay > 0:
                one = delays.setdefault(id(exchange), _of_request(exchange))
                one.ns += delay
                one.before = True
        for block, _ in pieces:
            held_by = occupied[self._timeline.queues[block.lane.lane_id]]
            for wait in (wait for held in block.held for wait in self.inside(held)):
                delay = held_by.overlap(wait.since_ns, wait.until_ns)
                key, new = _key_of(wait)
                one = delays.setdefault(key, new)
                one.ns += delay
                one.bound = one.bound or (not wait.exact and delay > 0)
        return _grouped([one for one in delays.values() if one.ns >= MINIMUM_DELAY_NS])

    def _waits_in(self, held: Held) -> tuple[Wait, ...]:
        step = held.step
        requests: dict[int, Wait] = {}
        tasks: list[Wait] = []
        for waiter in step.waiters:
            exchange = self._timeline.by_key.get((held.lane.pid, waiter.request_key))
            since = max(waiter.since_ns, step.start_ns)
            if exchange is None or exchange.served is None:
                if self._script and waiter.label:
                    tasks.append(
                        Wait(
                            exchange=None,
                            label=waiter.label,
                            since_ns=since,
                            until_ns=step.end_ns,
                            exact=waiter.exact,
                        )
                    )
                continue
            since, until = clip((since, step.end_ns), (exchange.app_from_ns, left_app(exchange)))
            known = requests.get(waiter.request_key)
            if waiter.request_key != step.request_key and until > since:
                wait = Wait(
                    exchange=exchange, label=waiter.label, since_ns=since, until_ns=until, exact=waiter.exact
                )
                # Several tasks of one request wait at the same time: it waits once.
                if known is None or wait.since_ns < known.since_ns:
                    requests[waiter.request_key] = wait
        return (*requests.values(), *tasks)


def left_app(exchange: Exchange) -> int:
    """When a request left the application, as far as its client cared."""
    done = exchange.request.done_ns
    ended = exchange.served.end_ns if exchange.served is not None else done
    return max(exchange.app_from_ns, min(ended or done, done))


def _of_request(exchange: Exchange) -> _Delay:
    return _Delay(exchange.request.route, exchange.request.sent_ns)


def _key_of(wait: Wait) -> tuple[object, _Delay]:
    if wait.exchange is not None:
        return id(wait.exchange), _of_request(wait.exchange)
    return id(wait), _Delay(wait.label, 0)


def _grouped(delays: Sequence[_Delay]) -> Victims:
    by_label: dict[str, list[_Delay]] = defaultdict(list)
    for one in delays:
        by_label[one.label].append(one)
    groups = []
    for label, some in by_label.items():
        worst = max(some, key=lambda one: (one.ns, -one.sent_ns))
        groups.append(
            VictimGroup(
                label=label,
                count=len(some),
                total_ns=sum(one.ns for one in some),
                worst_ns=worst.ns,
                worst_request=worst.sent_ns,
            )
        )
    return Victims(
        groups=tuple(sorted(groups, key=lambda group: (-group.total_ns, group.label))),
        not_accepted=sum(one.before for one in delays),
        bounds=sum(one.bound for one in delays),
    )


# Workers whose threads serve together --------------------------------------------------------------------


def _worker_pids(timeline: Timeline) -> set[int]:
    return {lane.pid for lane in timeline.run.lanes if lane.kind is LaneKind.WORKER_THREAD}


def _saturated(timeline: Timeline, pid: int) -> tuple[Shared, ...]:
    """When all threads of a process were busy, and how many; never where their number has no bound."""
    lanes = [lane for lane in timeline.run.lanes if lane.pid == pid]
    capacity = max((lane.capacity for lane in lanes), default=0)
    if not capacity:
        return ()
    steps = [
        (held.step.start_ns, held.step.end_ns)
        for held in timeline.held
        if held.lane.pid == pid and held.lane.kind is LaneKind.WORKER_THREAD
    ]
    return tuple((stretch, depth) for stretch, depth in _depths(steps) if depth >= capacity)


def _depths(intervals: Iterable[Interval]) -> list[Shared]:
    """Disjoint stretches in order, each with how many of the intervals cover it."""
    changes: dict[int, int] = defaultdict(int)
    for start, end in intervals:
        changes[start] += 1
        changes[end] -= 1
    found, depth = [], 0
    for at, then in pairwise(sorted(changes)):
        depth += changes[at]
        if depth:
            found.append(((at, then), depth))
    return found


def _stacked(intervals: Iterable[Interval], busy: Sequence[Shared]) -> Occupied:
    """Stretches with their share of the delay: of `n` threads that are busy together each has an n-th."""
    stretches = _depths(intervals)
    starts = [start for (start, _), _ in busy]
    weights = [
        min(SHARE_UNIT, SHARE_UNIT * depth // (busy[bisect_right(starts, start) - 1][1] if busy else 1))
        for (start, _), depth in stretches
    ]
    return Occupied((stretch for stretch, _ in stretches), weights=weights, divisor=SHARE_UNIT)


def _inside(segments: Iterable[Interval], busy: Sequence[Shared]) -> list[Interval]:
    """The parts of some segments that lie in busy stretches, cut where these are."""
    found = []
    starts = [start for (start, _), _ in busy]
    for segment in segments:
        at = max(0, bisect_right(starts, segment[0]) - 1)
        while at < len(busy) and busy[at][0][0] < segment[1]:
            start, end = clip(busy[at][0], segment)
            if end > start:
                found.append((start, end))
            at += 1
    return found
