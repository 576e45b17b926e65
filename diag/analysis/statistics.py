"""Percentiles, medians and bootstrap intervals, in the standard library."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import floor

RESAMPLES = 2_000
"""Percentile intervals need 1,000 resamples or more (Efron & Tibshirani 1993, An Introduction to the
Bootstrap, §19.3)."""


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, by linear interpolation.

    The method is number 7 of Hyndman & Fan (1996), numpy's default. 0.0 for no values.
    """
    if not values:
        return 0.0
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def percentile_ns(values: Sequence[int], share: float) -> int:
    """`percentile`, rounded to whole nanoseconds."""
    return round(percentile(values, share))


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two middle ones; 0.0 for no values."""
    return percentile(values, 0.5)


def bootstrap_interval(
    values: Sequence[float],
    *,
    statistic: Callable[[Sequence[float]], float] = median,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """The percentile bootstrap interval of a statistic, the same for the same seed.

    Args:
        values: the sample; one value gives an interval of no width.
        statistic: what is estimated.
        confidence: how often the interval shall hold the true value.
        seed: of the resampling.
        resamples: how many samples are drawn.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        message = "a bootstrap interval needs at least one value"
        raise ValueError(message)
    draw = random.Random(seed)  # noqa: S311  # resampling, not a secret
    found = sorted(statistic(draw.choices(values, k=len(values))) for _ in range(resamples))
    tail = (1 - confidence) / 2
    return percentile(found, tail), percentile(found, 1 - tail)
