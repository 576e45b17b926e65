"""The verdict on each route: what it was asked, how long it held a lane at worst, or why nobody knows."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from diag.analysis.case import Case
from diag.analysis.statistics import percentile_ns
from diag.analysis.timeline import Exchange
from diag.finding import Finding, HandlerResult, Severity, Status
from diag.units import plural

STEP_FLOOR_NS = 1_000_000
"""Shorter steps are not recorded one by one: a route without a recorded step never held a lane for this."""

_NO_PORT = "no-port"
"""The degradation of a server that keeps the client's port from the app."""

_SERVES = "script-serves"
"""The degradation of a script that listens on a port."""

IDLE_STEPS = 50
"""A script that serves and was left alone took 14 steps in all (asyncio's streams, from start to end); one
request takes about 8. A server with a timer of its own, as uvicorn's, takes more, and passes for asked."""

_HTTP_ERROR = 400
_HTTP_SERVER_ERROR = 500


def handlers(case: Case, findings: Sequence[Finding]) -> tuple[HandlerResult, ...]:
    """One result a route; for a script one for all its coroutines."""
    if case.script:
        return (_script(case, findings),)
    by_route: dict[str, list[Exchange]] = {route: [] for route in case.run.routes}
    for exchange in case.timeline.exchanges:
        by_route.setdefault(exchange.request.route, []).append(exchange)
    reasons = {one.route: one.reason for one in case.run.unmeasured}
    blocked = blocked_routes(findings)
    worst = _worst_steps(case)
    results = [
        _handler(case, route, some, blocked=route in blocked, worst_ns=worst.get(route, 0))
        for route, some in by_route.items()
        if some or route not in reasons
    ]
    results += [
        HandlerResult(route=route, status=Status.UNMEASURED, reason=reason)
        for route, reason in reasons.items()
        if not by_route.get(route)
    ]
    return tuple(results)


def blocked_routes(findings: Iterable[Finding]) -> set[str]:
    """Routes with a block in a finding that counts as an error."""
    errors = (found for found in findings if found.severity is Severity.ERROR)
    return {block.route for found in errors for block in found.blocks if block.route}


def _worst_steps(case: Case) -> dict[str, int]:
    worst: dict[str, int] = defaultdict(int)
    for held in case.timeline.held:
        if held.route and not held.canary and not held.starting:
            worst[held.route] = max(worst[held.route], held.own_ns)
    return worst


def _handler(
    case: Case, route: str, exchanges: Sequence[Exchange], *, blocked: bool, worst_ns: int
) -> HandlerResult:
    answered = [exchange for exchange in exchanges if exchange.answered]
    reason = "" if blocked else _why_unmeasured(case, route, exchanges)
    latencies = [exchange.latency_ns for exchange in answered]
    return HandlerResult(
        route=route,
        status=Status.BLOCKED if blocked else Status.UNMEASURED if reason else Status.CLEAN,
        requests=len(answered),
        failed=len(exchanges) - len(answered),
        worst_ns=max(worst_ns, STEP_FLOOR_NS),
        worst_bound=worst_ns < STEP_FLOOR_NS,
        p50_ns=percentile_ns(latencies, 0.5),
        p99_ns=percentile_ns(latencies, 0.99),
        reason=reason,
    )


def _why_unmeasured(case: Case, route: str, exchanges: Sequence[Exchange]) -> str:
    if not exchanges:
        return "no request was sent to it"
    if any(one.slug == _NO_PORT for one in case.run.degradations):
        return "the server does not tell which request a thread worked for"
    statuses = Counter(exchange.request.status for exchange in exchanges)
    if all(status <= 0 for status in statuses):
        return f"none of {plural(len(exchanges), 'request')} was answered"
    common = max((s for s in statuses if s > 0), key=lambda s: (statuses[s], s))
    if all(status <= 0 or status >= _HTTP_SERVER_ERROR for status in statuses):
        return f"it failed: {plural(len(exchanges), 'request')}, mostly answered {common}"
    usable = any(0 < status < _HTTP_ERROR for status in statuses)
    if not usable and not _given_by_user(case, route):
        return f"it answered {common}, so that its own code may not have run; give a request with --request"
    return ""


def _given_by_user(case: Case, route: str) -> bool:
    """True if the command line names a request for a route: then its answer is what the user wants."""
    method, _, path = route.partition(" ")
    argv = case.meta.argv
    return any(
        before == "--request" and value.upper().startswith(method) and path.partition("{")[0] in value
        for before, value in itertools.pairwise(argv)
    )


def _why_idle(case: Case) -> str:
    """Why a script that serves says nothing of its handlers, "" if it does not serve or was asked."""
    serves = any(one.slug == _SERVES for one in case.run.degradations)
    if not serves or sum(totals.steps for totals in case.run.totals) > IDLE_STEPS:
        return ""
    return (
        "it waits for connections and none came, so that none of its handlers ran; send it requests while "
        "diag runs it, or give diag the app that it serves"
    )


def _script(case: Case, findings: Sequence[Finding]) -> HandlerResult:
    blocked = any(found.severity is Severity.ERROR for found in findings)
    worst = max((held.own_ns for held in case.timeline.held if not held.canary), default=0)
    reason = "" if blocked else _why_idle(case)
    return HandlerResult(
        route=case.meta.target,
        status=Status.BLOCKED if blocked else Status.UNMEASURED if reason else Status.CLEAN,
        reason=reason,
        worst_ns=max(worst, STEP_FLOOR_NS),
        worst_bound=worst < STEP_FLOOR_NS,
    )
