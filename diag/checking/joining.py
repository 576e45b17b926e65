"""Static and measured evidence, joined: the same line of the same handler is one issue. Pure functions."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence

from diag.checking.result import CheckedHandler, Issue
from diag.finding import Confidence, Finding, HandlerResult, Severity, Verdict
from diag.static.finding import Analysis, Handler, StaticFinding, fingerprint
from diag.units import duration, plural

MEASURED_RULES = frozenset({"blocked-loop", "convoy", "held-worker", "gil-contention"})
"""Of the measured findings those that say that code holds a loop, or a worker, at a line."""


def join(analysis: Analysis, verdicts: Iterable[Verdict], root: str) -> tuple[Issue, ...]:
    """All issues, most severe first, then by place.

    Args:
        analysis: what source says.
        verdicts: what runs say.
        root: folder that paths are relative to.
    """
    measured = [one for verdict in verdicts for one in verdict.findings if one.rule in MEASURED_RULES]
    routes = {one.handler.route for one in analysis.findings if one.severity > Severity.INFO}
    issues = []
    taken: set[int] = set()
    for static in analysis.findings:
        found = [one for one in measured if _is_same(static, one)]
        found = found or [one for one in measured if _is_likely(static, one) and id(one) not in taken]
        taken.update(map(id, found))
        issues.append(_from_source(static, max(found, key=lambda one: one.total_ns, default=None)))
    taken.update(id(one) for one in measured if not _has_line(one) and one.title in routes)
    ordinals: Counter[tuple[str, ...]] = Counter()
    issues += [_from_run(one, root, ordinals) for one in measured if id(one) not in taken]
    return tuple(
        sorted(issues, key=lambda one: (-one.severity, not one.fails, not one.path, one.path, one.line))
    )


def _is_same(static: StaticFinding, measured: Finding) -> bool:
    """True if what was seen is one of the calls that source shows on the way to what blocks."""
    places = [measured.location, *(place for place, _ in measured.also)]
    return any(
        place is not None
        and place.absolute == hop.absolute
        and hop.line <= place.line <= max(hop.end_line, hop.line)
        for hop in static.hops[static.culprit :]
        for place in places
    )


def _is_likely(static: StaticFinding, measured: Finding) -> bool:
    """True if a route was seen to block, its own line was not seen, and source shows what it can be."""
    return (
        not _has_line(measured) and measured.title == static.handler.route and static.severity > Severity.INFO
    )


def _has_line(measured: Finding) -> bool:
    """True if the line of the project that held the loop was seen."""
    place = measured.location
    return place is not None and "site-packages" not in place.absolute.split(os.sep)


def _from_source(static: StaticFinding, measured: Finding | None) -> Issue:
    place = static.location
    seen = measured is not None and measured.severity is Severity.ERROR
    verb = "blocks the event loop" if place.call == static.call else f"blocks the event loop in {static.call}"
    return Issue(
        rule=static.rule.value,
        fingerprint=static.fingerprint,
        severity=Severity.ERROR if seen else static.severity,
        confidence=Confidence.HIGH if seen else static.confidence,
        handler=static.handler.title,
        path=place.path,
        absolute=place.absolute,
        line=place.line,
        column=place.column,
        end_line=place.end_line,
        end_column=place.end_column,
        function=place.function,
        text=place.text,
        message=f"{place.call} {verb}, reached from {static.handler.title}",
        why=static.why,
        advice=static.advice or (measured.advice if measured else ""),
        static=static,
        measured=measured,
    )


def _from_run(measured: Finding, root: str, ordinals: Counter[tuple[str, ...]]) -> Issue:
    place = measured.location
    path = _relative(place.absolute, root) if place else ""
    key = (measured.rule, path, place.function if place else measured.title, place.text if place else "")
    ordinals[key] += 1
    return Issue(
        rule=measured.rule,
        fingerprint=fingerprint(
            rule=key[0], path=key[1], function=key[2], call="", text=key[3], ordinal=ordinals[key] - 1
        ),
        severity=measured.severity,
        confidence=measured.confidence,
        handler=measured.title,
        path=path,
        absolute=place.absolute if place else "",
        line=place.line if place else 0,
        function=place.function if place else "",
        text=place.text if place else "",
        message=f"{measured.title} {what_was_seen(measured)}",
        why=measured.why,
        advice=measured.advice,
        measured=measured,
        fails=measured.severity is Severity.ERROR,
    )


def what_was_seen(measured: Finding) -> str:
    """How often, how long, and who paid, as the end of a sentence."""
    held = f"held the event loop {plural(len(measured.blocks), 'time')}, {duration(measured.max_ns)} at most"
    victims = sum(group.count for group in measured.victims)
    if not victims:
        return held
    cost = duration(sum(group.total_ns for group in measured.victims))
    return f"{held}; {plural(victims, 'other request')} waited {cost} in all"


def _relative(path: str, root: str) -> str:
    return (
        os.path.relpath(path, root).replace(os.sep, "/")
        if path.startswith(root.rstrip(os.sep) + os.sep)
        else path
    )


def checked_handlers(
    analysis: Analysis, verdicts: Sequence[Verdict], issues: Sequence[Issue]
) -> tuple[CheckedHandler, ...]:
    """Every function on the loop with what the run says of its route, and routes that source does not see."""
    driven = {result.route: result for verdict in verdicts for result in verdict.handlers}
    found = [
        _handler(one, driven.pop(one.route, None) if one.route else None, issues) for one in analysis.handlers
    ]
    found += [
        CheckedHandler(title=route, issues=_of(issues, route), measured=result)
        for route, result in driven.items()
    ]
    return tuple(found)


def _handler(handler: Handler, measured: HandlerResult | None, issues: Sequence[Issue]) -> CheckedHandler:
    mine = (
        one.fingerprint
        for one in issues
        if (one.static is not None and one.static.handler == handler)
        or (one.static is None and handler.route and one.handler == handler.route)
    )
    return CheckedHandler(
        title=handler.title,
        kind=handler.kind.value,
        path=handler.path,
        line=handler.line,
        issues=tuple(mine),
        measured=measured,
    )


def _of(issues: Sequence[Issue], route: str) -> tuple[str, ...]:
    return tuple(one.fingerprint for one in issues if one.handler == route)
