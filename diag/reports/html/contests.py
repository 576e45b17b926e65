"""From a recording of interleaved trials and its comparison to what a page says of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from diag import units
from diag.analysis.availability import Bin, Distribution, distribution
from diag.comparison import CellFigures, Comparison, Contest, Estimate
from diag.recording import Recording, Run
from diag.reports.html.charts import Ridge, Ridges, Table, Whisker, Whiskers
from diag.reports.html.compared import axis_of, latencies, ridge
from diag.reports.html.embed import as_json
from diag.reports.html.figures import LinearAxis, Tick, rate_label
from diag.reports.html.foot import foot
from diag.reports.html.model import Checked, ComparisonReport, ContestView, Foot, Head
from diag.reports.html.presets import claims_of, published_table, summary_of
from diag.reports.html.words import short, shown
from diag.reports.json import comparison_to_json
from diag.reports.text import neutral

_CELL = ("target", "framework", "server", "loop", "strategy", "workload", "workers", "threads", "load")
UNSTABLE = "unstable"
GENERATOR = "limited by the load generator"


def build_comparison(recording: Recording, comparison: Comparison) -> ComparisonReport:
    """What the page of one comparison says."""
    said = shown(comparison)
    runs: dict[Any, list[Run]] = {}
    for run in recording.runs:
        key = (run.cell.label, *(getattr(run.cell, name) for name in _CELL))
        runs.setdefault(key, []).append(run)

    def runs_of(cell: CellFigures) -> list[Run]:
        return runs.get((cell.recorded_as, *(getattr(cell, name) for name in _CELL)), [])

    contests = tuple(
        _contest(one, [runs_of(cell) for cell in own.cells])
        for one, own in zip(said.contests, comparison.contests, strict=True)
    )
    return ComparisonReport(
        title=f"{short(recording.meta.target)} – diag compare",
        head=_head(said),
        contests=contests,
        published=published_table(said),
        claims=claims_of(said),
        foot=_foot(recording, comparison),
        raw=as_json(msgspec.json.decode(comparison_to_json(neutral(comparison)))),
    )


def _head(comparison: Comparison) -> Head:
    first = next((contest for contest in comparison.contests if contest.verdict), None)
    sentence = first.verdict[0] if first else "Nothing could be measured."
    more = tuple(first.verdict[1:]) if first else ()
    if comparison.claims and first:
        sentence, more = summary_of(comparison)
    notes = list(comparison.notes)
    if not comparison.finished:
        notes.append("It was broken off: what had been measured by then is compared.")
    return Head(
        status="compared" if comparison.exit_code == 0 else "unmeasured",
        word="Compared" if comparison.exit_code == 0 else "Could not tell",
        sentence=sentence,
        more=more,
        facts=(
            units.duration(comparison.duration_ns),
            f"{units.plural(comparison.trials, 'trial')}, interleaved, seed {comparison.seed}",
            f"{comparison.python}, {units.plural(comparison.cores, 'core')}",
        ),
        notes=tuple(notes),
        tiles=(),
    )


def _foot(recording: Recording, comparison: Comparison) -> Foot:
    blind = (
        "Intervals are 95 % bootstrap intervals over trials: what differs on another machine is not in them.",
        "A difference is claimed only where paired trials show it; equal ranks were not told apart.",
        "Cells that the load generator limited are shown and not ranked.",
    )
    return foot(recording.meta, recording.runs, recording=comparison.recording, blind=blind)


# One contest ----------------------------------------------------------------------------------------------


def _contest(contest: Contest, runs: Sequence[Sequence[Run]]) -> ContestView:
    pairs = [(cell, some) for cell, some in zip(contest.cells, runs, strict=True) if cell.trials]
    measured = [cell for cell, _ in pairs]
    return ContestView(
        title=contest.title,
        common=contest.common,
        verdict=contest.verdict,
        why=contest.why,
        charts=(
            *_whiskers(
                "Throughput", "Answers per second", measured, lambda cell: cell.throughput, units.rate
            ),
            *_ridges(pairs),
            *_whiskers(
                "CPU per request",
                "Milliseconds of CPU time of the whole process tree, over all answers",
                measured,
                lambda cell: cell.cpu_ns_per_request,
                lambda ns: units.duration(round(ns)),
                scale=1e6,
            ),
        ),
        table=_table(contest, measured),
        remarks=tuple(_remarks(contest)),
    )


def flags(cell: CellFigures) -> tuple[str, ...]:
    """What to know of a cell before it is compared."""
    said = [] if cell.rank else ["not ranked"]
    said += [GENERATOR] if cell.generator_bound else []
    said += [UNSTABLE] if cell.unstable else []
    return tuple(said)


def _whiskers(
    title: str,
    what: str,
    cells: Sequence[CellFigures],
    value: Callable[[CellFigures], Estimate | None],
    text: Callable[[float], str],
    *,
    scale: float = 1.0,
) -> Iterable[Whiskers]:
    known = [(cell, found) for cell in cells if (found := value(cell)) is not None]
    if not known:
        return ()
    highest = max(max(found.high, *found.trials) for _, found in known)
    axis = LinearAxis.upto(highest / scale)
    ticks = tuple(
        Tick(
            at=axis.at(at),
            label=rate_label(at),
            anchor="start" if at == 0 else "end" if at >= axis.high else "middle",
        )
        for at in axis.values
    )
    return (
        Whiskers(
            title=title,
            lead=f"{what}: the median of the trials with its 95 % interval; dots are single trials.",
            ticks=ticks,
            whiskers=tuple(
                Whisker(
                    label=cell.label,
                    text=f"{text(found.value)} [{text(found.low)} – {text(found.high)}]",
                    at=axis.at(found.value / scale),
                    low=axis.at(found.low / scale),
                    high=axis.at(found.high / scale),
                    trials=tuple(axis.at(one / scale) for one in found.trials),
                    note=f"rank {cell.rank}" if cell.rank else "",
                    flags=flags(cell),
                    strong=cell.rank == 1,
                )
                for cell, found in known
            ),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    """A stream's title, and what is said of it."""

    innocent: bool
    title: str
    lead: str


_STREAMS = (
    _Stream(
        innocent=False,
        title="Latency of the work",
        lead="All trials together, from when a request should have been sent to its last byte.",
    ),
    _Stream(
        innocent=True,
        title="Latency of innocent requests",
        lead="Requests that do no work of their own, sent beside it.",
    ),
)


def _ridges(pairs: Sequence[tuple[CellFigures, Sequence[Run]]]) -> Iterable[Ridges]:
    for stream in _STREAMS:
        found = [
            distribution(ns for run in runs for ns in latencies(run, innocent=stream.innocent))
            or (None if stream.innocent else _of_percentiles(cell))
            for cell, runs in pairs
        ]
        if any(found):
            axis = axis_of(found)
            yield Ridges(
                title=stream.title,
                lead=stream.lead,
                axis=axis,
                ridges=tuple(
                    ridge(cell.label, one, axis, flags=flags(cell), strong=cell.rank == 1)
                    for (cell, _), one in zip(pairs, found, strict=True)
                )
                or (Ridge(label=""),),
            )


def _of_percentiles(cell: CellFigures) -> Distribution | None:
    """What an installed load generator tells of latencies: a few percentiles of the trial in the middle."""
    trial = cell.median_trial
    if trial is None or len(trial.percentiles) < 2:
        return None
    points = sorted({max(1_000, ns): percent for percent, ns in trial.percentiles}.items())
    known = dict(trial.percentiles)
    bins = tuple(
        Bin(low_ns=low, high_ns=high, count=max(0, round((upto - since) * trial.answered / 100)))
        for (low, since), (high, upto) in itertools.pairwise([(max(1_000, trial.min_ns), 0.0), *points])
        if high > low
    )
    if not bins or not any(one.count for one in bins):
        return None
    return Distribution(
        bins=bins,
        count=trial.answered,
        p50_ns=known.get(50, points[len(points) // 2][0]),
        p90_ns=known.get(90, points[-1][0]),
        p99_ns=known.get(99, points[-1][0]),
        max_ns=trial.max_ns or points[-1][0],
    )


# Words ----------------------------------------------------------------------------------------------------


def _table(contest: Contest, cells: Sequence[CellFigures]) -> Table:
    latency = ("p50", "p99", "victims’ p99")
    head = ("cell", "rank", "req/s", *latency, "blocked", "CPU/req", "memory", "generator", "failed")
    return Table(
        caption=f"Medians, ranked by {contest.by.words}",
        head=head,
        rows=tuple(_row(cell) for cell in cells),
        strong=frozenset(number for number, cell in enumerate(cells) if cell.rank == 1),
    )


def _row(cell: CellFigures) -> tuple[str, ...]:
    def time(found: Estimate | None) -> str:
        return units.duration(round(found.value)) if found else "–"

    def share(found: Estimate | None) -> str:
        return units.percent(found.value) if found else "–"

    return (
        cell.label,
        (str(cell.rank) if cell.rank else "–") + (" ~" if cell.unstable else ""),
        units.rate(cell.throughput.value) if cell.throughput else "–",
        time(cell.p50_ns),
        time(cell.p99_ns),
        time(cell.victim_p99_ns),
        share(cell.blocked_share),
        time(cell.cpu_ns_per_request),
        units.size(round(cell.memory_bytes.value)) if cell.memory_bytes else "–",
        share(cell.generator_share),
        units.count(cell.failed),
    )


def _remarks(contest: Contest) -> Iterable[Checked]:
    for cell in contest.cells:
        if not cell.rank:
            yield Checked(symbol="?", word="not ranked", name=cell.label, text=cell.unranked)
        if cell.unstable:
            reason = (
                cell.unstable_reason or "the recording shows no reason; other work on the machine is likely"
            )
            yield Checked(symbol="~", word="unstable", name=cell.label, text=reason)
        if cell.failure and cell.rank:
            yield Checked(symbol="!", word="a trial failed", name=cell.label, text=cell.failure)
        for incident in cell.incidents:
            yield Checked(symbol="!", word="incident", name=cell.label, text=incident)
    warmed = sum(cell.warmed_up for cell in contest.cells)
    if warmed:
        text = f"{units.plural(warmed, 'request')} of warm-up left out of all figures"
        yield Checked(symbol="–", word="left out", name="", text=text)
