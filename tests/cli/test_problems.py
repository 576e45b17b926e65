"""Errors as the user sees them."""

from __future__ import annotations

import click
from inline_snapshot import snapshot

from diag.cli import problems
from diag.errors import DiagError, TargetError


def shown(error: DiagError, width: int = 80, encoding: str = "utf-8") -> str:
    """All lines of an error."""
    return "\n".join(line.plain for line in problems.lines(error, width=width, encoding=encoding))


def test_an_error_says_what_why_and_what_next() -> None:
    """With the target's own words indented between."""
    error = TargetError(
        "shop/api.py could not be imported",
        cause="A module that it imports is not installed in the environment that diag runs in.",
        next_step="Install it:\npython3 -m pip install pdfkit",
        detail='Traceback (most recent call last):\n  File "shop/api.py", line 3\nModuleNotFoundError: pdfkit\n',
        slug="import-error",
    )
    assert shown(error) == snapshot("""\
error: shop/api.py could not be imported
    Traceback (most recent call last):
      File "shop/api.py", line 3
    ModuleNotFoundError: pdfkit
cause: A module that it imports is not installed in the environment that diag
       runs in.
next : Install it:
       python3 -m pip install pdfkit
       docs/reference/messages.md#import-error\
""")


def test_hostile_details_are_harmless() -> None:
    """They are the target's own words."""
    hostile = "\x1b[2J\u202e\x00[red]" + "A" * 1_000_000 + "\r\nnext"
    text = shown(DiagError(hostile, cause=hostile, next_step=hostile, detail=hostile))
    assert all(line.isprintable() for line in text.split("\n"))
    assert "    next" in text
    assert "[red]" in text
    shown(DiagError("漢"), encoding="ascii").encode("ascii")


def test_of_a_long_detail_the_end_is_shown() -> None:
    """Where a traceback has its point."""
    text = shown(DiagError("x", detail="\n".join(f"line {number}" for number in range(100))))
    assert "    ... 60 lines more\n    line 60\n" in text
    assert "    line 99\n" in text


def test_the_next_command_is_in_one_piece() -> None:
    """A command that is broken into lines cannot be copied."""
    command = "diag explain " + "/long/path" * 20
    assert f"next : {command}\n" in shown(DiagError("x", next_step=command), width=40)


def test_parts_that_are_not_there_are_left_out() -> None:
    """No empty labels."""
    assert shown(DiagError("x")) == "error: x\n       docs/reference/messages.md#error"


def test_clicks_errors_get_a_next_command() -> None:
    """In the same form as diag's own."""
    context = click.Context(
        click.Command("explain"),
        info_name="explain",
        parent=click.Context(click.Command("diag"), info_name="diag"),
    )
    error = problems.from_click(click.UsageError("No such option '--x'.", ctx=context))
    assert error.what == "No such option '--x'"
    assert error.next_step == "See: diag explain --help"
    assert error.slug == "usage"
