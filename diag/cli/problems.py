"""Errors as the user sees them: what happened, the likely cause, the next command."""

from __future__ import annotations

import contextlib
import sys
import traceback

import click
from rich.text import Text

from diag.cli.console import PlainConsole
from diag.errors import DiagError, UsageError
from diag.reports import layout
from diag.reports.text import clean

MESSAGES_PAGE = "docs/reference/messages.md"
_WIDEST = 100
_MOST_DETAIL = 40


def show(error: DiagError) -> None:
    """Print an error to standard error."""
    console = PlainConsole(stderr=True)
    with contextlib.suppress(OSError):  # nobody reads it: the exit code says it all the same
        for line in lines(error, width=min(console.width, _WIDEST), encoding=console.encoding):
            console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)


def lines(error: DiagError, *, width: int, encoding: str = "utf-8") -> list[Text]:
    """An error as lines of `width` cells; text of the target's is made harmless."""
    parts = (
        ("error: ", error.what, "bold red"),
        ("cause: ", error.cause, "bold"),
        ("next : ", error.next_step, "bold"),
    )
    said: list[Text] = []
    for label, text, style in parts:
        for number, line in enumerate(clean(text, encoding=encoding, lines=True).splitlines()):
            lead = label if number == 0 else " " * len(label)
            if label == "next : ":  # never broken: it is there to be copied
                said.append(Text.assemble((lead, style), line))
            else:
                said += layout.hang(lead, line, width, label_style=style)
        if label == "error: ":
            said += _detail(error.detail, encoding)
    said.append(Text(f"       {MESSAGES_PAGE}#{error.slug}", "dim"))
    return said


def _detail(detail: str, encoding: str) -> list[Text]:
    """The target's own words, indented; of a long text the end, where tracebacks have their point."""
    texts = [clean(line, encoding=encoding) for line in detail.rstrip().replace("\r\n", "\n").split("\n")]
    if not detail.strip():
        return []
    left_out = len(texts) - _MOST_DETAIL
    if left_out > 0:
        texts = [f"... {left_out} lines more", *texts[-_MOST_DETAIL:]]
    return [Text(f"    {text}".rstrip()) for text in texts]


def from_click(error: click.ClickException) -> DiagError:
    """What click says of a wrong command line, with diag's next command."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "diag"
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return UsageError(
            "There is no command",
            cause="diag must be told what to do.",
            next_step="Try: diag explain FILE\nAll commands: diag --help",
        )
    message = error.format_message().rstrip(".").replace("\n", " ")
    cause = ""
    if "unexpected extra argument" in message:
        cause = "One target at a time; what is meant for a script's own arguments goes after --."
    return UsageError(message, cause=cause, next_step=f"See: {command} --help")


def from_bug(error: BaseException) -> DiagError:
    """An exception that nobody expected."""
    return DiagError(
        f"This is a bug in diag: {type(error).__name__}: {error}",
        cause="Nothing that you typed should do this.",
        next_step="Run the same command with DIAG_DEBUG=1 in front of it, and report what it prints.",
        slug="bug",
    )


def show_traceback(error: BaseException) -> None:
    """Print diag's own traceback, for those who asked for it."""
    text = "".join(traceback.format_exception(error))
    encoding = sys.stderr.encoding or "utf-8"
    for line in text.splitlines():
        click.echo(clean(line, encoding=encoding), err=True)
