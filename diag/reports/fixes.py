"""Fixes as text: why they are recommended, in comments, and diffs as ``git apply`` takes them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from diag import units
from diag.diffs import unified
from diag.remedy import RemedyResult, Tried
from diag.reports.sentences import where


def recommendation(result: RemedyResult) -> Iterator[str]:
    """Why a change is recommended, a line each, as comments."""
    remedy = result.remedy
    yield f"# {where(remedy.culprit)}  {remedy.route}: {remedy.title}"
    yield f"#   {result.reason} Seen in {units.plural(result.runs, 'pair')} of runs."
    for caveat in remedy.caveats:
        yield f"#   note: {caveat}"


def nothing_helped(one: Tried) -> Iterator[str]:
    """A culprit without a remedy: what was tried, and what to do by hand."""
    tried = "nothing that was tried helped" if one.results else "nothing could be tried"
    yield f"# {where(one.culprit)}  {one.route}: {tried}"
    for result in one.results:
        yield f"#   {result.remedy.name}: {result.reason}"
    for refusal in one.refusals:
        yield f"#   {refusal.name}: {refusal.reason} By hand: {refusal.by_hand}"


def diff_of(path: str, before: str, after: str, *, folder: str) -> str:
    """The diff of a file, with its path relative to a folder where it lies below that.

    Args:
        path: absolute.
        before: its text now, with its own line ends.
        after: its text with the fix.
        folder: where the diff is to be applied.
    """
    below = path.startswith(folder.rstrip("/") + "/")
    return unified(os.path.relpath(path, folder) if below else path.lstrip("/"), before, after)
