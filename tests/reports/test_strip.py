"""The strip of the loop's time: where it was blocked, how much, and why, without colour as well."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from inline_snapshot import snapshot
from rich.cells import cell_len
from verdicts import BLOCKED, CLEAN, MS, RENDER

from diag.finding import BlockRef, Cause, CauseShare, Finding, LaneTime, Verdict
from diag.reports.terminal import render
from diag.reports.terminal.page import Page
from diag.reports.terminal.strip import strip_lines
from diag.reports.text import ASCII, UNICODE


def block(start: float, end: float, cause: Cause, *, lane: int = 1) -> BlockRef:
    """A block, in milliseconds from the load's start."""
    ns = round((end - start) * MS)
    return BlockRef(
        run_id=1,
        lane_id=lane,
        start_ns=round((1_000 + start) * MS),
        end_ns=round((1_000 + end) * MS),
        own_ns=ns,
        route="GET /report",
        causes=(CauseShare(cause=cause, ns=ns),),
    )


def verdict(*blocks: BlockRef, lanes: int = 1, length: float = 700) -> Verdict:
    """A verdict with some blocks on lanes of `length` milliseconds."""
    finding: Finding = replace(RENDER, blocks=blocks)
    return replace(
        BLOCKED,
        findings=(finding,),
        lanes=tuple(
            LaneTime(
                lane_id=number,
                pid=100 + number,
                loop=True,
                start_ns=1_000 * MS,
                end_ns=round((1_000 + length) * MS),
            )
            for number in range(1, lanes + 1)
        ),
    )


def drawn(shown: Verdict, *, width: int = 78, ascii_only: bool = False, verbose: bool = False) -> list[str]:
    """The strip as text."""
    page = Page(width=width, glyphs=ASCII if ascii_only else UNICODE, verbose=verbose)
    return [line.plain.rstrip() for line in strip_lines(shown, page)]


MIXED = verdict(
    block(0, 105, Cause.WAITING),
    block(200, 204, Cause.CPU_GIL),
    block(400, 470, Cause.CPU_GIL),
    block(600, 650, Cause.GIL_WAIT),
)


def test_bars_are_as_high_as_the_share_and_letters_say_why() -> None:
    """70 columns of 10 ms each: 105 ms are ten full columns and a half, 4 ms less than half of one."""
    assert drawn(MIXED) == snapshot(
        [
            "loop  ██████████▄·········▃···················███████·············█████·····",
            "      wwwwwwwwwww         c                   ccccccc             ggggg",
            "      0                               350 ms                          700 ms",
            "      c computes · w waits · g waits for the GIL",
        ]
    )


def test_what_the_machine_did_not_run_is_no_part_of_a_bar() -> None:
    """A block that had the CPU for half of its time is drawn half as high, as the verdict counts it."""
    starved = replace(block(0, 100, Cause.CPU_GIL), own_ns=50 * MS)
    assert drawn(verdict(starved))[0].startswith("loop  ▄▄▄▄▄▄▄▄▄▄·")


def test_ascii_says_the_same() -> None:
    """Where the encoding has no bars."""
    bars, letters, *_ = drawn(MIXED, ascii_only=True)
    assert bars.isascii()
    assert bars[6:18] == "@@@@@@@@@@=."
    assert letters == drawn(MIXED)[1]


def test_a_short_block_in_a_long_run_is_seen() -> None:
    """And is drawn as little, not as a whole column."""
    bars, letters, *_ = drawn(verdict(block(30_000, 30_010, Cause.WAITING), length=60_000))
    assert bars.count("▁") == 1
    assert set(bars) == {*"loop ·▁"}
    assert letters.strip() == "w"


def test_of_many_lanes_the_most_blocked_are_shown() -> None:
    """The others are counted, and -v shows them."""
    blocks = [block(0, 10 * lane, Cause.WAITING, lane=lane) for lane in range(1, 8)]
    lines = drawn(verdict(*blocks, lanes=9))
    assert [line.split()[:2] for line in lines if line.startswith("loop")] == [
        ["loop", str(lane)] for lane in (7, 6, 5, 4)
    ]
    assert "3 more lanes blocked" in lines[-1]
    assert sum(line.startswith("loop") for line in drawn(verdict(*blocks, lanes=9), verbose=True)) == 7


def test_what_lies_outside_the_load_is_left_out() -> None:
    """A block that reaches beyond the end is cut there; without any inside there is no strip."""
    assert drawn(verdict(block(-500, -400, Cause.WAITING))) == []
    bars = drawn(verdict(block(690, 5_000, Cause.WAITING)))[0]
    assert bars.endswith("·█")
    assert drawn(CLEAN) == []


@pytest.mark.parametrize("width", [40, 80, 120, 300])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_the_report_keeps_its_width(width: int, encoding: str) -> None:
    """With the strip in it, in any encoding; colour only repeats what is there."""
    plain = render(MIXED, width=width, encoding=encoding)
    plain.encode(encoding)
    lines = [line for line in plain.splitlines() if not line.startswith("recording: ")]  # there to be copied
    assert all(cell_len(line) <= width for line in lines)
    assert "w waits" in plain
    coloured = render(MIXED, width=width, encoding=encoding, color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
