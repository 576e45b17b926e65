"""What a verdict says, in words, for every output that is read by people. Nothing here knows of lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from diag import units
from diag.finding import (
    CellResult,
    Conservation,
    DataQuality,
    Finding,
    HandlerResult,
    Location,
    Status,
    Summary,
    Verdict,
    VictimGroup,
)
from diag.reports.text import Glyphs

_NAMES = {
    "blocked-loop": "BLOCKED",
    "convoy": "CONVOY",
    "held-worker": "HELD WORKER",
    "gil-contention": "GIL CONTENTION",
    "first-call": "FIRST CALL",
    "starved": "STARVED",
    "errors": "ERRORS",
    "server-incident": "SERVER",
}
# Of these the cost is always said, even where there is none.
_COSTLY = ("blocked-loop", "convoy", "held-worker")
_WORST_ROUTES = 3
_INSTALLED = re.compile(r"^.*/(?:site|dist)-packages/")
# Causes below this share of the blocked time are noise of the sampling.
_LEAST_SHARE = 0.01


def name(finding: Finding) -> str:
    """The finding's kind in capitals."""
    return _NAMES.get(finding.rule, finding.rule.upper().replace("-", " "))


def facts(summary: Summary) -> list[str]:
    """What was run, for how long, how."""
    said = [units.duration(summary.duration_ns)]
    if summary.requests:
        said.append(units.plural(summary.requests, "request"))
    said += [summary.load, summary.server]
    cores = f"{summary.python}, {units.plural(summary.cores, 'core')}"
    return [fact for fact in (*said, cores) if fact]


def data(quality: DataQuality, glyphs: Glyphs) -> list[str]:
    """How well it was measured."""
    lost = f"{units.plural(quality.dropped, 'long one')} lost" if quality.dropped else "all timed"
    said = [f"{units.plural(quality.steps, 'step')}, {lost}" if quality.steps else "no steps were seen"]
    if quality.blocks:
        share = units.whole_percent(quality.blocks_with_stack / quality.blocks)
        said.append(f"stacks for {share} of {units.plural(quality.blocks, 'block')}")
    if quality.run_queue_share is None:
        said.append("run-queue wait unknown")
    else:
        said.append(f"run-queue wait {units.percent(quality.run_queue_share)}")
    said.append(_canary(quality, glyphs))
    if quality.limits:
        said.append(units.limits(quality.limits))
    return said


def _canary(quality: DataQuality, glyphs: Glyphs) -> str:
    if not quality.canary_expected_ns:
        return f"no canary {glyphs.cross}"
    planted = f"canary {units.duration(quality.canary_expected_ns)} {glyphs.arrow}"
    if quality.canary_found_ns is None:
        return f"{planted} not found {glyphs.cross}"
    found = units.duration(quality.canary_found_ns, digits=3)
    return (
        f"{planted} found, {found} {glyphs.check}"
        if quality.canary_ok
        else f"{planted} wrong, {found} {glyphs.cross}"
    )


def blocks(finding: Finding, glyphs: Glyphs) -> list[str]:
    """How often, how long, why in parts."""
    said = []
    number = len(finding.blocks)
    steps = max((block.steps for block in finding.blocks), default=1)
    if number:
        said.append(units.plural(number, "convoy" if steps > 1 else "block"))
    if steps > 1:
        each = units.duration(round(finding.max_ns / steps))
        said.append(f"{'up to ' if number > 1 else ''}{steps} steps {glyphs.times} {each} in one iteration")
    if number > 1:
        said.append(f"p50 {units.duration(finding.p50_ns)}, max {units.duration(finding.max_ns)}")
    elif finding.max_ns:
        said.append(units.duration(finding.max_ns))
    split = causes(finding)
    if split:
        said.append(split)
    return said


def causes(finding: Finding) -> str:
    """The split by cause, largest first: ``98 % on-CPU holding the GIL, 2 % run-queue wait``."""
    total = sum(share.ns for share in finding.causes)
    shares = [(share.ns / total, share.cause.words) for share in finding.causes if total and share.ns > 0]
    return ", ".join(f"{units.whole_percent(part)} {words}" for part, words in shares if part >= _LEAST_SHARE)


def cost(finding: Finding, *, requests: bool) -> str:
    """Who paid, "" where that does not arise.

    Args:
        finding: what cost.
        requests: True if the victims are requests, False if they are tasks of a script.
    """
    noun = "request" if requests else "task"
    count = sum(group.count for group in finding.victims)
    if not count:
        return f"no other {noun} was seen waiting behind it" if finding.rule in _COSTLY else ""
    total = units.duration(sum(group.total_ns for group in finding.victims))
    # Since when somebody waited is not always known: the sum is the most that it can have been then.
    total = f"up to {total}" if finding.bounded else total
    worst = sorted(finding.victims, key=lambda group: -group.worst_ns)
    rest = len(worst) - _WORST_ROUTES
    named = ", ".join(_worst(group) for group in worst[:_WORST_ROUTES])
    more = f" and {units.plural(rest, 'other')}" if rest > 0 else ""
    unaccepted = (
        f"; {units.count(finding.not_accepted)} had not reached the app yet" if finding.not_accepted else ""
    )
    others = units.plural(count, f"other {noun}")
    return f"{others} waited {total} in all (worst: {named}{more}{unaccepted})"


def _worst(group: VictimGroup) -> str:
    return f"{group.label} +{units.duration(group.worst_ns)}"


def callers(places: Sequence[Location], glyphs: Glyphs) -> str:
    """How a culprit was reached, outermost first."""
    return f" {glyphs.arrow} ".join(f"{place.function} ({where(place)})" for place in places)


def where(place: Location) -> str:
    """File and line; of an installed package's file, the part that names the package."""
    return f"{shortened(place.path)}:{place.line}"


def shortened(path: str) -> str:
    """Of an installed package's file, the part that names the package."""
    return _INSTALLED.sub("", path)


def clean_handlers(verdict: Verdict) -> str:
    """One sentence on all handlers that are clean, with the worst value seen; "" if there are none."""
    clean = [handler for handler in verdict.handlers if handler.status is Status.CLEAN]
    if not clean:
        return ""
    worst = max(clean, key=lambda handler: (handler.worst_ns, not handler.worst_bound))
    many = f"{len(clean)} handlers" if len(clean) > 1 else clean[0].route
    if worst.worst_bound:
        return f"{many} never held {held_name(verdict)} for {units.duration(worst.worst_ns)} or longer"
    example = f" (worst: {worst.route})" if len(clean) > 1 else ""
    return f"{many} never held {held_name(verdict)} over {units.duration(worst.worst_ns)}{example}"


def held_name(verdict: Verdict) -> str:
    """What is held: servers without an event loop have workers."""
    server = verdict.summary.server
    loops = ("asyncio", "uvloop", "gevent")
    return "the loop" if not server or any(loop in server for loop in loops) else "a worker"


def held(verdict: Verdict) -> str:
    """The share of time in which the loop was held."""
    if not verdict.window_ns:
        return ""
    share = units.percent(verdict.blocked_ns / verdict.window_ns)
    spent, window = (units.duration(ns, digits=3) for ns in (verdict.blocked_ns, verdict.window_ns))
    return f"{held_name(verdict)} was blocked for {spent} of {window} ({share})"


def failed(handlers: Sequence[HandlerResult]) -> str:
    """Handlers whose requests failed: ``GET /x 12 of 40``."""
    return ", ".join(
        f"{handler.route} {units.count(handler.failed)} of {units.count(handler.requests + handler.failed)}"
        for handler in handlers
        if handler.failed
    )


PARTS = (
    ("before_app_ns", "before the app", "before"),
    ("queued_ns", "behind blocks of others", "queued"),
    ("own_ns", "own steps", "own"),
    ("awaiting_ns", "awaiting", "awaiting"),
    ("after_app_ns", "after the app", "after"),
    ("unattributed_ns", "unattributed", "rest"),
)


def conservation(rows: Sequence[Conservation]) -> list[str]:
    """Where the clients' time went, over all routes; the last part is the remainder."""
    client = sum(row.client_ns for row in rows)
    if not client:
        return []
    said = [f"clients waited {units.duration(client)} in all"]
    for attribute, words, _ in PARTS:
        part = sum(getattr(row, attribute) for row in rows)
        if part or attribute == "unattributed_ns":
            said.append(f"{units.whole_percent(part / client)} {words}")
    return said


def figures(cell: CellResult) -> list[str]:
    """One cell's figures."""
    said = [f"{units.rate(cell.throughput)} req/s", f"p50 {units.duration(cell.p50_ns)}"]
    said.append(f"p99 {units.duration(cell.p99_ns)}")
    if cell.victim_p99_ns:
        said.append(f"victims' p99 {units.duration(cell.victim_p99_ns)}")
    said.append(f"blocked {units.percent(cell.blocked_share)} of the time")
    if cell.cpu_ns_per_request:
        said.append(f"{units.cpu_time(cell.cpu_ns_per_request)} a request")
    if cell.failed:
        said.append(f"{units.count(cell.failed)} failed")
    if cell.generator_bound:
        said.append("the load generator was the limit")
    return said
