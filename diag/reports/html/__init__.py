"""A verdict or a comparison as one HTML file that needs nothing else: no network, no other file.

Texts of the target are made clean before they come near a template, templates escape everything, data is
JSON in which nothing can end its element, and a content security policy lets one script run, the page's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diag.change import Change
from diag.comparison import Comparison
from diag.finding import Verdict
from diag.recording import Recording
from diag.remedy import Tried
from diag.reports.html.changed import build_change
from diag.reports.html.contests import build_comparison
from diag.reports.html.page import pieces_of
from diag.reports.html.report import build
from diag.reports.html.words import short


def pieces(
    recording: Recording, result: Verdict | Comparison, *, source: bool = True, tried: Sequence[Tried] = ()
) -> Iterator[str]:
    """The page of one verdict or comparison, in pieces.

    Args:
        recording: that the result is about.
        result: as `diag.rules.judge` or `diag.analysis.comparison.compare` made it.
        source: False leaves out all source lines.
        tried: remedies that were tried, by culprit.
    """
    target = short(recording.meta.target)
    if isinstance(result, Comparison):
        yield from pieces_of("comparison.html", page=build_comparison(recording, result), target=target)
        return
    page = build(recording, result, source=source, tried=tried)
    starred = any(cell.generator_bound for cell in result.cells)
    yield from pieces_of("report.html", page=page, target=target, starred=starred, source_shown=source)


def change_pieces(
    before: Recording, after: Recording, change: Change, *, source: bool = True
) -> Iterator[str]:
    """The page of what became of two recordings, in pieces.

    Args:
        before: the recording of the code as it was.
        after: the recording of the code as it is.
        change: as `diag.analysis.changes.compare` made it.
        source: False leaves out all source lines.
    """
    page = build_change(before, after, change, source=source)
    yield from pieces_of("change.html", page=page, target=short(after.meta.target))
