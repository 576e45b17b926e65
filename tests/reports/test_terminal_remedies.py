"""What was tried, on the terminal: a table that fits, the recommended one marked, reasons, and the change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console
from tried import TRIED, result
from verdicts import BLOCKED

from diag.remedy import Tried
from diag.reports.terminal import Part, show


def shown(*tried: Tried, width: int = 80, verbose: bool = False, encoding: str = "utf-8") -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        show(BLOCKED, console, verbose=verbose, encoding=encoding, tried=tried, part=Part.AFTER)
    return captured.get()


def test_the_table_tells_figures_with_intervals_the_prediction_and_its_error() -> None:
    """As written first, and the recommended one marked."""
    assert [line.split() for line in shown(TRIED).splitlines()[4:8]] == [
        ["tried", "victims'", "p99", "change", "req/s", "predicted", "off"],
        ["as", "written", "248", "ms", "[223–273]", "31.0"],
        ["▸", "process-pool", "14", "ms", "[13–15]", "-94", "%", "30.2", "12", "ms", "-14", "%"],
        ["to-thread", "121", "ms", "[109–133]", "-51", "%", "30.2", "130", "ms", "+7", "%"],
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_the_page(width: int, encoding: str) -> None:
    text = shown(TRIED, width=width, encoding=encoding)
    own = text.partition("to write what is recommended: ")[0]  # commands and paths are never broken
    assert max(cell_len(line) for line in own.splitlines()) <= width
    if encoding == "ascii":
        assert own.isascii()


def test_reasons_refusals_and_the_diff_are_told() -> None:
    text = shown(TRIED)
    for words in (
        "✓ process-pool: process-pool was measured.",
        "Pickling: 0.20 ms and 100 B a message, 30 messages.",
        "Arguments and result travel pickled.",
        "✗ to-thread: to-thread was measured.",
        "? batch: cannot be written by machine: The loop is in a library.",
        "Not tried: sleep-zero",
        "+    body = await pool(render, rows)",
    ):
        assert words in text
    assert "render(part)" not in text
    assert "    render(part)" in shown(TRIED, verbose=True)


def test_where_nothing_helped_it_says_so_and_what_was_tried() -> None:
    text = shown(replace(TRIED, results=(result("native", 240), result("to-thread", 250))))
    assert "✗ nothing tried helped (tried: native, to-thread)" in text
    assert "▸" not in text


def test_a_long_diff_is_left_to_verbose() -> None:
    long = result("native", 3, recommended=True)
    long = replace(long, remedy=replace(long.remedy, diff="+ a\n" * 40))
    assert "40 lines of diff: -v shows them, and so does diag fix" in shown(replace(TRIED, results=(long,)))
    assert shown(replace(TRIED, results=(long,)), verbose=True).count("+ a") == 40


def test_text_from_the_target_does_nothing_but_be_read() -> None:
    """Neither in diffs, nor in changes by hand, nor in differences of answers."""
    evil = "\x1b]0;owned\x07\u202e"
    hostile = result("native", 3, recommended=True, reason=f"It answers {evil}")
    hostile = replace(hostile, remedy=replace(hostile.remedy, diff=f"+ {evil}\n"))
    refusal = replace(TRIED.refusals[0], by_hand=evil, reason=evil)
    tried = replace(TRIED, results=(hostile,), refusals=(refusal,), notes=(evil,), route=evil)
    text = shown(tried, verbose=True)
    assert not any(letter in text for letter in "\x1b\x07\u202e")
    assert r"\x1b]0;owned" in text


def test_what_writes_the_change_is_named_where_there_is_one() -> None:
    """A change of the server alone is typed, not written."""
    assert f"to write what is recommended: diag fix {BLOCKED.recording} --apply" in shown(TRIED)
    assert "to write what is recommended" not in shown(replace(TRIED, results=(result("native", 240),)))
