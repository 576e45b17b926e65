"""The timeline's data: blocks on lanes, requests on rows, and who waited for which block.

Times are whole microseconds from the window's start. What a browser could not draw smoothly is left out, and
the data says how much: `shown` beside `all`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from diag.analysis.blocks import Block
from diag.analysis.case import Case
from diag.analysis.debts import Debt
from diag.analysis.intervals import Interval, clip
from diag.analysis.proofs import Proof
from diag.analysis.rides import Ride
from diag.finding import BlockRef, Cause
from diag.recording import Lane, LaneKind
from diag.reports import sentences
from diag.reports.html.density import density
from diag.reports.html.drawn import BlockView, LaneView, RequestView, Timeline
from diag.reports.html.rows import Group, Placed, pack
from diag.reports.html.words import short

MOST_BLOCKS = 2_000
MOST_REQUESTS = 12_000
MOST_STEPS = 4_000
MOST_DEBTS = 40_000
"""What a browser redraws in less than 100 ms on two cores, and what keeps the page below 1 MB."""

_KINDS = {
    LaneKind.ASYNCIO: "event loop",
    LaneKind.UVLOOP: "event loop (uvloop)",
    LaneKind.GEVENT: "gevent hub",
    LaneKind.WORKER_THREAD: "worker thread",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Bar:
    """A block of a finding, with its debts."""

    finding: int
    starved: bool
    reference: BlockRef
    block: Block
    segments: tuple[Interval, ...]
    where: str
    debts: tuple[Debt, ...]


@dataclass(slots=True, eq=False)
class _Scene:
    """What is being turned into a timeline."""

    case: Case
    rides: Sequence[Ride]
    bars: list[_Bar]
    places: dict[int, int] = field(default_factory=dict)  # identity of an exchange or wait → request's index

    def at(self, ns: int) -> int:
        start, end = self.case.timeline.window
        return round((min(max(ns, start), end) - start) / 1_000)


def build_timeline(
    case: Case, proofs: Sequence[Proof], owed: Sequence[Sequence[Debt]], rides: Sequence[Ride]
) -> Timeline | None:
    """The timeline of a run, None if it has no length or nothing is in it.

    Args:
        case: the run.
        proofs: one a finding.
        owed: the debts of each proof's pieces.
        rides: of all requests.
    """
    start, end = case.timeline.window
    if end - start < 1_000 or not (case.run.lanes or rides):
        return None
    every = _bars(proofs, owed)
    inside = [bar for bar in every if bar.segments[-1][1] > start and bar.segments[0][0] < end]
    kept = sorted(inside, key=lambda bar: -bar.reference.own_ns)[:MOST_BLOCKS]
    scene = _Scene(case=case, rides=rides, bars=sorted(kept, key=lambda bar: bar.segments[0][0]))
    requests, groups = _requests(scene)
    steps = _steps(scene)
    return Timeline(
        length=scene.at(end),
        start_ns=start,
        tasks=case.script,
        lanes=_lanes(case.run.lanes),
        blocks=_blocks(scene),
        groups=groups,
        requests=requests,
        steps=steps[:MOST_STEPS],
        density=density(rides, case.timeline.window) if rides else None,
        all_blocks=len(inside),
        all_requests=len(rides) if rides else len(requests),
        all_steps=len(steps),
        outside=len(every) - len(inside),
        indices=scene.places,
    )


def _bars(proofs: Sequence[Proof], owed: Sequence[Sequence[Debt]]) -> list[_Bar]:
    bars = []
    for number, proof in enumerate(proofs):
        by_piece: dict[int, list[Debt]] = {}
        for debt in owed[number]:
            by_piece.setdefault(debt.piece, []).append(debt)
        finding = proof.finding
        where = sentences.where(finding.location) if finding.location else ""
        for index, (piece, reference) in enumerate(zip(proof.pieces, proof.references, strict=True)):
            bars.append(
                _Bar(
                    finding=number,
                    starved=finding.rule == "starved",
                    reference=reference,
                    block=piece[0],
                    segments=piece[1],
                    where=short(where),
                    debts=tuple(by_piece.get(index, ())),
                )
            )
    return bars


def _lanes(lanes: Sequence[Lane]) -> tuple[LaneView, ...]:
    """Numbered where there is more than one of a kind."""
    kinds = Counter(lane.kind for lane in lanes)
    seen: Counter[LaneKind] = Counter()
    views = []
    for lane in lanes:
        seen[lane.kind] += 1
        number = f" {seen[lane.kind]}" if kinds[lane.kind] > 1 else ""
        where = f"process {lane.pid}, thread {lane.tid}"
        views.append(LaneView(label=f"{_KINDS[lane.kind]}{number}", detail=where))
    return tuple(views)


# Requests -------------------------------------------------------------------------------------------------


def _requests(scene: _Scene) -> tuple[tuple[RequestView, ...], tuple[Group, ...]]:
    chosen = _tasks(scene) if scene.case.script else _chosen(scene)
    rows, groups = pack([(one.label, one.start, one.start + max(1, one.length)) for one in chosen])
    found: list[RequestView] = []
    for one, placed in zip(chosen, rows, strict=True):
        scene.places[one.key] = len(found)
        found.append(one.view(placed))
    return tuple(found), groups


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chosen:
    """A request or task that is drawn, not yet placed."""

    key: int
    label: str
    start: int
    before: int
    inside: int
    after: int
    status: int
    behind: int
    own: tuple[Interval, ...]
    queued: tuple[Interval, ...]

    @property
    def length(self) -> int:
        return self.before + self.inside + self.after

    def view(self, placed: Placed) -> RequestView:
        names = ("start", "before", "inside", "after", "status", "behind", "own", "queued")
        return RequestView(
            group=placed.group, row=placed.row, **{name: getattr(self, name) for name in names}
        )


def _chosen(scene: _Scene) -> list[_Chosen]:
    """All requests, or those that blocks delayed most and were made by, and every n-th of the others."""
    if len(scene.rides) <= MOST_REQUESTS:
        return [_ride(scene, ride) for ride in scene.rides]
    wanted = _needed(scene)
    rest = [ride for ride in scene.rides if id(ride.exchange) not in wanted]
    every = max(1, -(-len(rest) // max(1, MOST_REQUESTS - len(wanted))))
    wanted |= {id(ride.exchange) for ride in rest[::every]}
    return [_ride(scene, ride) for ride in scene.rides if id(ride.exchange) in wanted]


def _needed(scene: _Scene) -> set[int]:
    delays: Counter[int] = Counter()
    for bar in scene.bars:
        for debt in bar.debts:
            delays[id(debt.exchange)] += debt.ns
    wanted = {key for key, _ in delays.most_common(MOST_REQUESTS // 2)}
    causing = {id(ride.exchange) for ride in scene.rides if ride.own}
    return wanted | set(sorted(causing)[: MOST_REQUESTS // 4])


def _ride(scene: _Scene, ride: Ride) -> _Chosen:
    request = ride.exchange.request
    at = scene.at
    start, entered, left = at(request.intended_ns), at(ride.entered_ns), at(ride.left_ns)
    return _Chosen(
        key=id(ride.exchange),
        label=short(request.route),
        start=start,
        before=entered - start,
        inside=left - entered,
        after=at(request.done_ns) - left,
        status=request.status,
        behind=round(ride.behind_ns / 1_000),
        own=tuple((at(low), at(high)) for low, high in ride.own),
        queued=tuple((at(low), at(high)) for low, high in ride.queued),
    )


def _tasks(scene: _Scene) -> list[_Chosen]:
    """A script has no requests: its rows are the waits of its tasks."""
    found = []
    seen: set[int] = set()
    for wait in (debt.wait for bar in scene.bars for debt in bar.debts):
        if wait is None or id(wait) in seen:
            continue
        seen.add(id(wait))
        start, end = scene.at(wait.since_ns), scene.at(wait.until_ns)
        found.append(
            _Chosen(
                key=id(wait),
                label=short(wait.label),
                start=start,
                before=0,
                inside=end - start,
                after=0,
                status=200,
                behind=0,
                own=(),
                queued=((start, end),),
            )
        )
    return sorted(found, key=lambda one: one.start)[:MOST_REQUESTS]


# Blocks and steps -----------------------------------------------------------------------------------------


def _blocks(scene: _Scene) -> tuple[BlockView, ...]:
    lanes = {lane.lane_id: index for index, lane in enumerate(scene.case.run.lanes)}
    room = MOST_DEBTS // max(1, len(scene.bars))
    return tuple(_block(scene, bar, lanes[bar.block.lane.lane_id], room) for bar in scene.bars)


def _block(scene: _Scene, bar: _Bar, lane: int, room: int) -> BlockView:
    window = scene.case.timeline.window
    parts = [clip(one, window) for one in bar.segments]
    debts_ = [debt for debt in bar.debts if owner(debt) in scene.places]
    shown = debts_ if sum(len(one.debts) for one in scene.bars) <= MOST_DEBTS else debts_[:room]
    return BlockView(
        lane=lane,
        finding=bar.finding,
        start=scene.at(bar.segments[0][0]),
        end=scene.at(bar.segments[-1][1]),
        parts=tuple((scene.at(a), scene.at(b)) for a, b in parts) if len(parts) > 1 else (),
        own_ns=bar.reference.own_ns,
        cause=_cause(bar),
        route=short(bar.reference.route),
        where=bar.where,
        request=_maker(scene, bar),
        victims=tuple(scene.places[owner(debt)] for debt in shown),
        waited=tuple(round(debt.ns / 1_000) for debt in shown),
        victim_count=len(bar.debts),
        waited_ns=sum(debt.ns for debt in bar.debts),
    )


def _cause(bar: _Bar) -> str:
    """The main cause; the machine's part only where it is what the finding is about."""
    own = [one for one in bar.reference.causes if one.cause is not Cause.RUN_QUEUE and one.ns > 0]
    shown = bar.reference.causes if bar.starved or not own else own
    return max(shown, key=lambda one: one.ns).cause.value if shown else "unknown"


def owner(debt: Debt) -> int:
    """What `Timeline.indices` knows the delayed request or task by."""
    return id(debt.exchange) if debt.exchange is not None else id(debt.wait)


def _maker(scene: _Scene, bar: _Bar) -> int:
    by_key = scene.case.timeline.by_key
    for held in bar.block.held:
        exchange = by_key.get((held.lane.pid, held.step.request_key)) if held.step.request_key else None
        if exchange is not None:
            return scene.places.get(id(exchange), -1)
    return -1


def _steps(scene: _Scene) -> tuple[tuple[int, int, int], ...]:
    """Recorded steps that belong to no block that is drawn, longest first."""
    drawn = {id(held) for bar in scene.bars for held in bar.block.held}
    lanes = {lane.lane_id: index for index, lane in enumerate(scene.case.run.lanes)}
    start, end = scene.case.timeline.window
    others = [
        held
        for held in scene.case.timeline.held
        if id(held) not in drawn and held.step.end_ns > start and held.step.start_ns < end
    ]
    others.sort(key=lambda held: -held.wall_ns)
    return tuple(
        (lanes[held.lane.lane_id], scene.at(held.step.start_ns), scene.at(held.step.end_ns))
        for held in others
    )
