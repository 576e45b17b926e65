"""What is in order, what does not apply, and what was not measured: each with the worst value, or why."""

from __future__ import annotations

from diag import units
from diag.analysis.case import Case
from diag.finding import HandlerResult, Status, Verdict
from diag.recording import LaneKind
from diag.reports import sentences
from diag.reports.html.model import Checked
from diag.reports.text import UNICODE

_PASSED, _DOES_NOT, _UNKNOWN = (UNICODE.check, "passed"), ("–", "not applicable"), ("?", "not measured")


def checks(verdict: Verdict, case: Case | None) -> tuple[Checked, ...]:
    """Handlers and diagnoses that found nothing; `case` is None for a recording without a run."""
    found = [_handler(one) for one in verdict.handlers if one.status is not Status.BLOCKED]
    return (*found, *(_rules(verdict, case) if case is not None else ()))


def _checked(kind: tuple[str, str], name: str, text: str) -> Checked:
    return Checked(symbol=kind[0], word=kind[1], name=name, text=text)


def _handler(one: HandlerResult) -> Checked:
    if one.status is Status.UNMEASURED:
        return _checked(_UNKNOWN, one.route, one.reason)
    bound = "under " if one.worst_bound else ""
    requests = f", {units.plural(one.requests, 'request')}" if one.requests else ""
    return _checked(_PASSED, one.route, f"longest step {bound}{units.duration(one.worst_ns)}{requests}")


def _rules(verdict: Verdict, case: Case) -> list[Checked]:
    known = {finding.rule for finding in verdict.findings}
    told = verdict.status is not Status.UNMEASURED
    kinds = {lane.kind for lane in case.run.lanes}
    loops = bool(kinds - {LaneKind.WORKER_THREAD})
    workers = LaneKind.WORKER_THREAD in kinds
    least = units.duration(verdict.threshold_ns)
    held = [one for one in case.timeline.held if not one.canary and not one.starting]
    worst = max((one.own_ns for one in held if one.lane.kind is not LaneKind.WORKER_THREAD), default=0)
    hold = max((one.own_ns for one in held if one.lane.kind is LaneKind.WORKER_THREAD), default=0)
    pause = max((one.end_ns - one.start_ns for one in case.run.pauses), default=0)
    waited = max((one.run_queue_ns for one in held), default=0)
    longest = {
        "blocked-loop": (
            loops,
            "the target has no event loop",
            f"longest step {_at_least(worst)} of {least}",
        ),
        "convoy": (loops, "the target has no event loop", "no row of short steps in one pass of the loop"),
        "held-worker": (workers, "the target has no sync workers", f"longest request {_at_least(hold)}"),
        "gil-contention": (loops, "the target has no event loop", "no step waited long for the GIL"),
        "first-call": (
            bool(case.run.requests),
            "there were no requests",
            "first requests were as the others",
        ),
        "garbage-collection": (
            True,
            "",
            f"longest pause {units.duration(pause) if pause else 'under 0.8 ms'}",
        ),
        "starved": (True, "", f"longest run-queue wait of a step {units.duration(waited)}"),
        "errors": (bool(case.run.requests), "there were no requests", "no request failed"),
        "server-incident": (bool(case.run.cell.server), "there is no server", "it came up, served and ended"),
    }
    found = []
    for rule, (applies, why, value) in longest.items():
        if rule in known:
            continue
        kind = _DOES_NOT if not applies else _PASSED if told else _UNKNOWN
        unsure = f"nothing was found, which means nothing here: {verdict.reason}"
        found.append(_checked(kind, rule, why if not applies else value if told else unsure))
    return found


def _at_least(ns: int) -> str:
    return units.duration(ns) if ns else "under 1 ms"


def blind(verdict: Verdict, case: Case | None) -> tuple[str, ...]:
    """What this run cannot see, sentences."""
    least = units.duration(verdict.threshold_ns)
    said = [
        f"Steps under {least} are no blocks; steps under 1 ms are counted, and not recorded one by one.",
        "Code that no request of this load reached was not looked at.",
    ]
    quality = verdict.quality
    if quality.blocks_with_stack < quality.blocks:
        missing = quality.blocks - quality.blocks_with_stack
        said.append(
            f"{units.plural(missing, 'block')} ended before a stack could be taken: their line is concluded."
        )
    if quality.run_queue_share is None:
        said.append("Run-queue wait could not be read: the machine’s part in a block’s length is not known.")
    if case is not None and not case.run.requests and not case.script:
        said.append("No request was sent, so that nobody could wait.")
    if sentences.held_name(verdict) == "a worker":
        said.append("Waiting in the kernel’s accept queue shows only as time before the application.")
    return tuple(said)
