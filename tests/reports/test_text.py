"""Text of others: whatever it holds, it can only be read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from diag.reports.text import ASCII, LONGEST_TEXT, UNICODE, clean, cut, cut_middle, glyphs_for


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b31m", r"\x9b31m"),
        ("a\x00b\rc\nd\x7f", r"a\x00b\x0dc\x0ad\x7f"),
        ("\u202eevil\u2066\u200b\ufeff", r"\u202eevil\u2066\u200b\ufeff"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("\tx\u00a0y\u3000z", "    x y z"),
        ("[red]x[/] :smile:", "[red]x[/] :smile:"),
        ("漢字 😀 é", "漢字 😀 é"),
        ("a" + "\u0301" * 50, "a" + "\u0301" * 3),
    ],
)
def test_what_cannot_be_printed_is_an_escape(hostile: str, shown: str) -> None:
    """It is seen, and has no effect."""
    assert clean(hostile) == shown


@given(st.text(st.characters()))
def test_nothing_unprintable_is_left(text: str) -> None:
    """For any text at all, in any encoding."""
    for encoding in ("utf-8", "latin-1", "ascii", "cp437"):
        shown = clean(text, encoding=encoding)
        assert shown.isprintable()
        assert not any(unicodedata.category(letter) in {"Cc", "Cf", "Cs"} for letter in shown)
        shown.encode(encoding)


def test_a_megabyte_is_cut() -> None:
    """Before each of its letters is looked at."""
    assert len(clean("\x1b" * 1_000_000)) <= LONGEST_TEXT * 4 + 1


def test_line_ends_are_kept_where_they_are_wanted() -> None:
    """For a traceback, which has lines; a lone CR, which would overwrite one, never is."""
    assert clean("a\r\nb\rc\n", lines=True) == "a\nb\\x0dc\n"


def test_an_encoding_without_symbols_gets_ascii() -> None:
    """One that cannot show all of them gets none of them."""
    assert glyphs_for("utf-8") is UNICODE
    assert glyphs_for("latin-1") is ASCII
    assert glyphs_for("no-such-encoding") is ASCII
    assert clean("9 × 2 µs → ✓ 漢", encoding="ascii") == r"9 x 2 us -> + \u6f22"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.integers(0, 60))
def test_what_is_cut_fits(text: str, width: int) -> None:
    """Wide characters count as two cells."""
    shown = clean(text)
    assert cell_len(cut(shown, width)) <= width
    assert cell_len(cut_middle(shown, width)) <= width
    if cell_len(shown) <= width:
        assert cut(shown, width) == cut_middle(shown, width) == shown


def test_a_path_keeps_its_name_and_line() -> None:
    """The middle is what can be spared."""
    assert cut_middle("/home/user/projects/shop/report.py:88", 24) == "/home/user…/report.py:88"
    assert cut_middle("a-very-long-name-without-folders.py:88", 20) == "a-very-…olders.py:88"
