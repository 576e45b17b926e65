"""Arithmetic of intervals, against counting nanosecond by nanosecond."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from diag.analysis.intervals import Occupied, clip, covered, merge

PAIRS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def moments(pairs: list[tuple[int, int]]) -> set[int]:
    """The nanoseconds that some intervals cover."""
    return {at for start, end in pairs for at in range(start, end)}


@given(PAIRS)
def test_a_union_covers_what_its_intervals_cover_and_is_in_order(pairs: list[tuple[int, int]]) -> None:
    merged = merge(pairs)
    assert covered(pairs) == len(moments(pairs))
    assert all(before[1] < after[0] for before, after in itertools.pairwise(merged))


@given(PAIRS, st.integers(-5, 65), st.integers(-5, 65))
def test_overlap_counts_each_covered_moment_once(pairs: list[tuple[int, int]], start: int, end: int) -> None:
    occupied = Occupied(merge(pairs))
    assert occupied.overlap(start, end) == len(moments(pairs) & set(range(start, end)))


def test_a_shared_stretch_counts_for_its_share() -> None:
    occupied = Occupied([(0, 10), (10, 20)], weights=[1, 2], divisor=2)
    assert (occupied.overlap(0, 10), occupied.overlap(5, 15), occupied.overlap(0, 40)) == (5, 7, 15)


def test_nothing_is_covered_by_nothing() -> None:
    assert not Occupied([])
    assert Occupied([]).overlap(0, 100) == 0


def test_what_lies_outside_is_clipped_to_nothing() -> None:
    assert clip((5, 9), (10, 20)) == (10, 10)
    assert clip((15, 30), (10, 20)) == (15, 20)
