"""``diag check``: find what blocks an event loop, from source and by running it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diag.cli.outcome import output_options, plain_console, print_result

if TYPE_CHECKING:
    from diag.checking.result import CheckResult

FORMATS = {
    "terminal": ("", ""),
    "json": ("diag.reports.check_json", "check_to_json"),
    "sarif": ("diag.reports.sarif", "to_sarif"),
    "junit": ("diag.reports.junit", "to_junit"),
    "github": ("diag.reports.github", "to_github"),
    "codeclimate": ("diag.reports.codeclimate", "to_codeclimate"),
}
"""By name, the module and function that make the text."""

LEVELS = ("info", "warning", "error")
CONFIDENCES = ("low", "medium", "high")


@click.command("check")
@click.argument("targets", nargs=-1)
@click.option(
    "--run/--static",
    "run",
    default=None,
    help="Drive the handlers and measure, or read source only.  [default: run apps, read folders and files]",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="NAME[=FILE]",
    help="terminal, json, sarif, junit, github or codeclimate; with =FILE into a file. May be repeated.",
)
@click.option("--baseline", metavar="FILE", help="Fail on issues only that this file does not hold.")
@click.option(
    "--write-baseline", metavar="FILE", help="Write the issues there are to a baseline, and exit 0."
)
@click.option("--diff", metavar="REV", help="Count only what changes since a git revision touch, or reach.")
@click.option(
    "--budget",
    metavar="'block=TIME,victim-p99=TIME'",
    help="How long a measured block may be, and the 99th percentile of innocent requests.",
)
@click.option("--min-severity", type=click.Choice(LEVELS), help="Of what counts.  [default: warning]")
@click.option("--min-confidence", type=click.Choice(CONFIDENCES), help="Of what counts.  [default: medium]")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out files and folders of this name.")
@click.option("--tests/--no-tests", default=None, help="Check test files in folders as well.")
@click.option(
    "--cache/--no-cache",
    default=True,
    help="Keep what was read below ~/.cache/diag, for the next check.  [default: cache]",
)
@click.option(
    "--request",
    "requests",
    multiple=True,
    metavar="'METHOD /PATH [BODY]'",
    help="A request that drives a route.",
)
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Added to every request.")
@click.option("--factory/--no-factory", default=None, help="Call the app's name for the app.")
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="A keyword argument of workloads."
)
@click.option("--server", metavar="NAME", help="What serves an app that is run.")
@click.option("--duration", metavar="TIME", help="How long each run is under load, such as 5s.")
@click.option("--users", type=int, metavar="N", help="Closed load: users that each send when answered.")
@click.option("--rate", type=float, metavar="N", help="Open load: requests per second, whatever the answers.")
@click.option("--timeout", metavar="TIME", help="How long to wait for a start or an answer.  [default: 60s]")
@output_options
def command(
    targets: tuple[str, ...],
    *,
    formats: tuple[str, ...],
    as_json: bool,
    verbose: bool,
    quiet: bool,
    debug: bool,
    **flags: object,
) -> int:
    """Find what blocks an event loop in handlers: from source, and by running them.

    TARGET is an app (package.module:app), a folder or a file. Apps are driven as by diag explain, unless
    --static is given; folders and files are only read. Exits with 0 if nothing counts, 1 if something does,
    and 2 if it cannot be told, as where nothing was found to check.

    \b
      diag check app.main:app
      diag check --static .
      diag check . --diff origin/main --format github
      diag check app.main:app --budget 'block=50ms,victim-p99=100ms' --format junit=diag.xml

    Settings come from the table [tool.diag.check] of pyproject.toml. A call that is meant is allowed with a
    comment: # diag: allow time.sleep - reason
    """
    from diag import diagnose
    from diag.checking.options import check_options
    from diag.cli.progress import TerminalProgress

    outputs = _outputs((*formats, *(("json",) if as_json else ())))
    options = check_options(targets, flags)
    with TerminalProgress(quiet=quiet) as progress:
        result = diagnose.check(options, progress)
    _write(result, outputs, verbose=verbose, quiet=quiet)
    return result.exit_code


def _outputs(formats: tuple[str, ...]) -> list[tuple[str, Path | None]]:
    """Formats and the files they go to; None for standard output, which takes one.

    Raises:
        DiagError: a format is unknown, a file cannot be written, or two formats go to one place.
    """
    from diag.errors import UsageError
    from diag.reports.files import check_writable

    found: list[tuple[str, Path | None]] = []
    for text in formats or ("terminal",):
        name, _, file = text.partition("=")
        if name not in FORMATS:
            raise UsageError(
                f"There is no format {name!r}",
                cause=f"Known are {', '.join(FORMATS)}.",
                next_step="Try: diag check . --format sarif=diag.sarif",
            )
        if file:
            check_writable(Path(file))
        found.append((name, Path(file) if file else None))
    places = [file.absolute() if file else None for _, file in found]
    if len(set(places)) < len(places):
        raise UsageError(
            "Two formats go to the same place",
            cause="Standard output takes one; each of the others needs a file.",
            next_step="Try: diag check . --format terminal --format sarif=diag.sarif",
            slug="excluded-options",
        )
    return found


def _write(
    result: CheckResult, outputs: list[tuple[str, Path | None]], *, verbose: bool, quiet: bool
) -> None:
    from diag.reports.files import write_report

    for name, file in outputs:
        if file is not None:
            write_report(file, [_text(result, name, verbose=verbose)])
        elif not quiet:
            print_result(lambda name=name: _print(result, name, verbose=verbose), recording="")  # type: ignore[misc]
    if all(file is not None for _, file in outputs) and not quiet:
        print_result(lambda: _print(result, "terminal", verbose=verbose), recording="")


def _print(result: CheckResult, name: str, *, verbose: bool) -> None:
    if name == "terminal":
        from diag.reports.check import show

        show(result, plain_console(), verbose=verbose)
    else:
        sys.stdout.write(_text(result, name, verbose=verbose))


def _text(result: CheckResult, name: str, *, verbose: bool) -> str:
    if name == "terminal":
        from diag.reports.check import render

        return render(result, width=100, verbose=verbose)
    module, function = FORMATS[name]
    return f"{getattr(import_module(module), function)(result)}\n"
