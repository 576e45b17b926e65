"""The command line. Importing it imports click and the standard library; commands load what they need."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from diag import __version__
from diag.cli import streams
from diag.errors import DiagError

# In the order of the help; each is the function `command` of its module.
COMMANDS = {
    "explain": (
        "diag.cli.explain",
        "Run a target and say where its event loop was blocked, why, and who paid.",
    ),
    "check": (
        "diag.cli.check",
        "Find what blocks an event loop in handlers: from source, and by running them.",
    ),
    "compare": (
        "diag.cli.compare",
        "Run targets in several cells, interleaved and repeated, and say which to use, and why.",
    ),
    "fix": (
        "diag.cli.fix",
        "Show the changes that diag recommends, tried and measured, as a diff; --apply writes them.",
    ),
    "report": (
        "diag.cli.report",
        "Judge a recording again, or two that were made before and after a change.",
    ),
    "version": ("diag.cli.version", "Say which diag this is, and on what it runs."),
}
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_BROKEN_PIPE = 141  # 128 + SIGPIPE: neither "clean" nor "blocked"


class _Commands(click.Group):
    """Commands whose modules are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show diag's own tracebacks (or set DIAG_DEBUG=1).")
@click.version_option(__version__, prog_name="diag", message="%(prog)s %(version)s")
def cli(debug: bool) -> None:
    """Where the event loop was blocked, why, who paid for it, and what fixes it.

    \b
      diag explain workloads/blocking_sleep.py
      diag explain shop.api:app

    Exit codes: 0 clean, 1 blocked, 2 usage or could not tell.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors become messages, never tracebacks of diag's own."""
    streams.ensure_output()
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        if "_DIAG_COMPLETE" in os.environ:  # the shell asks for completions
            cli.main(args, prog_name="diag")
        with cli.make_context("diag", list(args)) as context:
            code = cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except BrokenPipeError:
        streams.drop_output()
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        _ignore_interrupts(whole_process=argv is None)
        click.echo("\nInterrupted.", err=True)
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001  # whatever it is, the user gets a sentence and an exit code
        _ignore_interrupts(whole_process=argv is None)
        return _explained(error, debug=_wants_traceback(args))
    return code if isinstance(code, int) else 0


def _ignore_interrupts(*, whole_process: bool) -> None:
    """All that is left is to say what happened: a second Ctrl-C would only put a traceback in its place."""
    if whole_process:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _explained(error: Exception, *, debug: bool) -> int:
    """Tell what went wrong and return the exit code."""
    from diag.cli import problems  # errors are rare, and rich takes a while

    if debug:
        problems.show_traceback(error)
    if isinstance(error, DiagError):
        problems.show(error)
        return error.exit_code
    if isinstance(error, click.ClickException):
        problems.show(problems.from_click(error))
        return error.exit_code
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        streams.drop_output()
        problems.show(streams.unwritable(error))
    else:
        problems.show(problems.from_bug(error))
    return 2


def _wants_traceback(args: Sequence[str]) -> bool:
    own = args[: args.index("--")] if "--" in args else args
    return "--debug" in own or os.environ.get("DIAG_DEBUG", "") not in ("", "0")
