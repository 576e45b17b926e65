"""``diag report``: judge a recording again."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import click

from diag.cli.compare import FORMATS, RANKINGS, tell_comparison
from diag.cli.exports import Asked, export_options, take_exports, tell_and_write
from diag.cli.outcome import output_options, plain_console, print_result, tell
from diag.errors import UsageError


@click.command("report")
@click.argument("recording", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path), required=False)
@click.option("--by", type=click.Choice(RANKINGS), help="What to rank the cells of a comparison by.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", help="Of a comparison's figures."
)
@export_options
@output_options
def command(
    recording: Path,
    after: Path | None,
    *,
    by: str | None,
    form: str,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    debug: bool,
    **files: object,
) -> int:
    """Judge a recording again, or two that were made before and after a change.

    Nothing is run. RECORDING is a file that `diag explain` or `diag compare` wrote; its path is in the
    report. The rules are those of this diag, not of the one that made it.

    With AFTER, RECORDING is from before a change: what got better, what worse, and which findings are new or
    gone. Exit codes are then 0 no worse, 1 worse, 2 cannot compare.
    """
    from diag.store import read_recording

    exports = take_exports(files)
    said = {"as_json": as_json, "verbose": verbose, "quiet": quiet}
    if after is not None:
        _refuse(exports, cells=by is not None or form != "table")
        return _tell_change(recording, after, exports, **said)
    read = read_recording(recording)
    if read.meta.target_kind == "comparison":
        from diag.comparison import By
        from diag.presets import compare_recording

        comparison = dataclasses.replace(
            compare_recording(read, By(by) if by else None), recording=str(recording)
        )
        return tell_and_write(
            exports,
            recording,
            lambda: tell_comparison(comparison, form=form, **said),
            quiet=quiet,
            result=comparison,
        )
    from diag.proof import judge_remedies
    from diag.rules import judge

    verdict, tried = dataclasses.replace(judge(read), recording=str(recording)), judge_remedies(read)
    return tell_and_write(
        exports,
        recording,
        lambda: tell(verdict, tried=tried, as_json=as_json, verbose=verbose, quiet=quiet),
        quiet=quiet,
        result=verdict,
        tried=tried,
    )


def _refuse(exports: Asked, *, cells: bool) -> None:
    """Refuse what is said of one recording, where there are two."""
    if cells:
        raise UsageError(
            "--by and --format are for the cells of one comparison",
            cause="Two recordings are compared by route.",
            next_step="Leave them out, or name one recording.",
            slug="excluded-options",
        )
    others = [name for name in exports.files if name != "html"]
    if others:
        raise UsageError(
            f"--{others[0]} takes one recording",
            cause="The viewers of others show one at a time.",
            next_step=f"Export each: diag report RECORDING --{others[0]} FILE",
            slug="excluded-options",
        )


def _tell_change(
    before: Path, after: Path, exports: Asked, *, as_json: bool, verbose: bool, quiet: bool
) -> int:
    """Print what became of two recordings, write its page if asked to, and return its exit code."""
    from diag.before_after import change_between

    change = change_between(before, after)

    def write() -> None:
        if as_json:
            from diag.reports.json import change_to_json

            sys.stdout.write(change_to_json(change) + "\n")
        else:
            from diag.reports.change import show

            show(change, plain_console(), verbose=verbose)

    def told() -> int:
        if not quiet:
            print_result(write, recording=f"{before} {after}")
        return change.exit_code

    return tell_and_write(exports, after, told, quiet=quiet, result=change, earlier=before)
