"""``diag report``: judge a recording again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from diag.cli.outcome import output_options, tell


@click.command("report")
@click.argument("recording", type=click.Path(path_type=Path))
@output_options
def command(recording: Path, *, as_json: bool, verbose: bool, quiet: bool, debug: bool) -> int:
    """Judge a recording again, without running anything.

    RECORDING is a file that `diag explain` wrote; its path is in the report. The rules are those of
    this diag, not of the one that made it.
    """
    from diag.rules import judge
    from diag.store import read_recording

    verdict = dataclasses.replace(judge(read_recording(recording)), recording=str(recording))
    return tell(verdict, as_json=as_json, verbose=verbose, quiet=quiet)
