"""What judges: one file a diagnosis, and the verdict that sums them up.

A rule is a module with a `SLUG`, a docstring that is its documentation page, and `find(case)`. To add one,
add its file, its test of the same name, and its place in `RULES`.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from diag.analysis.canaries import CanaryCheck, check
from diag.analysis.case import Case, examine
from diag.analysis.cells import blocked_time, cell_result
from diag.analysis.conservation import conserve
from diag.analysis.expectation import compare
from diag.analysis.handlers import handlers
from diag.analysis.quality import quality
from diag.analysis.source import Code
from diag.finding import DataQuality, Finding, HandlerResult, LaneTime, Severity, Status, Summary, Verdict
from diag.recording import LaneKind, Recording, RunStatus
from diag.rules import (
    blocked_loop,
    convoy,
    errors,
    first_call,
    garbage_collection,
    gil_contention,
    held_worker,
    server_incident,
    starved,
)

RULES: tuple[ModuleType, ...] = (
    blocked_loop,
    held_worker,
    convoy,
    gil_contention,
    first_call,
    garbage_collection,
    starved,
    errors,
    server_incident,
)


def judge(recording: Recording) -> Verdict:
    """Say where a recording's loops were blocked, how long, why, and who paid.

    The verdict is about the first run; the others give the figures beside it.

    Args:
        recording: what was seen, complete or not.
    """
    if not recording.runs:
        return _without_runs(recording)
    code = Code.of(recording)
    cases = [examine(recording, run, code) for run in recording.runs if not run.attempts]
    case = cases[0]
    canary = check(case.timeline)
    findings = find_all(case)
    results = handlers(case, findings)
    blocked_ns, window_ns = blocked_time(case)
    status, reason = _status(case, canary, findings, results)
    if status is Status.UNMEASURED and (not canary.passed or case.run.status is RunStatus.FAILED):
        results = tuple(_not_clean(one, reason) for one in results)
    return Verdict(
        status=status,
        reason=reason,
        summary=_summary(recording, case),
        quality=quality(case, canary),
        findings=findings,
        handlers=results,
        cells=tuple(cell_result(one, primary=one is case) for one in cases),
        conservation=conserve(case.timeline, case.found, case.delays),
        threshold_ns=recording.meta.threshold_ns,
        expectation=compare(recording.meta.expectation, findings),
        blocked_ns=blocked_ns,
        window_ns=window_ns,
        lanes=_lanes(case),
    )


def _lanes(case: Case) -> tuple[LaneTime, ...]:
    start, end = case.timeline.window
    return tuple(
        LaneTime(
            lane_id=lane.lane_id,
            pid=lane.pid,
            loop=lane.kind is not LaneKind.WORKER_THREAD,
            start_ns=start,
            end_ns=end,
        )
        for lane in case.run.lanes
    )


def find_all(case: Case) -> tuple[Finding, ...]:
    """The findings of every rule, most severe and most costly first."""
    found = [finding for rule in RULES for finding in rule.find(case)]
    return tuple(sorted(found, key=lambda one: (-one.severity, -one.total_ns, one.rule, one.title)))


def _status(
    case: Case, canary: CanaryCheck, findings: tuple[Finding, ...], results: tuple[HandlerResult, ...]
) -> tuple[Status, str]:
    run = case.run
    blocked = any(finding.severity is Severity.ERROR for finding in findings)
    if run.status is RunStatus.FAILED and not (case.script and blocked):
        return Status.UNMEASURED, run.failure or "the run failed"
    if not canary.passed:
        hint = "; diag watches asyncio, uvloop and gevent" if case.script and not run.lanes else ""
        return Status.UNMEASURED, canary.reason + hint
    if blocked:
        return Status.BLOCKED, ""
    missing = next((one for one in results if one.status is Status.UNMEASURED), None)
    if run.cell.workload and missing:
        return Status.UNMEASURED, f"{missing.route}: {missing.reason}"
    if case.script and missing:
        return Status.UNMEASURED, missing.reason
    if results and all(one.status is Status.UNMEASURED for one in results):
        return Status.UNMEASURED, f"no route could be measured: {results[0].route}: {results[0].reason}"
    if not results:
        return (
            Status.UNMEASURED,
            "no route of the app is known; name one with --request",
        )
    return Status.CLEAN, ""


def _not_clean(result: HandlerResult, reason: str) -> HandlerResult:
    """No handler is called clean where nothing could be told."""
    if result.status is not Status.CLEAN:
        return result
    return replace(result, status=Status.UNMEASURED, reason=reason)


def _summary(recording: Recording, case: Case) -> Summary:
    run = case.run
    start, end = case.timeline.window
    cell, machine = run.cell, recording.meta.machine
    loop = f" ({cell.loop})" if cell.loop else ""
    workers = f", {cell.workers} worker{'' if cell.workers == 1 else 's'}" if cell.server else ""
    threads = f", {cell.threads} thread{'' if cell.threads == 1 else 's'} each" if cell.threads else ""
    return Summary(
        target=recording.meta.target,
        duration_ns=end - start,
        requests=sum(exchange.answered for exchange in case.timeline.exchanges),
        load=cell.load,
        server=f"{cell.server}{loop}{workers}{threads}" if cell.server else cell.loop,
        python=f"{machine.implementation} {machine.python}",
        cores=machine.cores,
    )


def _without_runs(recording: Recording) -> Verdict:
    machine = recording.meta.machine
    reason = "the recording holds no run"
    return Verdict(
        status=Status.UNMEASURED,
        reason=reason,
        summary=Summary(
            target=recording.meta.target,
            duration_ns=0,
            requests=0,
            load="",
            server="",
            python=f"{machine.implementation} {machine.python}",
            cores=machine.cores,
        ),
        quality=DataQuality(
            steps=0,
            dropped=0,
            blocks=0,
            blocks_with_stack=0,
            run_queue_share=None,
            canary_expected_ns=0,
            canary_found_ns=None,
            canary_ok=False,
        ),
        findings=(),
        handlers=(),
        cells=(),
        conservation=(),
        threshold_ns=recording.meta.threshold_ns,
    )
