"""A verdict or a comparison as one HTML file that needs nothing else: no network, no other file.

Texts of the target are made clean before they come near a template, templates escape everything, data is
JSON in which nothing can end its element, and a content security policy lets one script run, the page's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diag.finding import Verdict
from diag.recording import Recording
from diag.remedy import RemedyResult
from diag.reports.html.page import pieces_of
from diag.reports.html.report import build
from diag.reports.text import clean


def pieces(
    recording: Recording, verdict: Verdict, *, source: bool = True, results: Sequence[RemedyResult] = ()
) -> Iterator[str]:
    """The page of one verdict, in pieces.

    Args:
        recording: that the verdict is about.
        verdict: as `diag.rules.judge` made it.
        source: False leaves out all source lines.
        results: remedies that were tried.
    """
    page = build(recording, verdict, source=source, results=results)
    starred = any(cell.generator_bound for cell in verdict.cells)
    target = clean(recording.meta.target)
    yield from pieces_of("report.html", page=page, target=target, starred=starred, source_shown=source)
