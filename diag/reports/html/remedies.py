"""What was tried against a finding, as its card shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diag import units
from diag.finding import Location
from diag.remedy import Between, RemedyResult, Tried
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedView:
    """What was tried against one finding.

    Attributes:
        views: the remedies, the recommended ones first, then by what they bring.
        how: what was sent, how often, and whose latency the figures are; "" if nothing was tried.
        refused: name, reason and the change to make by hand, of what could not be written by machine.
        notes: sentences on what was not tried.
    """

    views: tuple[RemedyView, ...] = ()
    how: str = ""
    refused: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()


def tried_view(place: Location | None, tried: Sequence[Tried]) -> TriedView:
    """What was tried against the culprit at a place."""
    found = next((one for one in tried if place is not None and _same(one.culprit, place)), None)
    if found is None:
        return TriedView()
    results = sorted(
        found.results, key=lambda one: (bool(one.failure), not one.recommended, one.change.value)
    )
    said = [found.load, units.plural(found.trials, "trial") + " of each, interleaved"]
    said += [f"p99 of {found.victims}"] if found.victims else []
    return TriedView(
        views=tuple(map(_view, results)),
        how=clean(" · ".join(part for part in said if part)) if results else "",
        refused=tuple(
            (clean(one.name), clean(one.reason), clean(one.by_hand, lines=True)) for one in found.refusals
        ),
        notes=tuple(map(clean, found.notes)),
    )


def _same(one: Location, other: Location) -> bool:
    return (one.absolute, one.line) == (other.absolute, other.line)


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
