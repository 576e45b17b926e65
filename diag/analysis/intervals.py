"""Arithmetic of time intervals: unions, and how much of a stretch of time they cover."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

Interval = tuple[int, int]


def merge(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The union of intervals as disjoint ones in order; empty and inverted ones are left out."""
    merged: list[Interval] = []
    for start, end in sorted(pair for pair in intervals if pair[1] > pair[0]):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def covered(intervals: Iterable[Interval]) -> int:
    """Nanoseconds that a union of intervals covers."""
    return sum(end - start for start, end in merge(intervals))


def clip(interval: Interval, bounds: Interval) -> Interval:
    """The part of an interval within bounds; its end is never before its start."""
    start = min(max(interval[0], bounds[0]), bounds[1])
    return start, max(start, min(interval[1], bounds[1]))


def without(intervals: Iterable[Interval], taken: Iterable[Interval]) -> tuple[Interval, ...]:
    """The parts of a union of intervals that another union does not cover, in order."""
    left: list[Interval] = []
    holes = merge(taken)
    for start, end in merge(intervals):
        at = start
        place = max(0, bisect_right(holes, (start, start)) - 1)
        while place < len(holes) and holes[place][0] < end:
            if holes[place][0] > at:
                left.append((at, holes[place][0]))
            at = max(at, holes[place][1])
            place += 1
        if at < end:
            left.append((at, end))
    return tuple(left)


class Occupied:
    """Disjoint stretches of time, and how much of any other stretch they cover, in O(log n).

    Each stretch may count for a part only: `weights[i]` of `divisor`. That is how a hold is shared by the
    requests that together keep all threads of a worker busy.
    """

    __slots__ = ("_divisor", "_ends", "_starts", "_sums", "_weights")

    def __init__(
        self, stretches: Iterable[Interval], *, weights: Sequence[int] | None = None, divisor: int = 1
    ) -> None:
        """Take the stretches; they must be disjoint and in order.

        Args:
            stretches: start and end of each, in ns.
            weights: how many `divisor`-ths each counts for; all of it unless given.
            divisor: what a full weight is.
        """
        pairs = tuple(stretches)
        self._starts = [start for start, _ in pairs]
        self._ends = [end for _, end in pairs]
        self._weights = list(weights) if weights is not None else [divisor] * len(pairs)
        self._divisor = divisor
        self._sums = [0]
        for (start, end), weight in zip(pairs, self._weights, strict=True):
            self._sums.append(self._sums[-1] + (end - start) * weight)

    def __bool__(self) -> bool:
        return bool(self._starts)

    def _until(self, at: int) -> int:
        index = bisect_right(self._starts, at) - 1
        if index < 0:
            return 0
        inside = min(at, self._ends[index]) - self._starts[index]
        return self._sums[index] + inside * self._weights[index]

    def overlap(self, start: int, end: int) -> int:
        """Nanoseconds of [start, end] that are covered, rounded down; 0 for an inverted stretch."""
        if end <= start or not self._starts:
            return 0
        return (self._until(end) - self._until(start)) // self._divisor
