"""Arrival models and request orders are seeded, exact and balanced."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.load.arrivals import balanced, constant, offsets, poisson


def test_constant_arrivals_do_not_drift() -> None:
    times = list(islice(constant(3), 300_001))
    assert times[0] == 0
    assert times[3] == 1_000_000_000
    assert times[300_000] == 100_000 * 10**9


@given(st.floats(0.01, 1e6), st.sampled_from(["constant", "poisson"]))
def test_arrivals_never_go_back(rate: float, model: str) -> None:
    times = list(islice(offsets(model, rate, "seed"), 200))
    assert times == sorted(times)
    assert times[0] >= 0


def test_poisson_has_the_rate_and_the_spread_of_its_name() -> None:
    times = list(islice(poisson(1000, "seed"), 100_001))
    gaps = [after - before for before, after in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert mean == pytest.approx(1_000_000, rel=0.02)
    assert variance**0.5 == pytest.approx(mean, rel=0.02)


def test_a_seed_gives_the_same_arrivals_and_another_seed_others() -> None:
    first, again, other = (list(islice(poisson(10, seed), 50)) for seed in ("a", "a", "b"))
    assert first == again
    assert first != other


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.text(max_size=5))
def test_each_round_holds_each_item_by_its_weight(weights: list[int], seed: str) -> None:
    size = sum(weights)
    taken = list(islice(balanced(range(len(weights)), weights, seed), 3 * size))
    for start in range(0, 3 * size, size):
        counts = Counter(taken[start : start + size])
        assert [counts[item] for item in range(len(weights))] == weights


def test_rounds_are_shuffled_differently() -> None:
    taken = list(islice(balanced("abcdef", [1] * 6, "seed"), 60))
    assert len({tuple(taken[start : start + 6]) for start in range(0, 60, 6)}) > 5


def test_common_divisors_of_weights_shorten_the_round() -> None:
    assert sorted(islice(balanced("ab", [50, 50], "seed"), 2)) == ["a", "b"]
