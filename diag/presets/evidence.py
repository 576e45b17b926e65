"""What was measured of a preset's cells: figures with intervals, paired ratios, and why one is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from diag import units
from diag.analysis.comparison import Measured, estimate_of
from diag.analysis.paired import ERROR_RATE, Ratio, ratio_of
from diag.analysis.statistics import median
from diag.analysis.trials import Trial
from diag.comparison import Estimate

Value = Callable[[Trial], float]
_TINY = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """All trials of a preset.

    Attributes:
        cells: what was measured of each cell, by `PresetCell.key`.
        scale: of the preset.
        cores: of the machine.
        seed: of the intervals.
        family: claims that are judged together; each is held to its part of the error rate.
    """

    cells: Mapping[str, Measured]
    scale: float
    cores: int
    seed: int
    family: int = 1

    def trials(self, key: str) -> tuple[Trial, ...]:
        """Those of a cell that gave figures."""
        return self.cells[key].trials if key in self.cells else ()

    def estimate(self, key: str, value: Value) -> Estimate:
        """A figure of a cell over its trials."""
        return estimate_of([value(trial) for trial in self.trials(key)], self.seed)

    def typical(self, key: str, value: Value) -> float:
        """The median of a figure over a cell's trials, 0 if there are none."""
        return median([value(trial) for trial in self.trials(key)])

    def ratio(self, first: str, second: str, value: Value, against: Value | None = None) -> Ratio:
        """How many times a figure of the second cell the first one's is, over the trials that both have.

        Args:
            first: the key of a cell.
            second: of another.
            value: the figure.
            against: the second one's, where it is another.
        """
        other = {trial.number: (against or value)(trial) for trial in self.trials(second)}
        pairs = [(value(trial), other[trial.number]) for trial in self.trials(first) if trial.number in other]
        kept = [(a, b) for a, b in pairs if a > 0 and b > 0]
        return ratio_of([a for a, _ in kept], [b for _, b in kept], ERROR_RATE / self.family)

    def most(self, key: str) -> Value:
        """Requests per second that a cell cannot have exceeded.

        Those it answered; or, where the load generator was the limit, those that the cores of the machine
        could serve and send, at the CPU time that a request cost server and generator, and that its processes
        could answer if each had a core.
        """
        one = self.cells[key]

        def value(trial: Trial) -> float:
            if not one.bound or not trial.cpu:
                return trial.throughput
            sending = trial.generator * trial.totals.wall_ns / max(1, trial.totals.answered)
            both = self.cores * 1e9 / (trial.cpu + sending)
            return max(trial.throughput, min(both, one.cell.workers * 1e9 / trial.cpu))

        return value

    def missing(self, *keys: str, ranked: bool = True) -> str:
        """Why cells cannot be compared, "" if they can.

        Args:
            keys: of the cells.
            ranked: True if they are compared by what a load generator that is the limit would falsify.
        """
        for key in keys:
            label = key.partition(": ")[2]
            one = self.cells.get(key)
            if one is None:
                return f"{label} was not measured"
            if not one.trials:
                return f"{label} gave no figures: {one.failures[0] if one.failures else 'it was not run'}"
            if ranked and one.bound:
                return f"{label} is not ranked: {one.bound_words}"
            if len(one.trials) < 2:
                return f"{label} has one trial only, which has no interval"
        return ""


def throughput(trial: Trial) -> float:
    """Answers per second."""
    return trial.throughput


def times(ratio: Ratio) -> str:
    """``10.8 × [9.9–11.8]``."""
    low = "0" if ratio.low < _TINY else f"{ratio.low:.3g}"
    high = "∞" if ratio.high > 1 / _TINY else f"{ratio.high:.3g}"
    return f"{ratio.ratio:.3g} × [{low}–{high}]"


def rates(figure: Estimate) -> str:
    """``641 req/s [620–660]``."""
    return f"{units.rate(figure.value)} req/s [{units.rate(figure.low)}–{units.rate(figure.high)}]"


def durations(figure: Estimate) -> str:
    """``4.1 ms [3.9–4.4 ms]``."""
    value, low, high = (units.duration(round(one)) for one in (figure.value, figure.low, figure.high))
    unit = high.rpartition(" ")[2]
    return f"{value} [{low.removesuffix(f' {unit}')}–{high}]"


def numbers(figure: Estimate) -> str:
    """``1.98 [1.97–2.00]``."""
    return f"{figure.value:.3g} [{figure.low:.3g}–{figure.high:.3g}]"
