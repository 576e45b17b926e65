"""Charts as geometry: where bars, curves and ticks lie, in percent of the chart's width and height.

Shapes that are paths live in a box of 1000 × 100 that is stretched to the chart; text never is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from diag import units
from diag.analysis.availability import Distribution, WorstWindow

BOX_WIDTH = 1_000
BOX_HEIGHT = 100
_LEAST_DECADES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A place on an axis.

    Attributes:
        at: percent of the axis.
        label: "" for a tick between two that have one.
        anchor: how the label lies: ``start``, ``middle`` or ``end``.
    """

    at: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAxis:
    """Durations on a log scale, whole decades.

    Attributes:
        low, high: powers of ten, of nanoseconds.
    """

    low: int
    high: int

    @classmethod
    def around(cls, durations: Iterable[int]) -> LogAxis:
        """The axis that holds some durations, two decades at least."""
        known = [value for value in durations if value > 0] or [1_000_000]
        low, high = floor(log10(min(known))), ceil(log10(max(known)))
        return cls(low=low, high=max(high, low + _LEAST_DECADES))

    def at(self, ns: float) -> float:
        """Percent of the axis, from 0 to 100."""
        part = (log10(max(ns, 1)) - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, part)), 2)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Decades with a label, and 2 to 9 times them without."""
        found = []
        for power in range(self.low, self.high + 1):
            anchor = "start" if power == self.low else "end" if power == self.high else "middle"
            found.append(Tick(at=self.at(10**power), label=decade(power), anchor=anchor))
            if power < self.high:
                found += [Tick(at=self.at(times * 10**power), label="") for times in range(2, 10)]
        return tuple(found)


def decade(power: int) -> str:
    """A power of ten of nanoseconds: ``100 µs``, ``1 ms``."""
    for unit, exponent in (("s", 9), ("ms", 6), ("µs", 3)):
        if power >= exponent:
            return f"{10 ** (power - exponent):,} {unit}"
    return f"{10 ** max(0, power)} ns"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearAxis:
    """Amounts from 0 on.

    Attributes:
        high: where it ends.
        step: from tick to tick.
    """

    high: float
    step: float

    @classmethod
    def upto(cls, value: float) -> LinearAxis:
        """An axis from 0 to a round number that is no less than `value`, with 3 to 6 ticks."""
        if value <= 0:
            return cls(high=1.0, step=1.0)
        power = 10.0 ** floor(log10(value))
        step = next(power * part for part in (0.2, 0.5, 1.0, 2.0) if value / (power * part) <= 5)
        return cls(high=step * ceil(value / step - 1e-9), step=step)

    def at(self, value: float) -> float:
        """Percent of the axis, from 0 to 100."""
        return round(100 * min(1.0, max(0.0, value / self.high)), 2)

    @property
    def values(self) -> tuple[float, ...]:
        """Where its ticks are."""
        return tuple(self.step * i for i in range(round(self.high / self.step) + 1))


def area(distribution: Distribution, axis: LogAxis) -> str:
    """A distribution's outline as a path: steps, as high as the share of values, the highest 100."""
    most = max(one.count for one in distribution.bins)
    points = []
    for one in distribution.bins:
        top = BOX_HEIGHT * (1 - one.count / most)
        points += [(axis.at(one.low_ns), top), (axis.at(one.high_ns), top)]
    moves = " ".join(f"L{x * 10:.1f} {y:.1f}" for x, y in points)
    return f"M{points[0][0] * 10:.1f} {BOX_HEIGHT} {moves} L{points[-1][0] * 10:.1f} {BOX_HEIGHT} Z"


def curve(windows: Sequence[WorstWindow], axis: LogAxis) -> str:
    """The worst windows as a line, 100 % at the top."""
    points = [(axis.at(one.length_ns) * 10, BOX_HEIGHT * (1 - one.share)) for one in windows]
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def below(windows: Sequence[WorstWindow], axis: LogAxis) -> str:
    """The area under `curve`."""
    start, end = axis.at(windows[0].length_ns) * 10, axis.at(windows[-1].length_ns) * 10
    return f"{curve(windows, axis)} L{end:.1f} {BOX_HEIGHT} L{start:.1f} {BOX_HEIGHT} Z"


def rate_label(value: float) -> str:
    """A round number on an axis."""
    return units.count(round(value)) if value == round(value) else f"{value:g}"
