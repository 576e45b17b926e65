"""From two recordings and what became of them to what a page says of the change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from diag import units
from diag.analysis.availability import distribution
from diag.change import Change, Direction, Fate, FindingChange, RouteChange, Shift, Side
from diag.finding import Finding
from diag.recording import Recording, Run
from diag.reports import sentences
from diag.reports.html.charts import Ridges, Table
from diag.reports.html.compared import MOST_ROUTES, WARM_UP, axis_of, ridge
from diag.reports.html.embed import as_json
from diag.reports.html.foot import foot
from diag.reports.html.model import ChangeReport, Checked, Foot, Head, Tile
from diag.reports.html.withheld import holds_secrets, without_source
from diag.reports.html.words import short, shown
from diag.reports.json import change_to_json
from diag.reports.text import UNICODE, neutral

_STATUS = {
    Direction.IMPROVED: "clean",
    Direction.WORSE: "blocked",
    Direction.NONE: "compared",
    Direction.UNKNOWN: "unmeasured",
}
_WORDS = {
    Direction.IMPROVED: "Improved",
    Direction.WORSE: "Worse",
    Direction.NONE: "No difference seen",
    Direction.UNKNOWN: "Not comparable",
}
_TONES = {Direction.IMPROVED: "good", Direction.WORSE: "bad"}
_SIGNS = {Fate.NEW: "+", Fate.CHANGED: "~", Fate.SAME: "=", Fate.GONE: "−", Fate.UNDRIVEN: "?"}
_LOOKS = {Fate.NEW: "new", Fate.CHANGED: "not-measured", Fate.GONE: "passed", Fate.UNDRIVEN: "not-measured"}
_BLIND = (
    "What differs from one run to the next: it would take several runs of both.",
    "Which of several changes between the two recordings made the difference.",
)


def build_change(before: Recording, after: Recording, change: Change, *, source: bool = True) -> ChangeReport:
    """What the page of one change says; code is left out without `source`, and of files with secrets."""
    sources = before.sources | after.sources
    secret = [path for path, text in sources.items() if holds_secrets(path, text)]
    told = without_source(change, secret if source else None)
    said = shown(told)
    return ChangeReport(
        title=f"{short(after.meta.target)} – before and after",
        head=_head(said),
        charts=tuple(_charts(before, after, said)),
        table=_table(said),
        findings=tuple(map(_finding, said.findings)),
        foot=_foot(before, after, said),
        raw=as_json(msgspec.json.decode(change_to_json(neutral(told)))),
    )


# The head -----------------------------------------------------------------------------------------------


def _head(change: Change) -> Head:
    unknown = change.direction is Direction.UNKNOWN
    return Head(
        status=_STATUS[change.direction],
        word=_WORDS[change.direction],
        sentence=change.reasons[0] if unknown else _sentence(change),
        more=change.reasons[1:],
        facts=(f"before: {_side(change.before)}", f"after: {_side(change.after)}", change.after.load),
        notes=change.notes,
        tiles=() if unknown else tuple(_tiles(change)),
    )


def _sentence(change: Change) -> str:
    shift = change.blocked
    if shift is None or not (shift.before or shift.after):
        return "Nothing was blocked, before or after."
    if not shift.after:
        return f"Blocked for {units.percent(shift.before)} of the time before, and not at all after."
    return (
        f"Blocked for {units.percent(shift.before)} of the time before, {units.percent(shift.after)} after."
    )


def _side(side: Side) -> str:
    moment = side.created_utc[:16].replace("T", " ")
    return f"{side.target}, {moment}, {units.plural(side.requests, 'request')}, {side.status}"


def _tiles(change: Change) -> Iterator[Tile]:
    if change.blocked is not None:
        yield _tile("Blocked", change.blocked, units.percent, points=True)
    if change.overall is not None or change.routes:
        one = change.overall or change.routes[0]
        yield _tile("p50 of all requests", one.p50, _time)
        yield _tile("p99 of all requests", one.p99, _time)
    fates = [one.fate for one in change.findings]
    new, gone = fates.count(Fate.NEW), fates.count(Fate.GONE)
    rest = len(fates) - new - gone
    yield Tile(
        title="Findings",
        value=f"{new} new, {gone} gone",
        detail=f"{rest} there before and after" if rest else "none there before and after",
        tone="bad" if new else "good" if gone else "plain",
    )


def _tile(title: str, shift: Shift, text: object, *, points: bool = False) -> Tile:
    assert callable(text)
    return Tile(
        title=title,
        value=text(shift.after),
        before=text(shift.before),
        detail=_effect(shift, points=points),
        tone=_TONES.get(shift.direction, "plain"),
    )


def _effect(shift: Shift, *, points: bool = False) -> str:
    if shift.direction is Direction.UNKNOWN:
        return shift.reason
    if points:
        low, high = (f"{100 * value:+.0f}" for value in (shift.low, shift.high))
        return f"{100 * shift.effect:+.0f} points [{low} to {high}]: {shift.direction.value}"
    return f"× {_ratio(shift.effect)} [{_ratio(shift.low)} to {_ratio(shift.high)}]: {shift.direction.value}"


def _interval(shift: Shift) -> str:
    if shift.direction is Direction.UNKNOWN:
        return "too few" if "fewer" in shift.reason else "–"
    return f"{_ratio(shift.effect)} [{_ratio(shift.low)}–{_ratio(shift.high)}]"


def _time(ns: float) -> str:
    return units.duration(round(ns))


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 9.95 else f"{value:.0f}"


# Routes -------------------------------------------------------------------------------------------------


def _charts(before: Recording, after: Recording, change: Change) -> Iterator[Ridges]:
    """The whole distribution of each route before and after, worse routes first."""
    if not change.routes:
        return
    routes = change.routes[:MOST_ROUTES]
    pairs = []
    for one in routes:
        found = [distribution(_latencies(run.runs[0], one.route)) for run in (before, after)]
        pairs.append((one, found))
    axis = axis_of(part for _, found in pairs for part in found)
    left = f" {len(routes)} of {len(change.routes)} routes." if len(routes) < len(change.routes) else ""
    yield Ridges(
        title="Latency by route",
        lead=f"From when a request should have been sent to its last byte.{left}",
        axis=axis,
        ridges=tuple(
            ridge(
                one.route if name == "before" else "",
                part,
                axis,
                note=f"{name} ",
                flags=(one.direction.value,) if name == "after" else (),
                strong=name == "after" and one.direction in _TONES,
            )
            for one, found in pairs
            for name, part in zip(("before", "after"), found, strict=True)
        ),
    )


def _latencies(run: Run, route: str) -> Iterator[int]:
    return (
        request.done_ns - request.intended_ns
        for request in run.requests
        if short(request.route) == route and request.stream != WARM_UP and 0 < request.status < 500
    )


def _table(change: Change) -> Table:
    rows = [*([change.overall] if change.overall else []), *change.routes]
    return Table(
        caption="After over before, with intervals over windows of time",
        head=("route", "answers", "p50 before", "after", "ratio", "p99 before", "after", "ratio", "failed"),
        rows=tuple(map(_row, rows)),
        strong=frozenset(index for index, one in enumerate(rows) if one.direction in _TONES),
    )


def _row(one: RouteChange) -> tuple[str, ...]:
    failed = f"{units.count(one.failed_before)} → {units.count(one.failed_after)}"
    figures = (
        text
        for shift in (one.p50, one.p99)
        for text in (_time(shift.before), _time(shift.after), _interval(shift))
    )
    answers = f"{units.count(one.requests_before)} → {units.count(one.requests_after)}"
    return (one.route or "all requests", answers, *figures, failed)


# Findings -----------------------------------------------------------------------------------------------


def _finding(one: FindingChange) -> Checked:
    both = [finding for finding in (one.before, one.after) if finding is not None]
    last = both[-1]
    place = f", {sentences.where(last.location)}" if last.location else ""
    return Checked(
        symbol=_SIGNS[one.fate],
        word=one.fate.value,
        name=f"{sentences.name(last)} {last.title}{place}",
        text=" · ".join(part for part in (_code(both), *_amounts(one, both), one.note) if part),
        look=_LOOKS.get(one.fate, "not-applicable"),
    )


def _code(both: Sequence[Finding]) -> str:
    texts = [finding.location.text.strip() for finding in both if finding.location]
    return " → ".join(dict.fromkeys(f"`{text}`" for text in texts if text))


def _amounts(one: FindingChange, both: Sequence[Finding]) -> Iterator[str]:
    if not any(finding.blocks for finding in both):
        return
    arrow = f" {UNICODE.arrow} "
    yield arrow.join(units.plural(len(finding.blocks), "block") for finding in both)
    yield f"p50 {arrow.join(units.duration(finding.p50_ns) for finding in both)}"
    shares = [share for share, side in ((one.share_before, one.before), (one.share_after, one.after)) if side]
    yield f"{arrow.join(map(units.percent, shares))} of the time"


def _foot(before: Recording, after: Recording, change: Change) -> Foot:
    feet = [
        foot(one.meta, one.runs, recording=side.recording, blind=_BLIND)
        for one, side in ((before, change.before), (after, change.after))
    ]
    same = [fact for fact in feet[1].facts if fact in feet[0].facts]
    facts = [
        (f"{title}, {name}", text)
        for name, one in (("before", feet[0]), ("after", feet[1]))
        for title, text in one.facts
        if (title, text) not in same
    ]
    windows = f"{change.windows} windows of {units.duration(change.window_ns)}" if change.windows else ""
    return Foot(
        facts=(*facts, *same, *([("Intervals", f"{windows}, drawn again and again")] if windows else [])),
        blind=_BLIND,
    )
