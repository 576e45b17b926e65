"""How many requests were in which stage over time: exact however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diag.analysis.intervals import Interval
from diag.analysis.rides import Ride

PARTS = 480
"""About one for every two pixels of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """Requests by stage in equal parts of the window, the mean of each part.

    Attributes:
        before, queued, own, awaiting: how many, with two decimals.
        most: requests under way at once.
    """

    before: tuple[float, ...]
    queued: tuple[float, ...]
    own: tuple[float, ...]
    awaiting: tuple[float, ...]
    most: int


def density(rides: Sequence[Ride], window: Interval) -> Density:
    """Count requests by stage over a window."""
    before, inside, queued, own = (_Time(window) for _ in range(4))
    changes: list[tuple[int, int]] = []
    for ride in rides:
        request = ride.exchange.request
        before.add(request.intended_ns, ride.entered_ns)
        inside.add(ride.entered_ns, ride.left_ns)
        for low, high in ride.queued:
            queued.add(low, high)
        for low, high in ride.own:
            own.add(low, high)
        changes += ((request.intended_ns, 1), (request.done_ns, -1))
    waiting, working, whole = queued.means(), own.means(), inside.means()
    return Density(
        before=_rounded(before.means()),
        queued=_rounded(waiting),
        own=_rounded(working),
        awaiting=_rounded(
            [max(0.0, all_ - a - b) for all_, a, b in zip(whole, waiting, working, strict=True)]
        ),
        most=_most(changes),
    )


def _most(changes: list[tuple[int, int]]) -> int:
    """How many were under way at once; one that ends when another begins was not there with it."""
    now = most = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def _rounded(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(value, 2) for value in values)


class _Time:
    """How much time intervals spend in each part of a window."""

    def __init__(self, window: Interval) -> None:
        self._start, self._end = window
        self._each = max(1, -(-(window[1] - window[0]) // PARTS))
        self._partly = [0] * (PARTS + 1)
        self._whole = [0] * (PARTS + 2)  # changes of the number of intervals that cover a part

    def add(self, low: int, high: int) -> None:
        low, high = max(low, self._start) - self._start, min(high, self._end) - self._start
        if high <= low:
            return
        first, last = low // self._each, high // self._each
        if first == last:
            self._partly[first] += high - low
            return
        self._partly[first] += (first + 1) * self._each - low
        self._partly[last] += high - last * self._each
        self._whole[first + 1] += 1
        self._whole[last] -= 1

    def means(self) -> list[float]:
        """Intervals in each part, on average."""
        found, covering = [], 0
        for part in range(PARTS):
            covering += self._whole[part]
            found.append(covering + self._partly[part] / self._each)
        return found
