"""Figures of one run with what chance made of them: windows of time, drawn again and again.

Requests of one run are not independent: those behind one block are late together, and a slow second of the
machine makes all of them slow. Drawing single requests would give intervals that are far too narrow. So
whole windows of time are drawn, long enough that what happens in one hardly reaches into the next: the block
bootstrap (Carlstein 1986, Annals of Statistics 14; Künsch 1989, Annals of Statistics 17). What differs from
one run to the next is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_WINDOWS = 40
FEWEST_WINDOWS = 6
"""Fewer windows than this tell nothing of how much they vary."""

REACH = 2.0
"""A window is at least this many times as long as the longest delay that reaches from one into the next."""

RESAMPLES = 4_000
GROWTH = 1.01
"""Latencies are counted in classes of this ratio: 1 % is far finer than what is ever claimed."""


def window_length(time_ns: int, reach_ns: int) -> int:
    """How long windows are in a run of `time_ns` whose delays reach `reach_ns` far, in ns."""
    wanted = max(time_ns // MOST_WINDOWS, round(REACH * reach_ns), 1)
    return min(wanted, max(1, time_ns // FEWEST_WINDOWS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """One run, divided.

    Attributes:
        start_ns: of the first window.
        length_ns: of each.
        count: how many whole ones there are.
    """

    start_ns: int
    length_ns: int
    count: int

    @classmethod
    def of(cls, window: tuple[int, int], length_ns: int) -> Windows:
        """The whole windows of a stretch of time."""
        start, end = window
        return cls(start_ns=start, length_ns=length_ns, count=max(0, (end - start) // max(1, length_ns)))

    def place(self, at_ns: int) -> int:
        """The window that a moment lies in; what is left at the end belongs to the last."""
        return min(max(0, (at_ns - self.start_ns) // self.length_ns), self.count - 1)


class Draws:
    """How often each window of a run is taken in each of `RESAMPLES` draws; the same for every figure."""

    def __init__(self, windows: Windows, seed: int) -> None:
        """Draw.

        Args:
            windows: the run's.
            seed: of the drawing.
        """
        import numpy as np  # noqa: PLC0415  # 0.1 s that only a comparison needs

        generator = np.random.default_rng(seed)
        count = windows.count
        self.windows = windows
        self.weights: Floats = generator.multinomial(count, [1 / count] * count, size=RESAMPLES).astype(float)

    def percentiles(self, moments: Sequence[int], latencies: Sequence[int], share: float) -> Floats:
        """A percentile of the latencies in every draw, in ns.

        Args:
            moments: when each request should have been sent.
            latencies: each request's, in the same order.
            share: 0 to 1.
        """
        import numpy as np  # noqa: PLC0415

        values = np.maximum(np.asarray(latencies, dtype=float), 1.0)
        classes = np.floor(np.log(values) / np.log(GROWTH)).astype(int)
        lowest = int(classes.min())
        places = np.asarray([self.windows.place(at) for at in moments])
        counts = np.zeros((self.windows.count, int(classes.max()) - lowest + 1))
        np.add.at(counts, (places, classes - lowest), 1.0)
        return _percentile_of(self.weights @ counts, share, lowest)

    def shares(self, amounts: Sequence[float]) -> Floats:
        """The mean of one amount a window, in every draw."""
        import numpy as np  # noqa: PLC0415

        drawn: Floats = self.weights @ np.asarray(amounts, dtype=float) / self.windows.count
        return drawn


def _percentile_of(counts: Any, share: float, lowest: int) -> Floats:
    """The middle of the class in which the percentile of each row lies."""
    import numpy as np  # noqa: PLC0415

    sums = np.cumsum(counts, axis=1)
    wanted = share * sums[:, -1:]
    index = np.argmax(sums >= np.maximum(wanted, 1e-9), axis=1)
    found: Floats = GROWTH ** (index + lowest + 0.5)
    return found


def interval(values: Any, error_rate: float) -> tuple[float, float]:
    """The range that all but `error_rate` of some drawn values lie in, the same part left out at each end."""
    import numpy as np  # noqa: PLC0415

    low, high = np.quantile(values, [error_rate / 2, 1 - error_rate / 2])
    return float(low), float(high)
