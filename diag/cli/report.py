"""``diag report``: judge a recording again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from diag.cli.compare import FORMATS, RANKINGS, tell_comparison
from diag.cli.exports import export_options, take_exports, tell_and_write
from diag.cli.outcome import output_options, tell


@click.command("report")
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("--by", type=click.Choice(RANKINGS), help="What to rank the cells of a comparison by.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", help="Of a comparison's figures."
)
@export_options
@output_options
def command(
    recording: Path,
    *,
    by: str | None,
    form: str,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    debug: bool,
    **files: object,
) -> int:
    """Judge a recording again, without running anything.

    RECORDING is a file that `diag explain` or `diag compare` wrote; its path is in the report. The rules
    are those of this diag, not of the one that made it.
    """
    from diag.store import read_recording

    exports = take_exports(files)
    read = read_recording(recording)
    if read.meta.target_kind == "comparison":
        from diag.comparison import By
        from diag.presets import compare_recording

        comparison = dataclasses.replace(compare_recording(read, By(by) if by else None), recording=str(recording))
        return tell_and_write(
            exports,
            recording,
            lambda: tell_comparison(comparison, form=form, as_json=as_json, verbose=verbose, quiet=quiet),
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
