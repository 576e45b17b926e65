"""What was tried against a finding, as its card shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diag import units
from diag.finding import Finding
from diag.remedy import Between, RemedyResult
from diag.reports.text import clean


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyView:
    """A remedy and how the same load ran with it.

    Attributes:
        title, why: in words.
        recommended: True if it is.
        before, after: the victims' p99 with its interval, as it is and with the remedy.
        throughput: the same of requests per second.
        predicted: of the victims' p99, "" if nothing was.
        reason: why it is recommended or not.
        caveats: sentences.
        diff: kind (``add``, ``cut``, ``place`` or ``same``) and text of each line.
        failure: why there are no figures.
    """

    title: str
    why: str
    recommended: bool
    before: str
    after: str
    throughput: str
    predicted: str
    reason: str
    caveats: tuple[str, ...]
    diff: tuple[tuple[str, str], ...]
    failure: str


def remedy_views(finding: Finding, results: Sequence[RemedyResult]) -> tuple[RemedyView, ...]:
    """The remedies tried for a finding, the recommended ones first, then by what they bring."""
    own = [
        one
        for one in results
        if finding.location is not None
        and (one.remedy.culprit.absolute, one.remedy.culprit.line)
        == (finding.location.absolute, finding.location.line)
    ]
    own.sort(key=lambda one: (bool(one.failure), not one.recommended, one.change.value))
    return tuple(map(_view, own))


def _view(result: RemedyResult) -> RemedyView:
    remedy = result.remedy
    return RemedyView(
        title=clean(remedy.title),
        why=clean(remedy.why),
        recommended=result.recommended,
        before=_duration(result.original_victim_p99_ns),
        after=_duration(result.victim_p99_ns),
        throughput=f"{units.rate(result.original_throughput.value)} → {units.rate(result.throughput.value)}",
        predicted=units.duration(result.predicted_ns) if result.predicted_ns else "",
        reason=clean(result.reason),
        caveats=tuple(map(clean, remedy.caveats)),
        diff=diff_lines(remedy.diff),
        failure=clean(result.failure),
    )


def _duration(between: Between) -> str:
    low, high = (units.duration(round(value)) for value in (between.low, between.high))
    value = units.duration(round(between.value))
    return f"{value} [{low} – {high}]" if low != high else value


def diff_lines(diff: str) -> tuple[tuple[str, str], ...]:
    """The lines of a unified diff, each with what it is."""
    kinds = {"+": "add", "-": "cut", "@": "place"}
    lines = clean(diff, lines=True).split("\n") if diff else []
    return tuple(
        ("file" if line.startswith(("+++", "---")) else kinds.get(line[:1], "same"), line)
        for line in lines
        if line
    )
