"""Strategies side by side: whole latency distributions over each other on one log scale, and figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diag import units
from diag.analysis.availability import Distribution, distribution
from diag.analysis.cells import PROBE_STREAM
from diag.finding import CellResult, Verdict
from diag.recording import Run
from diag.reports.html.charts import Ridge, Ridges, Table
from diag.reports.html.figures import LogAxis, area
from diag.reports.html.words import short

MOST_ROUTES = 12
WARM_UP = "warm-up"


def latencies(run: Run, *, innocent: bool) -> list[int]:
    """Latencies of a run's answered requests, ns: of the innocent stream, or of the others."""
    return [
        request.done_ns - request.intended_ns
        for request in run.requests
        if (request.stream == PROBE_STREAM) == innocent
        and request.stream != WARM_UP
        and 0 < request.status < 500
        and request.done_ns > request.intended_ns
    ]


def ridge(
    label: str,
    found: Distribution | None,
    axis: LogAxis,
    *,
    note: str = "",
    flags: Sequence[str] = (),
    strong: bool = False,
    failure: str = "",
) -> Ridge:
    """One distribution on an axis."""
    if found is None:
        reason = failure or "no request was answered"
        return Ridge(label=label, note=note, failure=reason, flags=tuple(flags), strong=strong)
    marks = (("p50", found.p50_ns), ("p99", found.p99_ns), ("max", found.max_ns))
    return Ridge(
        label=label,
        note=note,
        path=area(found, axis),
        marks=tuple((name, axis.at(ns), units.duration(ns)) for name, ns in marks),
        count=units.count(found.count),
        flags=tuple(flags),
        strong=strong,
    )


def axis_of(found: Iterable[Distribution | None]) -> LogAxis:
    """The axis that holds some distributions."""
    ends: list[int] = []
    for one in found:
        if one is not None:
            ends += [one.bins[0].low_ns, one.max_ns]
    return LogAxis.around(ends)


def strategies(verdict: Verdict, runs: Sequence[Run]) -> tuple[Ridges, ...]:
    """One chart of the work's own requests and one of innocent ones, a row each strategy; () for one cell."""
    if len(runs) < 2:
        return _routes(runs)
    charts = []
    for innocent, title, lead in (
        (
            True,
            "Innocent requests",
            "How long requests took that do no work of their own: what they pay shows here.",
        ),
        (
            False,
            "The work itself",
            "How long requests that do the work took, from when they should have been sent.",
        ),
    ):
        found = [distribution(latencies(run, innocent=innocent)) for run in runs]
        if not any(found):
            continue
        axis = axis_of(found)
        charts.append(
            Ridges(
                title=title,
                lead=lead,
                axis=axis,
                ridges=tuple(
                    ridge(
                        cell.label,
                        one,
                        axis,
                        note=cell.note,
                        flags=flags(cell),
                        strong=cell.primary,
                        failure=cell.failure,
                    )
                    for cell, one in zip(verdict.cells, found, strict=False)
                ),
            )
        )
    return tuple(charts)


def flags(cell: CellResult) -> tuple[str, ...]:
    """What to know of a cell before it is compared."""
    failed = [f"{units.count(cell.failed)} failed"] if cell.failed else []
    return (*(["limited by the load generator"] if cell.generator_bound else []), *failed)


def _routes(runs: Sequence[Run]) -> tuple[Ridges, ...]:
    by_route: dict[str, list[int]] = {}
    for run in runs:
        for request in run.requests:
            if (
                request.stream != WARM_UP
                and 0 < request.status < 500
                and request.done_ns > request.intended_ns
            ):
                by_route.setdefault(short(request.route), []).append(request.done_ns - request.intended_ns)
    if not by_route:
        return ()
    shown = sorted(by_route, key=lambda route: -len(by_route[route]))[:MOST_ROUTES]
    found = {route: distribution(by_route[route]) for route in sorted(shown)}
    axis = axis_of(found.values())
    left = (
        f" The {MOST_ROUTES} routes with most requests of {len(by_route)}."
        if len(by_route) > len(shown)
        else ""
    )
    return (
        Ridges(
            title="Latency by route",
            lead=f"From when a request should have been sent to its last byte.{left}",
            axis=axis,
            ridges=tuple(ridge(route, one, axis) for route, one in found.items()),
        ),
    )


def figures(verdict: Verdict) -> tuple[Table, ...]:
    """The figures of every cell, and those of the handlers."""
    tables = []
    measured = [cell for cell in verdict.cells if not cell.failure]
    if len(measured) > 1:
        tables.append(
            Table(
                caption="Strategies, side by side",
                head=("strategy", "req/s", "p50", "p99", "victims’ p99", "blocked", "CPU/req", "failed"),
                rows=tuple(map(_row, measured)),
                strong=frozenset(i for i, cell in enumerate(measured) if cell.primary),
            )
        )
    return tuple(tables)


def _row(cell: CellResult) -> tuple[str, ...]:
    return (
        cell.label + (" *" if cell.generator_bound else ""),
        units.rate(cell.throughput),
        units.duration(cell.p50_ns),
        units.duration(cell.p99_ns),
        units.duration(cell.victim_p99_ns) if cell.victim_p99_ns else "–",
        units.percent(cell.blocked_share),
        units.duration(cell.cpu_ns_per_request) if cell.cpu_ns_per_request else "–",
        units.count(cell.failed),
    )
