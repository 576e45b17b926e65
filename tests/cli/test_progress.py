"""What is going on, on one line of a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from diag.cli.progress import TerminalProgress
from diag.progress import Progress


def drawn(*, terminal: bool, quiet: bool = False, width: int = 40) -> str:
    """What a run's worth of progress writes."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=width, _environ={"TERM": "xterm"})
    shown: Progress
    with TerminalProgress(console, quiet=quiet) as shown:
        shown.stage("blocking: \x1b[2J\nunder load " + "x" * 100)
        shown.advance(0.5)
        shown.note("py-spy is not permitted")
        shown.stage("judging")
    return file.getvalue()


def test_a_terminal_sees_one_line_that_goes_away() -> None:
    """Each drawing fits the line and begins by clearing it; the note stays."""
    text = drawn(terminal=True)
    drawings = text.split("\r\x1b[2K")
    assert drawings[0] == ""
    assert drawings[-1] == ""
    assert drawings[1].startswith(r"blocking: \x1b[2J\x0aunder load xxx")
    assert all(len(drawing) < 40 and "\n" not in drawing for drawing in drawings if "note" not in drawing)
    assert "py-spy is not permitted\n" in text
    assert drawings[-2].startswith("judging")


def test_a_pipe_sees_notes_only() -> None:
    """And no control character."""
    assert drawn(terminal=False) == "note: py-spy is not permitted\n"
    assert "\x1b[2K" not in drawn(terminal=True, quiet=True)


def test_progress_is_drawn_a_few_times_a_second_at_most() -> None:
    """A thousand steps in no time must not cost a thousand drawings."""
    file = io.StringIO()
    with TerminalProgress(Console(file=file, force_terminal=True, width=80)) as shown:
        shown.stage("load")
        for number in range(1_000):
            shown.advance(number / 1_000)
    assert file.getvalue().count("load") < 20


def test_an_empty_stage_leaves_the_line_to_others() -> None:
    """What a script prints then begins at the line's start."""
    file = io.StringIO()
    with TerminalProgress(Console(file=file, force_terminal=True, width=80)) as shown:
        shown.stage("running crawl.py")
        shown.stage("")
        shown.advance(0.5)
        file.write("40 pages\n")
    assert file.getvalue() == "\r\x1b[2Krunning crawl.py\r\x1b[2K40 pages\n"


def test_a_dumb_terminal_is_left_alone() -> None:
    """It could not clear the line."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, _environ={"TERM": "dumb"})
    with TerminalProgress(console) as shown:
        shown.stage("load")
    assert file.getvalue() == ""


def test_how_far_it_is_stays_in_sight_on_a_narrow_terminal() -> None:
    """The stage's words are cut, not the figures behind them."""
    file = io.StringIO()
    with TerminalProgress(Console(file=file, force_terminal=True, width=40)) as shown:
        shown.stage("a cell with a name that is longer than the line")
        shown._drawn_ns = 0
        shown.advance(0.5)
    assert file.getvalue().split("\r\x1b[2K")[-2].endswith(" 50 %")
