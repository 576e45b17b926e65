"""How available a loop was at worst, for each length of a window, and how long its steps and waits were.

The curve is the minimum mutator utilisation of Cheng and Blelloch (PLDI 2001), who made it for garbage
collectors: an average hides that all of the time was taken at once, the worst window does not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, log10

from diag.analysis.case import Case
from diag.analysis.intervals import Interval, Occupied, clip, merge
from diag.analysis.statistics import percentile_ns
from diag.recording import LaneKind

BINS_PER_DECADE = 12
"""A bin is 21 % wide, about what two figures of latencies must differ by to be told apart by eye."""

SHORTEST_WINDOW_NS = 1_000_000
"""The finest thing that is recorded step by step."""

MOST_STRETCHES = 20_000
"""More than these are joined where they are close together: that can only make the curve lower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """How many values lie from `low_ns` up to `high_ns`."""

    low_ns: int
    high_ns: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Durations in bins of equal width on a log scale, empty ones between the first and the last included.

    Attributes:
        bins: in order.
        count: of the values.
        p50_ns, p90_ns, p99_ns, max_ns: of them.
    """

    bins: tuple[Bin, ...]
    count: int
    p50_ns: int
    p90_ns: int
    p99_ns: int
    max_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstWindow:
    """The least share of a window of this length in which the worst lane was available, 0 to 1."""

    length_ns: int
    share: float


def distribution(values: Iterable[int]) -> Distribution | None:
    """Durations in ns sorted into bins; None where there are none. What is below 1 µs counts as 1 µs."""
    ordered = sorted(max(1_000, value) for value in values)
    if not ordered:
        return None
    first, last = _bin_of(ordered[0]), _bin_of(ordered[-1])
    edges = [round(10 ** (index / BINS_PER_DECADE)) for index in range(first, last + 2)]
    places = [0, *(bisect_left(ordered, edge) for edge in edges[1:-1]), len(ordered)]
    bins = tuple(
        Bin(low_ns=edges[i], high_ns=edges[i + 1], count=places[i + 1] - places[i])
        for i in range(len(edges) - 1)
    )
    return Distribution(
        bins=bins,
        count=len(ordered),
        p50_ns=percentile_ns(ordered, 0.5),
        p90_ns=percentile_ns(ordered, 0.9),
        p99_ns=percentile_ns(ordered, 0.99),
        max_ns=ordered[-1],
    )


def _bin_of(value: int) -> int:
    return floor(log10(value) * BINS_PER_DECADE)


def busy_stretches(case: Case) -> tuple[tuple[Interval, ...], ...]:
    """When each loop ran a step of 1 ms or longer, and when all threads of each worker process were busy."""
    window = case.timeline.window
    found: dict[int, list[Interval]] = {}
    for lane in case.run.lanes:
        if lane.kind is not LaneKind.WORKER_THREAD and not case.timeline.is_inner(lane):
            found[lane.lane_id] = []
    for held in case.timeline.held:
        if held.lane.lane_id in found and not held.canary:
            found[held.lane.lane_id].append(clip((held.step.start_ns, held.step.end_ns), window))
    pids = {lane.pid for lane in case.run.lanes if lane.kind is LaneKind.WORKER_THREAD}
    workers = [[clip(one, window) for one in case.delays.saturated(pid)] for pid in sorted(pids)]
    return tuple(merge(some) for some in (*found.values(), *workers))


def worst_windows(busy: Sequence[Sequence[Interval]], window: Interval) -> tuple[WorstWindow, ...]:
    """The curve, from windows of 1 ms to the whole time, for the lane that is worst at each length."""
    whole = window[1] - window[0]
    if whole < SHORTEST_WINDOW_NS or not busy:
        return ()
    stretches = [_fewer(one) for one in busy]
    occupied = [Occupied(one) for one in stretches]
    return tuple(
        WorstWindow(
            length_ns=length,
            share=min(_worst(one, at, window, length) for one, at in zip(occupied, stretches, strict=True)),
        )
        for length in _lengths(whole)
    )


def _lengths(whole: int) -> list[int]:
    steps_per_decade = 8
    count = int(log10(whole / SHORTEST_WINDOW_NS) * steps_per_decade)
    lengths = [round(SHORTEST_WINDOW_NS * 10 ** (i / steps_per_decade)) for i in range(count + 1)]
    return [*lengths, whole] if lengths[-1] < whole else lengths


def _worst(occupied: Occupied, stretches: Sequence[Interval], window: Interval, length: int) -> float:
    """A window that is worst begins where a stretch does, or ends where one does."""
    first, last = window[0], window[1] - length
    starts = {min(max(at, first), last) for start, end in stretches for at in (start, end - length)}
    most = max((occupied.overlap(start, start + length) for start in starts), default=0)
    return max(0.0, 1 - most / length)


def _fewer(stretches: Sequence[Interval]) -> Sequence[Interval]:
    gap = SHORTEST_WINDOW_NS // 4
    while len(stretches) > MOST_STRETCHES:
        joined: list[Interval] = [stretches[0]]
        for start, end in stretches[1:]:
            if start - joined[-1][1] <= gap:
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        stretches, gap = joined, gap * 2
    return stretches
