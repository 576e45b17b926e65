"""Two recordings, made before and after a change: what went better, what worse, and what cannot be told.

One run each is weak evidence: what differs from run to run (another process, another minute of the machine)
is in no interval that a single run gives. So a difference is claimed only if the interval over windows of
time (`diag.analysis.windows`) excludes none, and if the figures differ by more than runs of unchanged code
were seen to: of 84 pairs of runs of three unchanged targets, on a machine that others kept busy, none was
called different; without the factor for the busy machine 10 were.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diag.analysis.case import Case, examine
from diag.analysis.cells import blocked_within, waited_for
from diag.analysis.comparability import Judged, machine_factor, obstacles, remarks
from diag.analysis.fates import fates
from diag.analysis.statistics import percentile_ns
from diag.analysis.timeline import Exchange
from diag.analysis.windows import FEWEST_WINDOWS, Draws, Windows, interval, window_length
from diag.change import Change, Direction, Fate, FindingChange, RouteChange, Shift, Side
from diag.finding import Severity, Verdict

ERROR_RATE = 0.05
"""Shared by all figures of a comparison (Bonferroni): in one of twenty some interval may be wrong."""

LEAST_RATIO = 1.3
LEAST_SHARE = 0.02
LEAST_NS = 1_000_000
"""What is claimed at least: a factor of 1.3, and latencies 1 ms, blocked shares 2 percentage points apart."""

LEAST_REQUESTS = {0.5: 20, 0.99: 200}
"""Fewer requests than this have no such percentile: 2 of 200 lie above the 99th."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What it takes to claim a difference.

    Attributes:
        error_rate: of the interval.
        better, worse: the least factor of latencies that fell, and of those that rose.
    """

    error_rate: float
    better: float
    worse: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Half:
    """One of the two, divided into windows."""

    judged: Judged
    case: Case
    windows: Windows
    draws: Draws | None

    def exchanges(self, route: str) -> list[Exchange]:
        return [e for e in self.case.timeline.exchanges if not route or e.request.route == route]


def compare(before: Judged, after: Judged) -> Change:
    """Say whether a change made things better or worse, or that the recordings cannot be compared.

    Args:
        before: the recording of the code as it was.
        after: the recording of the code as it is.
    """
    sides = _side(before), _side(after)
    reasons = obstacles(before, after)
    if reasons:
        return Change(direction=Direction.UNKNOWN, reasons=reasons, before=sides[0], after=sides[1])
    halves = _halves(before, after)
    routes = _common_routes(halves)
    claim = _Claim(
        error_rate=ERROR_RATE / (2 * len(routes) + 1),
        better=LEAST_RATIO * machine_factor(after.verdict.quality, before.verdict.quality),
        worse=LEAST_RATIO * machine_factor(before.verdict.quality, after.verdict.quality),
    )
    changes = [_route(halves, route, claim) for route in routes]
    blocked = _blocked(halves, claim)
    windows = min(half.windows.count for half in halves)
    findings = fates(before.verdict, after.verdict, _driven(halves[0]), _driven(halves[1]))
    directions = [*(one.direction for one in changes), blocked.direction, *map(_meaning, findings)]
    return Change(
        direction=_together(directions),
        reasons=(),
        before=sides[0],
        after=sides[1],
        blocked=blocked,
        overall=_route(halves, "", claim) if len(routes) > 1 else None,
        routes=tuple(sorted(changes, key=lambda one: list(_ORDER).index(one.direction))),
        findings=findings,
        notes=remarks(before, after, windows=windows, least_ratio=LEAST_RATIO),
        windows=windows,
        window_ns=halves[0].windows.length_ns,
    )


_ORDER = (Direction.WORSE, Direction.IMPROVED, Direction.NONE, Direction.UNKNOWN)


def _together(directions: Iterable[Direction]) -> Direction:
    """Worse if anything is, else improved if anything is."""
    found = set(directions)
    return next((one for one in (Direction.WORSE, Direction.IMPROVED) if one in found), Direction.NONE)


def _meaning(one: FindingChange) -> Direction:
    """What a finding that came or went says of the change, if `diag explain` exits 1 for it."""
    finding = one.after or one.before
    if finding is None or finding.severity < Severity.ERROR:
        return Direction.NONE
    return {Fate.NEW: Direction.WORSE, Fate.GONE: Direction.IMPROVED}.get(one.fate, Direction.NONE)


# The two runs -------------------------------------------------------------------------------------------


def _halves(before: Judged, after: Judged) -> tuple[_Half, _Half]:
    """Both in windows of one length: of the longer reach, as the shorter run can have them."""
    cases = [examine(one.recording, one.recording.runs[0]) for one in (before, after)]
    times = [case.timeline.window[1] - case.timeline.window[0] for case in cases]
    length = window_length(min(times), max(map(_reach, cases)))
    halves = []
    for number, (judged, case) in enumerate(zip((before, after), cases, strict=True)):
        windows = Windows.of(case.timeline.window, length)
        enough = windows.count >= FEWEST_WINDOWS
        draws = Draws(windows, judged.recording.meta.seed + number) if enough else None
        halves.append(_Half(judged=judged, case=case, windows=windows, draws=draws))
    return halves[0], halves[1]


def _reach(case: Case) -> int:
    """How far one thing reaches in time: the longest block, and nearly the longest request."""
    found = case.found
    blocks = (*found.blocks, *found.convoys, *found.holds)
    longest = max((block.end_ns - block.start_ns for block in blocks if not block.starting), default=0)
    latencies = [exchange.latency_ns for exchange in case.timeline.exchanges if exchange.answered]
    return max(longest, percentile_ns(latencies, 0.99))


def _common_routes(halves: Sequence[_Half]) -> list[str]:
    """Routes that were driven in both, in the order of the first; innocent probes of a workload included."""
    both = [dict.fromkeys(e.request.route for e in half.case.timeline.exchanges) for half in halves]
    return [route for route in both[0] if route in both[1]]


def _driven(half: _Half) -> frozenset[str]:
    return frozenset(e.request.route for e in half.case.timeline.exchanges if e.answered)


def _side(one: Judged) -> Side:
    summary, machine = one.verdict.summary, one.recording.meta.machine
    return Side(
        recording=one.verdict.recording,
        target=summary.target,
        created_utc=one.recording.meta.created_utc,
        status=one.verdict.status.value,
        requests=summary.requests,
        duration_ns=summary.duration_ns,
        load=summary.load,
        server=summary.server,
        python=f"{machine.implementation} {machine.python}",
        cores=machine.cores,
    )


# Their figures ------------------------------------------------------------------------------------------


def _route(halves: tuple[_Half, _Half], route: str, claim: _Claim) -> RouteChange:
    some = [half.exchanges(route) for half in halves]
    answered = [[e for e in one if e.answered] for one in some]
    p50, p99 = (_latency(halves, answered, share, claim) for share in (0.5, 0.99))
    return RouteChange(
        route=route,
        direction=_of_figures((p50, p99)),
        requests_before=len(answered[0]),
        requests_after=len(answered[1]),
        failed_before=len(some[0]) - len(answered[0]),
        failed_after=len(some[1]) - len(answered[1]),
        p50=p50,
        p99=p99,
    )


def _of_figures(shifts: Sequence[Shift]) -> Direction:
    if all(one.direction is Direction.UNKNOWN for one in shifts):
        return Direction.UNKNOWN
    return _together(one.direction for one in shifts)


def _latency(
    halves: tuple[_Half, _Half], answered: Sequence[Sequence[Exchange]], share: float, claim: _Claim
) -> Shift:
    """A percentile of a route's latency, after over before."""
    values = [[e.latency_ns for e in one] for one in answered]
    before, after = (percentile_ns(one, share) for one in values)
    effect = after / before if before else 0.0
    reason = _why_not(halves, min(map(len, values)), share)
    if reason or not before:
        return _untold(before, after, effect, reason or "nothing was answered")
    drawn = []
    for half, one, latencies in zip(halves, answered, values, strict=True):
        assert half.draws is not None
        drawn.append(half.draws.percentiles([e.request.intended_ns for e in one], latencies, share))
    low, high = interval(drawn[1] / drawn[0], claim.error_rate)
    low, high = min(low, effect), max(high, effect)
    apart = abs(after - before) >= LEAST_NS
    direction = Direction.NONE
    if apart and low > 1 and effect >= claim.worse:
        direction = Direction.WORSE
    elif apart and high < 1 and effect <= 1 / claim.better:
        direction = Direction.IMPROVED
    return Shift(before=before, after=after, effect=effect, low=low, high=high, direction=direction)


def _why_not(halves: tuple[_Half, _Half], requests: int, share: float) -> str:
    """Why a percentile cannot be compared, "" if it can."""
    if any(half.draws is None for half in halves):
        return "a run was too short"
    if requests < LEAST_REQUESTS[share]:
        return f"fewer than {LEAST_REQUESTS[share]} answers"
    if any(half.case.run.load is not None and half.case.run.load.generator_bound for half in halves):
        return "the load generator was the limit"
    return ""


def _blocked(halves: tuple[_Half, _Half], claim: _Claim) -> Shift:
    """The share of the lanes' time in which they were blocked, after minus before."""
    totals = [_share(half.judged.verdict) for half in halves]
    effect = totals[1] - totals[0]
    drawn = []
    for half in halves:
        if half.draws is None:
            return _untold(totals[0], totals[1], effect, "a run was too short")
        drawn.append(half.draws.shares(_blocked_shares(half)))
    low, high = interval(drawn[1] - drawn[0], claim.error_rate)
    low, high = min(low, effect), max(high, effect)
    direction = Direction.NONE
    # A machine that leaves a loop more of the CPU makes latencies better, and its share of own time larger.
    if low > 0 and effect >= LEAST_SHARE and totals[1] >= claim.better * totals[0]:
        direction = Direction.WORSE
    elif high < 0 and -effect >= LEAST_SHARE and totals[0] >= claim.worse * totals[1]:
        direction = Direction.IMPROVED
    return Shift(before=totals[0], after=totals[1], effect=effect, low=low, high=high, direction=direction)


def _share(verdict: Verdict) -> float:
    return min(1.0, verdict.blocked_ns / verdict.window_ns) if verdict.window_ns else 0.0


def _blocked_shares(half: _Half) -> list[float]:
    windows = half.windows
    starts = [windows.start_ns + number * windows.length_ns for number in range(windows.count)]
    time = windows.length_ns * max(1, waited_for(half.case))
    held = blocked_within(half.case, [(start, start + windows.length_ns) for start in starts])
    return [one / time for one in held]


def _untold(before: float, after: float, effect: float, reason: str) -> Shift:
    return Shift(
        before=before,
        after=after,
        effect=effect,
        low=0.0,
        high=0.0,
        direction=Direction.UNKNOWN,
        reason=reason,
    )
