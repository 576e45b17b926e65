"""Charts as geometry."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diag.analysis.availability import distribution
from diag.reports.html.figures import LinearAxis, LogAxis, area, decade

MS = 1_000_000


def test_decades_have_labels() -> None:
    """And what lies between two has none."""
    axis = LogAxis.around([2 * MS, 300 * MS])
    assert [tick.label for tick in axis.ticks if tick.label] == ["1 ms", "10 ms", "100 ms", "1 s"]
    assert [tick.at for tick in axis.ticks if tick.label] == [0, 33.33, 66.67, 100]
    assert decade(4) == "10 µs"
    assert decade(2) == "100 ns"
    assert decade(11) == "100 s"


@given(st.lists(st.integers(1, 10**12), min_size=1))
def test_an_axis_holds_what_it_is_around(values: list[int]) -> None:
    """Within its ends, and in the same order."""
    axis = LogAxis.around(values)
    places = [axis.at(value) for value in sorted(values)]
    assert all(0 <= place <= 100 for place in places)
    assert places == sorted(places)
    assert axis.high - axis.low >= 2


@given(st.floats(1e-6, 1e9))
def test_a_linear_axis_has_few_round_ticks(value: float) -> None:
    """From 0 to no less than the value."""
    axis = LinearAxis.upto(value)
    assert axis.high >= value * (1 - 1e-9)
    assert 3 <= len(axis.values) <= 7
    assert axis.at(0) == 0
    assert axis.at(axis.high) == 100


def test_nothing_to_show() -> None:
    """An axis of nothing is one all the same."""
    assert LinearAxis.upto(0).values == (0.0, 1.0)
    assert LogAxis.around([]).ticks


def test_the_highest_bin_touches_the_top() -> None:
    """And the outline begins and ends on the ground."""
    found = distribution([MS] * 10 + [50 * MS])
    path = area(found, LogAxis.around([MS, 50 * MS]))
    assert path.startswith("M")
    assert path.endswith("Z")
    heights = [float(point.split()[1]) for point in path.replace("M", "L").removesuffix(" Z").split("L")[1:]]
    assert min(heights) == 0
    assert heights[0] == heights[-1] == 100
