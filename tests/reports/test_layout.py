"""Lines of a given width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from diag.reports import layout
from diag.reports.text import UNICODE

WORDS = st.text(st.sampled_from("ab 漢😀1ms%"), max_size=200)


@given(WORDS, st.integers(10, 60))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    """Only spaces may go."""
    lines = layout.wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("kept", ["182 ms", "GET /cart", "/x +3 ms", "98 %"])
def test_what_belongs_together_stays_on_a_line(kept: str) -> None:
    """A number and its unit, a method and its path, a route and its figure."""
    for width in range(12, 40):
        lines = layout.wrap(f"one two three {kept} four five", width)
        assert any(kept in line for line in lines), lines


def test_facts_break_at_their_dots() -> None:
    """A fact that is too long for a line is wrapped itself."""
    lines = [line.plain for line in layout.flow(["one two", "three", "four"], UNICODE, 18, label="data: ")]
    assert lines == ["data: one two ·", "      three · four"]
    lines = [line.plain for line in layout.flow(["a " * 20], UNICODE, 20)]
    assert all(len(line) <= 20 for line in lines)


@given(st.lists(st.text("ab ", min_size=1, max_size=30), min_size=1), st.integers(20, 80))
def test_facts_always_fit(items: list[str], width: int) -> None:
    """Whatever their number and length."""
    assert all(line.cell_len <= width for line in layout.flow(items, UNICODE, width, indent=2))


def test_the_right_end_gets_a_line_of_its_own_where_there_is_no_room() -> None:
    """It is shortened in the middle there."""
    together = layout.ends(Text("left"), "right", 20, "…")
    assert [line.plain for line in together] == ["left           right"]
    apart = layout.ends(Text("a long left side"), "some/long/path/to/file.py:1", 20, "…")
    assert [line.plain for line in apart] == ["a long left side", "    some/…/file.py:1"]
    assert [line.plain for line in layout.ends(Text("left"), "", 20, "…")] == ["left"]


def test_a_table_lines_up_wide_characters() -> None:
    """By cells, not by letters."""
    lines = layout.table(("name", "n"), [("漢字", "10"), ("b", "2")])
    assert lines == ["  name   n", "  漢字  10", "  b      2"]
