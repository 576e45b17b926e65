"""Percentiles and intervals, with scipy and numpy as oracles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from diag.analysis.statistics import bootstrap_interval, median, percentile, percentile_ns

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


@given(VALUES, st.floats(0, 1))
def test_percentiles_are_numpys(values: list[float], share: float) -> None:
    assert percentile(values, share) == pytest.approx(np.quantile(values, share), rel=1e-9, abs=1e-6)


def test_of_no_values_everything_is_nothing() -> None:
    assert (percentile([], 0.5), percentile_ns([], 0.99), median([])) == (0.0, 0, 0.0)


def test_a_bootstrap_interval_is_scipys_percentile_interval() -> None:
    values = list(np.random.default_rng(3).normal(100, 10, 60))
    ours = bootstrap_interval(values, seed=1, resamples=4_000)
    theirs = stats.bootstrap(
        (values,), np.median, method="percentile", n_resamples=4_000, random_state=1
    ).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.8)


def test_a_bootstrap_interval_is_the_same_for_the_same_seed() -> None:
    values = [1.0, 5.0, 2.0, 8.0]
    assert bootstrap_interval(values, seed=5) == bootstrap_interval(values, seed=5)
    assert bootstrap_interval([3.0]) == (3.0, 3.0)


def test_no_values_have_no_interval() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap_interval([])
