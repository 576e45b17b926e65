"""A published comparison that was run again, as a table and claims."""

from __future__ import annotations

from diag.comparison import Comparison, Ruling
from diag.reports.html.charts import Table
from diag.reports.html.model import ClaimView
from diag.reports.presets import claim_words, mark_of, measured_words, published_words
from diag.reports.text import UNICODE


def published_table(comparison: Comparison) -> Table | None:
    """Published figures beside those measured, None where none were published."""
    if not comparison.published:
        return None
    remarks = " ".join(dict.fromkeys(one.remark for one in comparison.published if one.remark))
    return Table(
        caption=f"Medians with 95 % intervals. {remarks}".strip(),
        head=("Cell", "Figure", "Published", "Here [95 %]", "Generator"),
        rows=tuple(
            (f"{one.contest}: {one.cell}", one.figure, published_words(one), *measured_words(one))
            for one in comparison.published
        ),
    )


def claims_of(comparison: Comparison) -> tuple[ClaimView, ...]:
    """Each claim with its verdict."""
    return tuple(
        ClaimView(
            symbol=mark_of(one.ruling, UNICODE),
            word=one.ruling.value,
            claim=claim_words(one),
            because=f"because {one.because}" if one.ruling is Ruling.CANNOT_TELL else one.because,
            explained=one.explained,
        )
        for one in comparison.claims
    )


def summary_of(comparison: Comparison) -> tuple[str, tuple[str, ...]]:
    """The first claim with its verdict, which is the one that is cited; and the others in a line each."""
    said = [f"{claim_words(one)}: {one.ruling.value}." for one in comparison.claims]
    return said[0], (f"{comparison.claims[0].because}.", *said[1:])
