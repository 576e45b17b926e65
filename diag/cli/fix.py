"""``diag fix``: the recommended changes as diffs, or written."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diag.cli import explain
from diag.settings import explain_options

if TYPE_CHECKING:
    from diag.diagnose import Explained
    from diag.progress import Progress
    from diag.settings import ExplainOptions

_SHARED = frozenset(
    {
        "requests", "headers", "factory", "params", "framework", "server", "loop", "workers", "threads",
        "cpus", "memory", "pool", "port", "duration", "users", "rate", "threshold", "timeout", "seed",
        "output",
    }
)  # fmt: skip
"""Options of `diag explain` that say how the target is run."""


@click.command("fix")
@click.option("--apply", "write", is_flag=True, help="Write the recommended changes into the files.")
@click.option("--check", is_flag=True, help="Write nothing, and exit 1 if a change is recommended.")
@click.option(
    "--remedies",
    multiple=True,
    metavar="NAME,...",
    help="Try these only; named here, one that may alter the meaning is written too.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors; the exit code tells.")
@click.option("--debug", is_flag=True, help="Show diag's own tracebacks (or set DIAG_DEBUG=1).")
@click.pass_context
def command(
    ctx: click.Context, /, *, write: bool, check: bool, quiet: bool, debug: bool, **flags: object
) -> int:
    """Show the changes that diag recommends, tried and measured, as a diff; --apply writes them.

    TARGET is what `diag explain` takes. It is run, remedies are tried under the same arrivals, and those
    that help are shown. For a recording nothing is run: what was tried then is taken.

    What is printed can be piped into `git apply`. With --apply a file is written whole or not at all, and
    never if it has changed since it was measured.

    Exit codes: 0 nothing to fix, or shown, or written; 1 a change is recommended (--check), or something
    blocks and nothing that was tried helps; 2 usage, or could not tell.
    """
    from diag.cli.fixes import tell_fixes
    from diag.cli.progress import TerminalProgress
    from diag.errors import UsageError

    if write and check:
        raise UsageError(
            "--apply and --check exclude each other",
            cause="One writes what is recommended, the other only tells whether something is.",
            next_step="Leave one of them out.",
            slug="excluded-options",
        )
    options = explain_options(flags | {"args": ()})
    with TerminalProgress(quiet=quiet) as progress:
        explained = _explained(options, progress)
    return tell_fixes(explained, options, write=write, check=check, quiet=quiet)


command.params[:0] = [one for one in explain.command.params if one.name == "target"]
command.params.extend(one for one in explain.command.params if one.name in _SHARED)


def _explained(options: ExplainOptions, progress: Progress) -> Explained:
    """Run the target and try remedies, or read what was tried.

    Raises:
        DiagError: it cannot be run, or was interrupted, or the recording holds no trials.
    """
    from diag import diagnose
    from diag.store.folder import default_path, prune

    path = options.output or default_path(options.target)
    found = diagnose.explain_and_try(dataclasses.replace(options, output=path, verify=True), progress)
    if options.output is None:
        prune(path.parent)
    if found.interrupted:
        raise diagnose.Interrupted(Path(found.verdict.recording), "fix")
    return found
