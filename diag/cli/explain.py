"""``diag explain``: the main job."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from diag.cli.exports import export_options, take_exports, tell_and_write
from diag.cli.outcome import output_options, tell, tell_diagnosis
from diag.settings import LOOPS, explain_options

if TYPE_CHECKING:
    from diag.finding import Verdict

_ARGS = "diag.cli.explain.args"


class _WithArguments(click.Command):
    """A command that leaves what follows ``--`` to the target."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = args
        if "--" in args:
            place = args.index("--")
            own, ctx.meta[_ARGS] = args[:place], tuple(args[place + 1 :])
        return super().parse_args(ctx, own)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- ARGS...]"]


@click.command("explain", cls=_WithArguments)
@click.argument("target", required=False)
@click.option(
    "--request",
    "requests",
    multiple=True,
    metavar="'METHOD /PATH [BODY]'",
    help="""A request that drives a route: 'POST /items {"name": "x"}'. May be repeated.""",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="Added to every request. May be repeated.",
)
@click.option("--factory/--no-factory", default=None, help="Call the app's name for the app.")
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    metavar="NAME",
    help="Run a workload in this strategy only. May be repeated.",
)
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="A keyword argument of the workload. May be repeated.",
)
@click.option("--framework", metavar="NAME", help="How a workload becomes an app, such as fastapi or flask.")
@click.option("--server", metavar="NAME", help="What serves it, such as uvicorn or gunicorn.")
@click.option("--loop", type=click.Choice(LOOPS), help="The event loop of the server.")
@click.option("--workers", type=int, metavar="N", help="Server processes.")
@click.option("--threads", type=int, metavar="N", help="Threads of each process, where the server has any.")
@click.option("--cpus", type=float, metavar="N", help="Cores that the target may use, as docker run --cpus.")
@click.option("--memory", metavar="SIZE", help="Memory that the target may use, such as 100m.")
@click.option("--pool", type=int, metavar="N", help="Threads or processes of a strategy's own pool.")
@click.option("--together", type=int, metavar="N", help="Calls in one request with the strategy gather.")
@click.option("--port", type=int, metavar="N", help="The server's port; a free one unless given.")
@click.option("--duration", metavar="TIME", help="How long each run is under load, such as 5s.")
@click.option("--users", type=int, metavar="N", help="Closed load: users that each send when answered.")
@click.option("--rate", type=float, metavar="N", help="Open load: requests per second, whatever the answers.")
@click.option("--threshold", metavar="TIME", help="A step longer than this is a block.  [default: 10ms]")
@click.option(
    "--timeout",
    metavar="TIME",
    help="How long to wait for a start, an answer, or a script's end.  [default: 60s]",
)
@click.option("--seed", type=int, metavar="N", help="Of all random choices.")
@click.option(
    "--expect/--no-expect", default=None, help="Compare with the ground truth that the workload states."
)
@click.option(
    "--verify/--no-verify",
    default=None,
    help="Try remedies against what is found, under the same arrivals.  [default: verify]",
)
@click.option("--remedies", multiple=True, metavar="NAME,...", help="Try these remedies only.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where the recording goes; the folder of diag's state unless given.",
)
@export_options
@output_options
@click.pass_context
def command(
    ctx: click.Context, /, *, as_json: bool, verbose: bool, quiet: bool, debug: bool, **flags: object
) -> int:
    """Run a target and say where its event loop was blocked, why, and who paid.

    TARGET is a workload file, an app (package.module:app, or a file that holds one), a script with its
    own loop, or a recording made earlier. A script's own arguments go after --.

    When something blocks, remedies are tried: each is applied in memory, never to your files, and the same
    arrivals are run again beside the original. Ctrl-C then ends the trials and keeps the diagnosis.

    Every option can also be set in the table [tool.diag] of pyproject.toml, by its name; TARGET too.
    """
    from diag import diagnose
    from diag.cli.progress import TerminalProgress
    from diag.store.folder import default_path, prune

    exports = take_exports(flags)
    options = explain_options(flags | {"args": ctx.meta.get(_ARGS, ())})
    path = options.output or default_path(options.target)
    if quiet:  # nobody would read what came of remedies
        options = dataclasses.replace(options, verify=False)
    printed = []

    def told(verdict: Verdict) -> None:
        if not as_json:
            tell_diagnosis(verdict, verbose=verbose)
            printed.append(verdict)

    with TerminalProgress(quiet=quiet) as progress:
        explained = diagnose.explain_and_try(dataclasses.replace(options, output=path), progress, told)
        if explained.interrupted:
            progress.note("Interrupted: remedies were not tried to the end; the diagnosis is complete.")
    verdict = explained.verdict
    if options.output is None:
        prune(path.parent)
    return tell_and_write(
        exports,
        verdict.recording,
        lambda: tell(
            verdict,
            as_json=as_json,
            verbose=verbose,
            quiet=quiet,
            tried=explained.tried,
            diagnosis_told=bool(printed),
        ),
        quiet=quiet,
        result=verdict,
        tried=explained.tried,
    )
