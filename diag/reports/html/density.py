"""How many requests were in which stage over time: exact however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diag.analysis.intervals import Interval
from diag.analysis.rides import Ride

MOMENTS = 480


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """Requests by stage at equally distant moments, the middles of equal parts of the window.

    Attributes:
        before, queued, own, awaiting: how many.
    """

    before: tuple[int, ...]
    queued: tuple[int, ...]
    own: tuple[int, ...]
    awaiting: tuple[int, ...]

    @property
    def most(self) -> int:
        """Most requests at one of these moments."""
        stages = zip(self.before, self.queued, self.own, self.awaiting, strict=True)
        return max(map(sum, stages), default=0)


def density(rides: Sequence[Ride], window: Interval) -> Density:
    """Count requests at `MOMENTS` moments of a window."""
    before, inside = _Count(window), _Count(window)
    queued, own = _Count(window), _Count(window)
    for ride in rides:
        before.add(ride.exchange.request.intended_ns, ride.entered_ns)
        inside.add(ride.entered_ns, ride.left_ns)
        for low, high in ride.queued:
            queued.add(low, high)
        for low, high in ride.own:
            own.add(low, high)
    counts = [tuple(one.counts()) for one in (before, queued, own, inside)]
    return Density(
        before=counts[0],
        queued=counts[1],
        own=counts[2],
        awaiting=tuple(
            max(0, whole - waiting - working)
            for waiting, working, whole in zip(counts[1], counts[2], counts[3], strict=True)
        ),
    )


class _Count:
    """Intervals that hold each moment."""

    def __init__(self, window: Interval) -> None:
        self._start = window[0]
        self._each = max(1, (window[1] - window[0]) // MOMENTS)
        self._changes = [0] * (MOMENTS + 1)

    def add(self, low: int, high: int) -> None:
        self._changes[self._first_at(low)] += 1
        self._changes[self._first_at(high)] -= 1

    def _first_at(self, at: int) -> int:
        """The first moment that is no earlier than a time."""
        index = -((self._start + self._each // 2 - at) // self._each)
        return min(max(index, 0), MOMENTS)

    def counts(self) -> Iterable[int]:
        number = 0
        for change in self._changes[:-1]:
            number += change
            yield number
