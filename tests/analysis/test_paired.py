"""Paired comparisons: against scipy, and how often they are wrong or miss what is there."""

from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from diag.analysis.paired import ERROR_RATE, holm_rates, ratio_of, student_quantile, student_tail


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 29, 200])
def test_student_t_is_scipys(freedom: int) -> None:
    """Tails and quantiles, far out as many pairs need them."""
    for value in (0.0, 0.3, 1.0, 2.5, 12.0, 80.0):
        assert student_tail(value, freedom) == pytest.approx(stats.t.sf(value, freedom), rel=1e-9)
    for share in (0.6, 0.975, 0.995, 0.9999):
        assert student_quantile(share, freedom) == pytest.approx(stats.t.ppf(share, freedom), rel=1e-8)


def test_a_ratio_is_scipys_paired_t_test_of_logarithms() -> None:
    first, second = [110.0, 118, 109, 125, 111], [100.0, 101, 99, 117, 98]
    logs = [[math.log(v) for v in values] for values in (first, second)]
    oracle = stats.ttest_rel(*logs)
    interval = oracle.confidence_interval(0.95)
    found = ratio_of(first, second, 0.05)
    assert found.p_value == pytest.approx(oracle.pvalue)
    assert (found.low, found.high) == pytest.approx((math.exp(interval.low), math.exp(interval.high)))
    assert found.pairs == 5


def test_holm_is_statsmodels_in_small() -> None:
    """Worked by hand: 0.05/4, 0.05/3, then 0.03 fails 0.05/2 and the last is held to that too."""
    assert holm_rates([0.03, 0.001, 0.04, 0.01], 0.05) == pytest.approx((0.025, 0.0125, 0.025, 0.05 / 3))
    assert holm_rates([], 0.05) == ()


@pytest.mark.parametrize(("pairs", "low", "high"), [(0, 0.0, math.inf), (1, 0.0, math.inf)])
def test_too_few_pairs_say_nothing(pairs: int, low: float, high: float) -> None:
    found = ratio_of([2.0] * pairs, [1.0] * pairs)
    assert (found.low, found.high, found.p_value) == (low, high, 1.0)


def test_pairs_without_any_noise() -> None:
    """Equal ones do not differ; others do, with an interval of no width."""
    assert ratio_of([5.0] * 4, [5.0] * 4).p_value == 1.0
    same = ratio_of([6.0] * 4, [3.0] * 4)
    assert (same.ratio, same.low, same.high, same.p_value) == (pytest.approx(2), same.ratio, same.ratio, 0.0)


def noisy(draw: random.Random, level: float, trials: int) -> tuple[list[float], list[float]]:
    """Two cells of a machine whose speed drifts, with noise of 4 % and a slow trial now and then."""
    first, second, drift = [], [], 0.0
    for _ in range(trials):
        drift += draw.gauss(0, 0.05)
        for cell, factor in ((first, level), (second, 1.0)):
            slow = draw.uniform(0.2, 0.5) if draw.random() < 0.05 else 0
            cell.append(1000 * factor * math.exp(drift + draw.gauss(0, 0.04) - slow))
    return first, second


def claims(level: float, trials: int, repeats: int = 200) -> int:
    """How many of some comparisons claim a difference."""
    draw = random.Random(7)
    return sum(ratio_of(*noisy(draw, level, trials)).p_value < ERROR_RATE for _ in range(repeats))


@pytest.mark.parametrize("trials", [3, 5, 10, 20])
def test_equal_cells_are_called_different_in_at_most_5_percent(trials: int) -> None:
    assert claims(1.0, trials) <= 10


def test_a_difference_of_10_percent_is_found_with_enough_trials() -> None:
    """With 10 trials in half of the cases; with 30 nearly always."""
    assert claims(1.1, 10) >= 90
    assert claims(1.1, 30) >= 180
    assert claims(1.5, 5) >= 150
