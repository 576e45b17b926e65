"""What ``diag fix`` prints and writes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from diag import fixing
from diag.errors import MeasurementError, UsageError
from diag.finding import Status
from diag.fixing import Fixes, Look, State, look, plan
from diag.fixing.files import FixError
from diag.reports.fixes import diff_of, nothing_helped, recommendation
from diag.reports.text import clean
from diag.store import read_recording

if TYPE_CHECKING:
    from diag.diagnose import Explained
    from diag.settings import ExplainOptions

PENDING = 1
_BOM = b"\xef\xbb\xbf"
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def tell_fixes(
    explained: Explained, options: ExplainOptions, *, write: bool, check: bool, quiet: bool
) -> int:
    """Show what is recommended, write it if it is to be written, and return the exit code.

    Args:
        explained: what was found and tried.
        options: which remedies were asked for by name.
        write: True writes the files.
        check: True makes the exit code tell whether a change is recommended.
        quiet: True prints nothing.

    Raises:
        DiagError: it could not be told what blocks, nothing was tried, or a file cannot be changed.
        BrokenPipeError: nobody reads standard output any more.
    """
    verdict = explained.verdict
    if verdict.status is Status.UNMEASURED:
        raise _unmeasured(explained)
    recording = read_recording(Path(verdict.recording))
    if verdict.status is Status.BLOCKED and not explained.tried:
        _refuse_untried(recording.meta.target_kind, verdict.recording)
    fixes = plan(explained.tried, recording.sources, options.remedies)
    looks = [look(one.path, one.before, one.after) for one in fixes.files]
    _refuse_changed(looks, verdict.recording)
    if not quiet:
        _print(_lines(fixes, looks))
    if write:
        _write(looks, quiet=quiet)
    pending = bool(_due(looks) or fixes.servers or fixes.unsafe or fixes.conflicts)
    return PENDING if (check and pending) or fixes.helpless else 0


def _unmeasured(explained: Explained) -> MeasurementError:
    return MeasurementError(
        "It could not be told what blocks, so nothing is recommended",
        cause=explained.verdict.reason,
        next_step=f"diag report {explained.verdict.recording}",
    )


def _refuse_untried(kind: str, recording: str) -> None:
    """A blocked verdict of which nothing was tried."""
    if kind == "script":
        raise UsageError(
            "A script's remedies cannot be tried",
            cause="A script makes its own load, so two runs of it are not comparable.",
            next_step=f"See what blocks with: diag report {recording}",
            slug="fix-script",
        )
    raise UsageError(
        "No remedy was tried against what blocks",
        cause="The recording was made with --no-verify, or no remedy fits the cause.",
        next_step="Give the target itself: diag fix TARGET",
        slug="fix-untried",
    )


def _refuse_changed(looks: Iterable[Look], recording: str) -> None:
    """A file that is not what was measured any more.

    Raises:
        FixError: there is one.
    """
    for one in looks:
        if one.state in (State.CHANGED, State.MISSING):
            happened = (
                "is not there any more" if one.state is State.MISSING else "has changed since it was measured"
            )
            raise FixError(
                f"{one.path} {happened}",
                cause="What was measured is another text, and the fix is one of that text.",
                next_step=f"Measure it anew: diag fix TARGET. What was found is in {recording}",
                slug="fix-changed",
            )


def _due(looks: Iterable[Look]) -> list[Look]:
    return [one for one in looks if one.state is State.AS_MEASURED]


def _lines(fixes: Fixes, looks: Sequence[Look]) -> Iterator[tuple[str, str]]:
    """Lines with the encoding that a pipe gets them in: a diff's is its file's."""
    for file, now in zip(fixes.files, looks, strict=True):
        yield from _comments(line for result in file.results for line in recommendation(result))
        if now.state is State.FIXED:
            yield f"# {file.path}: already fixed", "utf-8"
            continue
        encoding = now.encoding.removesuffix("-sig")
        texts = [one.removeprefix(_BOM).decode(encoding) for one in (now.before, now.after)]
        yield from ((line, encoding) for line in diff_of(file.path, *texts, folder=os.getcwd()).split("\n"))
    yield from _comments(_without_diff(fixes))


def _comments(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in lines:
        yield from ((part if part.startswith("#") else f"#   {part}", "utf-8") for part in text.split("\n"))


def _without_diff(fixes: Fixes) -> Iterator[str]:
    for result in fixes.servers:
        yield from recommendation(result)
        assert result.remedy.server is not None
        yield f"#   serve it so: {result.remedy.server.command}"
    for result in fixes.unsafe:
        yield from recommendation(result)
        yield f"#   it may alter what the code means; to have it written: --remedies {result.remedy.name}"
    for result in fixes.conflicts:
        yield from recommendation(result)
        yield "#   it changes lines that another fix changes too: run diag fix again when that is applied"
    for one in fixes.helpless:
        yield from nothing_helped(one)
    if not (fixes.pending or fixes.helpless):
        yield "# nothing blocks, so there is nothing to fix"


def _print(lines: Iterable[tuple[str, str]]) -> None:
    """To a terminal without what could take it over; to a pipe exactly, for what applies it."""
    shown = sys.stdout.isatty()
    for text, encoding in lines:
        if shown:
            harmless = clean(text, encoding=sys.stdout.encoding)
            click.secho(harmless, fg=_COLOURS.get(text[:1]))
        else:
            click.echo(f"{text}\n".encode(encoding, "backslashreplace"), nl=False)


def _write(looks: Iterable[Look], *, quiet: bool) -> None:
    for one in _due(looks):
        fixing.write(one)
        if not quiet:
            click.echo(f"# {one.path}: written", err=True)
