"""How available a loop was at worst, and distributions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from recordings import AT_SLEEP, MS, Scene

from diag.analysis.availability import busy_stretches, distribution, worst_windows
from diag.analysis.case import examine
from diag.analysis.intervals import Occupied, merge, without

SPANS = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 60)), max_size=12)


def test_one_block() -> None:
    """A window no longer than the block has no room; one of twice its length has half of it."""
    curve = worst_windows([((100 * MS, 200 * MS),)], (0, 1_000 * MS))
    by_length = {one.length_ns: one.share for one in curve}
    assert by_length[100 * MS] == 0
    assert by_length[1_000 * MS] == 0.9
    assert all(share == 0 for length, share in by_length.items() if length <= 100 * MS)


def test_the_worst_lane_counts() -> None:
    """A free loop beside it does not help those on the blocked one."""
    curve = worst_windows([(), ((0, 500 * MS),)], (0, 1_000 * MS))
    assert curve[-1].share == 0.5


def test_a_free_loop() -> None:
    """All of the time is there."""
    assert {one.share for one in worst_windows([()], (0, 1_000 * MS))} == {1.0}


@given(SPANS)
def test_no_window_is_worse(spans: list[tuple[int, int]]) -> None:
    """A search over every start agrees."""
    stretches = merge((start * MS, (start + length) * MS) for start, length in spans)
    stretches = tuple((a, min(b, 1_000 * MS)) for a, b in stretches)
    occupied = Occupied(stretches)
    for one in worst_windows([stretches], (0, 1_000 * MS)):
        starts = range(0, 1_000 * MS - one.length_ns + 1, MS)
        by_hand = min(1 - occupied.overlap(at, at + one.length_ns) / one.length_ns for at in starts)
        assert one.share <= by_hand + 1e-9
        whole = sum(end - start for start, end in stretches)
        assert one.share >= 1 - whole / one.length_ns - 1e-9


@given(SPANS, SPANS)
def test_without_is_the_difference(spans: list[tuple[int, int]], holes: list[tuple[int, int]]) -> None:
    """Every point of the first union that is in no hole, and no other."""
    own = [(start, start + length) for start, length in spans]
    taken = [(start, start + length) for start, length in holes]

    def points(some: object) -> set[int]:
        return {at for low, high in some for at in range(low, high)}

    assert points(without(own, taken)) == points(own) - points(taken)


def test_loops_and_canaries() -> None:
    """Blocks hold the loop; the planted one came before the load."""
    scene = Scene()
    scene.step(1_100, 1_200, frames=AT_SLEEP)
    recording = scene.recording()
    assert busy_stretches(examine(recording, recording.runs[0])) == (((1_100 * MS, 1_200 * MS),),)


@given(st.lists(st.integers(1_000, 10**11), min_size=1, max_size=200))
def test_bins_hold_every_value(values: list[int]) -> None:
    """Nothing is lost, and each bin holds what lies in it."""
    found = distribution(values)
    assert sum(one.count for one in found.bins) == found.count == len(values)
    assert found.max_ns == max(values)
    for one in found.bins[:-1]:
        assert one.count == sum(one.low_ns <= value < one.high_ns for value in values) or one is found.bins[0]
    for before, after in zip(found.bins, found.bins[1:], strict=False):
        assert before.high_ns == after.low_ns


def test_no_values() -> None:
    """No distribution."""
    assert distribution([]) is None
