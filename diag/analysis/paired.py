"""Pairs of cells, compared on trials that were made side by side: Student's t on the logarithm of the ratio.

Why not the bootstrap here: its interval of few trials is too narrow. With five pairs the widest that a
resampled median can give, from the least to the greatest, misses the truth in 1 of 16 comparisons, and no
correction for many pairs can widen it. The logarithm of a ratio of two equal cells is symmetric around 0
whatever their distribution, for which the t interval keeps its level or errs to the careful side (Efron 1969,
"Student's t-test under symmetry conditions").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

ERROR_RATE = 0.02
"""How often a comparison of equal cells may claim any difference at all, over all its pairs. Below the usual
0.05, so that of 200 comparisons of equal cells no more than 10 claim one, not merely on average."""

_STEPS = 100
_TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio with its interval.

    Attributes:
        ratio: the geometric mean over pairs.
        low, high: the interval; 0 and infinity where there are fewer than two pairs.
        p_value: two-sided, of the ratio being 1.
        pairs: how many.
    """

    ratio: float
    low: float
    high: float
    p_value: float
    pairs: int


def ratio_of(first: Sequence[float], second: Sequence[float], error_rate: float = ERROR_RATE) -> Ratio:
    """The ratio of paired positive values with an interval that misses the truth at `error_rate`."""
    logs = [math.log(a / b) for a, b in zip(first, second, strict=True)]
    pairs = len(logs)
    middle = math.fsum(logs) / pairs if pairs else 0.0
    if pairs < 2:
        return Ratio(ratio=math.exp(middle), low=0.0, high=math.inf, p_value=1.0, pairs=pairs)
    deviation = math.sqrt(math.fsum((log - middle) ** 2 for log in logs) / (pairs - 1))
    error = deviation / math.sqrt(pairs)
    freedom = pairs - 1
    if error < 1e-12 * max(1.0, abs(middle)):
        p_value = 1.0 if abs(middle) < 1e-12 else 0.0
        return Ratio(
            ratio=math.exp(middle), low=math.exp(middle), high=math.exp(middle), p_value=p_value, pairs=pairs
        )
    half = student_quantile(1 - error_rate / 2, freedom) * error
    return Ratio(
        ratio=math.exp(middle),
        low=math.exp(max(-700.0, middle - half)),
        high=math.exp(min(700.0, middle + half)),
        p_value=2 * student_tail(abs(middle) / error, freedom),
        pairs=pairs,
    )


def holm_rates(p_values: Sequence[float], error_rate: float = ERROR_RATE) -> tuple[float, ...]:
    """The error rate that each of several comparisons is held to, so that all together keep `error_rate`.

    Holm's step-down method (1979, Scandinavian Journal of Statistics 6): the smallest p value is held to the
    rate divided by their number, the next to the rate divided by one less, until one fails; all after it are
    held to what that one failed.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    rates = [0.0] * len(p_values)
    failed: float | None = None
    for place, index in enumerate(order):
        rate = error_rate / (len(p_values) - place) if failed is None else failed
        rates[index] = rate
        if failed is None and p_values[index] >= rate:
            failed = rate
    return tuple(rates)


def student_tail(value: float, freedom: float) -> float:
    """P(T > value) of Student's t distribution, for a value of 0 or more."""
    return 0.5 * _beta_share(freedom / (freedom + value * value), freedom / 2, 0.5)


@lru_cache(maxsize=1_024)
def student_quantile(share: float, freedom: float) -> float:
    """The value that `share` (0.5 to 1) of Student's t distribution lies below, by bisection."""
    low, high = 0.0, 1.0
    while student_tail(high, freedom) > 1 - share and high < 1e12:
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if student_tail(middle, freedom) > 1 - share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b) (DLMF 8.17)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Its continued fraction (DLMF 8.17.22), by Lentz's method."""
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _off_zero(1 + term * d)
            c = _off_zero(1 + term / c)
            value *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return value


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
