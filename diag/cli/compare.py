"""``diag compare``: which cell to use, and why."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import click

from diag.cli.exports import export_options, take_exports, tell_and_write
from diag.cli.outcome import output_options, plain_console, print_result

if TYPE_CHECKING:
    from diag.comparison import Comparison

FORMATS = ("table", "ab", "h2load")
GENERATORS = ("diag", "ab", "wrk", "h2load", "locust")
RANKINGS = ("throughput", "p99", "victims", "cpu")
PRESETS = ("apachebench", "blocking-sleep", "numpy-gather", "h2load-container")


@click.command("compare")
@click.argument("targets", nargs=-1)
@click.option(
    "--select",
    multiple=True,
    metavar="KEY=VALUE[,...]",
    help="Cells to measure: framework=flask,strategy=gevent. * and ? stand for letters; a key given "
    "twice takes either value; repeated, each adds cells; all takes every cell.",
)
@click.option(
    "--list", "listing", is_flag=True, help="List every cell, and why some cannot be measured here."
)
@click.option(
    "--preset", type=click.Choice(PRESETS), help="Run a published comparison again, and judge what it claims."
)
@click.option(
    "--scale", type=float, metavar="S", help="How much of a preset: 1 is as published.  [default: 1]"
)
@click.option("--trials", type=int, metavar="N", help="How often each cell is measured.  [default: 5]")
@click.option("--duration", metavar="TIME", help="How long each trial is under load.  [default: 3s]")
@click.option(
    "--requests", "total", type=int, metavar="N", help="End a trial after so many requests instead."
)
@click.option("--users", type=int, metavar="C", help="Closed load: users that each send when answered.")
@click.option("--rate", type=float, metavar="R", help="Open load: requests per second, whatever the answers.")
@click.option(
    "--connection",
    type=click.Choice(("keep-alive", "per-request")),
    help="Keep connections, or open one for each request.  [default: keep-alive]",
)
@click.option("--http", type=click.Choice(("1.0", "1.1")), help="The version to speak.  [default: 1.1]")
@click.option("--workers", type=int, metavar="N", help="Server processes.")
@click.option("--threads", type=int, metavar="N", help="Threads of each process, where the server has any.")
@click.option("--cpus", type=float, metavar="N", help="Cores that the target may use, as docker run --cpus.")
@click.option("--memory", metavar="SIZE", help="Memory that the target may use, such as 100m.")
@click.option("--by", type=click.Choice(RANKINGS), help="What to rank by; the load decides unless given.")
@click.option(
    "--generator", type=click.Choice(GENERATORS), help="Another load generator instead of diag's own."
)
@click.option(
    "--master", metavar="URL", help="Locust's master for --generator locust.  [default: 127.0.0.1:8089]"
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", help="Of the figures.")
@click.option(
    "--request", "requests", multiple=True, metavar="'METHOD /PATH [BODY]'", help="What apps are asked."
)
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Added to every request.")
@click.option("--factory/--no-factory", default=None, help="Call the apps' names for the apps.")
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="A keyword argument of workloads."
)
@click.option("--timeout", metavar="TIME", help="How long to wait for a start or an answer.  [default: 60s]")
@click.option(
    "--seed", type=int, metavar="N", help="Of the order of trials, and of all other random choices."
)
@click.option("-o", "--output", metavar="FILE", help="Where the recording goes.")
@export_options
@output_options
def command(
    targets: tuple[str, ...],
    *,
    listing: bool,
    form: str,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    debug: bool,
    **flags: object,
) -> int:
    """Run targets in several cells, interleaved and repeated, and say which to use, and why.

    A cell is a framework, a server with its event loop, and a strategy. TARGET is a workload file or an
    app; apps are compared with each other. Without --select up to 8 cells that differ most are measured.

    \b
      diag compare workloads/blocking_sleep.py
      diag compare work.py --select strategy=native,strategy=to-thread --trials 10
      diag compare flask_app:app fastapi_app:app --users 50
      diag compare --preset apachebench --scale 0.2
    """
    from diag import diagnose, lineup
    from diag.cli.progress import TerminalProgress
    from diag.comparing import compare_options
    from diag.store.folder import default_path, prune

    exports = take_exports(flags)
    options = compare_options(targets, flags)
    if listing and options.preset:
        with TerminalProgress(quiet=quiet) as progress:
            listed = lineup.preset_list(options, progress)
        from diag.reports.presets import preset_cell_list

        told = [(one.cell.key, bool(one.cell.published), one.candidate.reason) for one in listed]
        for line in preset_cell_list(told, plain_console().width):
            click.echo(line)
        return 0
    if listing:
        with TerminalProgress(quiet=quiet) as progress:
            found = lineup.cells(options, progress)
        from diag.reports.comparison import cell_list

        console = plain_console()
        for line in cell_list([(one.values, one.reason) for one in found], console.width):
            click.echo(line)
        return 0
    path = options.base.output or default_path(options.preset or options.targets[0])
    base = dataclasses.replace(options.base, output=path)
    with TerminalProgress(quiet=quiet) as progress:
        comparison = diagnose.compare(dataclasses.replace(options, base=base), progress)
    if options.base.output is None:
        prune(path.parent)
    return tell_and_write(
        exports,
        comparison.recording,
        lambda: tell_comparison(comparison, form=form, as_json=as_json, verbose=verbose, quiet=quiet),
        quiet=quiet,
        result=comparison,
    )


def tell_comparison(
    comparison: Comparison, *, form: str = "table", as_json: bool, verbose: bool, quiet: bool
) -> int:
    """Print a comparison and return its exit code."""

    def write() -> None:
        if as_json:
            from diag.reports.json import comparison_to_json

            sys.stdout.write(comparison_to_json(comparison) + "\n")
        elif form != "table":
            from diag.reports.generators import as_ab, as_h2load

            sys.stdout.write(as_ab(comparison) if form == "ab" else as_h2load(comparison))
        else:
            from diag.reports.comparison import show

            show(comparison, plain_console(), verbose=verbose)

    if not quiet:
        print_result(write, recording=comparison.recording)
    return comparison.exit_code
