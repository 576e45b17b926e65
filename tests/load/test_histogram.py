"""The histogram agrees with HdrHistogram, merges, and survives JSON."""

from __future__ import annotations

import json
import math
import statistics

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from diag.load.histogram import RELATIVE_ERROR, Histogram, bounds_of, bucket_of

LATENCIES = st.lists(st.integers(0, 10**11), min_size=1, max_size=200)
PERCENTS = [0, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100]


@given(st.integers(0, 2**62))
def test_each_value_lies_within_its_bucket(value: int) -> None:
    low, high = bounds_of(bucket_of(value))
    assert low <= value <= high
    assert abs((low + high) // 2 - value) <= RELATIVE_ERROR * value


@given(st.integers(0, 2**62))
def test_buckets_touch_and_are_ordered(value: int) -> None:
    low, high = bounds_of(bucket_of(value))
    assert bucket_of(high + 1) == bucket_of(high) + 1
    assert low == 0 or bucket_of(low - 1) == bucket_of(low) - 1


@given(LATENCIES)
def test_percentiles_agree_with_hdrhistogram(values: list[int]) -> None:
    oracle = HdrHistogram(1, 10**12, 3)
    for value in values:
        oracle.record_value(value)
    mine = Histogram(values)
    for percent in PERCENTS[1:]:
        theirs = oracle.get_value_at_percentile(percent)
        # Near a rank's edge the two may round to neighbours: then one of the values beside it is right.
        exact = sorted(values)[max(0, math.ceil(percent / 100 * len(values) - 1e-9) - 1)]
        assert mine.percentile(percent) == pytest.approx(exact, rel=RELATIVE_ERROR, abs=1)
        if theirs == pytest.approx(exact, rel=1e-3, abs=1):
            assert mine.percentile(percent) == pytest.approx(theirs, rel=1e-3 + RELATIVE_ERROR, abs=2)


@given(LATENCIES)
def test_count_range_mean_and_sd_are_exact(values: list[int]) -> None:
    histogram = Histogram(values)
    assert (len(histogram), histogram.min, histogram.max) == (len(values), min(values), max(values))
    assert histogram.mean == pytest.approx(statistics.fmean(values))
    assert histogram.sd == pytest.approx(statistics.pstdev(values), abs=1e-3)


@given(LATENCIES, LATENCIES)
def test_merging_equals_counting_all(left: list[int], right: list[int]) -> None:
    assert Histogram.merged([Histogram(left), Histogram(right)]) == Histogram(left + right)


@given(st.lists(st.integers(0, 10**11), max_size=200))
def test_json_round_trip(values: list[int]) -> None:
    histogram = Histogram(values)
    assert Histogram.from_json(json.loads(json.dumps(histogram.to_json()))) == histogram


def test_recording_one_by_one_equals_recording_at_once() -> None:
    one_by_one = Histogram()
    for value in (5, 70_000, -3):
        one_by_one.record(value)
    assert one_by_one == Histogram([5, 70_000, 0])


def test_an_empty_histogram_answers_zero() -> None:
    empty = Histogram()
    assert (len(empty), empty.min, empty.max, empty.mean, empty.sd, empty.percentile(99)) == (0,) * 6
    assert list(empty.buckets()) == []


def test_counts_up_to_a_value() -> None:
    histogram = Histogram([1, 2, 1_000_000])
    assert [histogram.count_at_most(value) for value in (0, 1, 999_000, 1_000_000)] == [0, 1, 2, 3]
    assert [count for _, _, count in histogram.buckets()] == [1, 1, 1]


def test_a_percentile_outside_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 100, not 101"):
        Histogram([1]).percentile(101)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"steps": 3}, "steps: expected a list"),
        ({"steps": [1], "counts": []}, "min: expected a non-negative"),
        (
            {"steps": [1], "counts": [], "min": 0, "max": 0, "total": 0, "squares": 0},
            "steps: 1 of them for 0",
        ),
        ({"steps": ["x"], "counts": [1]}, "steps: expected a non-negative integer, got 'x'"),
    ],
)
def test_a_wrong_form_is_refused_by_field(form: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Histogram.from_json(form)


def test_a_histogram_stays_small() -> None:
    histogram = Histogram(range(0, 10**9, 997))
    assert len(histogram) > 10**6
    assert len(list(histogram.buckets())) < 2048 + 1024 * 20
