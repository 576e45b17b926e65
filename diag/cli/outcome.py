"""The end of a command: the verdict on standard output, and its exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from diag.cli.streams import drop_output, unwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from diag.cli.console import PlainConsole
    from diag.finding import Verdict
    from diag.remedy import Tried

# What is not a terminal has no width of its own; tables fit, and logs stay readable.
PIPE_WIDTH = 100


def output_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options of every command that ends with a verdict."""
    for option in (
        click.option("--debug", is_flag=True, help="Show diag's own tracebacks (or set DIAG_DEBUG=1)."),
        click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors; the exit code tells."),
        click.option("-v", "--verbose", is_flag=True, help="Leave nothing out, and say where time went."),
        click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON."),
    ):
        command = option(command)
    return command


def tell_diagnosis(verdict: Verdict, *, verbose: bool) -> None:
    """Print what is known before remedies are tried.

    Raises:
        DiagError: standard output cannot be written.
        BrokenPipeError: nobody reads it any more.
    """
    from diag.reports.terminal import Part, show

    print_result(
        lambda: show(verdict, plain_console(), verbose=verbose, part=Part.DIAGNOSIS),
        recording=verdict.recording,
    )


def tell(
    verdict: Verdict,
    *,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    tried: Sequence[Tried] = (),
    diagnosis_told: bool = False,
) -> int:
    """Print the verdict and return its exit code.

    Args:
        verdict: to be told.
        as_json: True for JSON.
        verbose: True leaves nothing out.
        quiet: True prints nothing.
        tried: what was tried against its culprits.
        diagnosis_told: True if `tell_diagnosis` has told the beginning.

    Raises:
        DiagError: standard output cannot be written.
        BrokenPipeError: nobody reads it any more.
    """

    def write() -> None:
        if as_json:
            from diag.reports.json import to_json

            sys.stdout.write(to_json(verdict, tried) + "\n")
        else:
            from diag.reports.terminal import Part, show

            part = Part.AFTER if diagnosis_told else Part.ALL
            show(verdict, plain_console(), verbose=verbose, tried=tried, part=part)

    if not quiet:
        print_result(write, recording=verdict.recording)
    return verdict.exit_code


def print_result(write: Callable[[], None], *, recording: str) -> None:
    """Let `write` print to standard output.

    Raises:
        DiagError: standard output cannot be written.
        BrokenPipeError: nobody reads it any more.
    """
    try:
        write()
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        raise unwritable(error, recording=recording) from error


def plain_console() -> PlainConsole:
    """Standard output, with a width that does not depend on who reads a pipe."""
    from diag.cli.console import PlainConsole

    console = PlainConsole()
    if not console.is_terminal and not os.environ.get("COLUMNS", "").isdigit():
        console.width = PIPE_WIDTH
    return console
