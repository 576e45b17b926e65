"""Remedies side by side: whole latency distributions of the trials, over each other on one log scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diag import units
from diag.analysis.availability import distribution
from diag.analysis.cells import PROBE_STREAM
from diag.recording import Run
from diag.remedy import Tried
from diag.reports.html.charts import Ridges
from diag.reports.html.compared import WARM_UP, axis_of, ridge
from diag.reports.html.words import short

MOST_CULPRITS = 4
"""Charts of more would be longer than what they are about."""


def attempts(tried: Sequence[Tried], runs: Sequence[Run]) -> tuple[Ridges, ...]:
    """One chart a culprit: as written, with each remedy, and the innocent requests alone."""
    return tuple(chart for one in tried[:MOST_CULPRITS] for chart in _chart(one, runs))


def _chart(tried: Tried, runs: Sequence[Run]) -> Iterator[Ridges]:
    by_remedy: dict[str, list[int]] = {}
    for run in runs:
        for attempt in run.attempts:
            if attempt.culprit == tried.number:
                by_remedy.setdefault(attempt.remedy, []).extend(_latencies(run, tried.route))
    rows = [("", "as written", "")]
    rows += [
        (one.remedy.id, one.remedy.title, "recommended" if one.recommended else "") for one in tried.results
    ]
    known = {remedy for remedy, _, _ in rows}
    rows += [(remedy, remedy, "") for remedy in by_remedy if remedy not in known]
    found = [distribution(by_remedy.get(remedy, ())) for remedy, _, _ in rows]
    if sum(one is not None for one in found) < 2:
        return
    axis = axis_of(found)
    yield Ridges(
        title=f"Remedies for {short(tried.route)}",
        lead=f"Latency of {short(tried.victims)}, all {units.plural(tried.trials, 'trial')} together.",
        axis=axis,
        ridges=tuple(
            ridge(short(title), one, axis, note=note, strong=not remedy)
            for (remedy, title, note), one in zip(rows, found, strict=True)
            if one is not None
        ),
    )


def _latencies(run: Run, route: str) -> list[int]:
    """Of requests that are not the culprit's; of all where there are no others."""
    every = [one for one in run.requests if one.stream != WARM_UP and one.done_ns > one.intended_ns]
    innocent = [one for one in every if one.stream == PROBE_STREAM or one.route != route]
    return [one.done_ns - one.intended_ns for one in innocent or every]
