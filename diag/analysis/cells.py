"""One cell's figures for the side-by-side table: throughput, latency, blocked time, CPU per request."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from diag.analysis.case import Case
from diag.analysis.intervals import Interval, clip
from diag.analysis.statistics import percentile_ns
from diag.analysis.timeline import Held
from diag.finding import CellResult
from diag.recording import LaneKind, ProcessSample, RunStatus

PROBE_STREAM = "ping"
"""The stream of innocent requests beside a workload's own."""


def blocked_time(case: Case) -> tuple[int, int]:
    """Blocked nanoseconds of a run's lanes during the load, and the lanes' time.

    A loop is blocked by blocks and convoys, without run-queue wait; sync workers while long requests hold
    all that serve together. Of a block that reaches beyond the load only what lies in it counts.
    """
    start, end = case.timeline.window
    (held,) = blocked_within(case, [(start, end)])
    return held, (end - start) * waited_for(case)


def waited_for(case: Case) -> int:
    """How many loops, and processes of sync workers, requests can wait for."""
    lanes = case.run.lanes
    loops = sum(
        lane.kind is not LaneKind.WORKER_THREAD and not case.timeline.is_inner(lane) for lane in lanes
    )
    return loops + len({lane.pid for lane in lanes if lane.kind is LaneKind.WORKER_THREAD})


def blocked_within(case: Case, stretches: Sequence[Interval]) -> list[int]:
    """Blocked nanoseconds of a run's lanes in some stretches of time."""
    blocks = (*case.found.blocks, *case.found.convoys)
    inner = [block for block in blocks if case.timeline.is_inner(block.lane)]
    own = [one for block in blocks if not block.starting and block not in inner for one in block.held]
    holds = [(block, block.segments) for block in (*case.found.holds, *inner)]
    occupied = case.delays.occupied(holds)
    return [
        sum(_own_within(one, stretch) for one in own)
        + sum(one.overlap(*stretch) for one in occupied.values())
        for stretch in stretches
    ]


def _own_within(one: Held, stretch: Interval) -> int:
    """A step's own time in a stretch; its run-queue wait is taken to be spread over it evenly."""
    start, end = clip((one.step.start_ns, one.step.end_ns), stretch)
    return one.own_ns * (end - start) // one.wall_ns


def cell_result(case: Case, *, primary: bool) -> CellResult:
    """The figures of one run."""
    run = case.run
    label = run.cell.strategy or run.cell.label
    if run.status is RunStatus.FAILED:
        return CellResult(
            label=label, note=run.cell.label, failure=run.failure or "it failed", primary=primary
        )
    own = [e for e in case.timeline.exchanges if e.request.stream != PROBE_STREAM]
    probes = [
        e.latency_ns for e in case.timeline.exchanges if e.request.stream == PROBE_STREAM and e.answered
    ]
    latencies = [exchange.latency_ns for exchange in own if exchange.answered]
    answered = sum(exchange.answered for exchange in case.timeline.exchanges)
    start, end = case.timeline.window
    blocked, time = blocked_time(case)
    cpu = cpu_between(run.samples, start, end)
    return CellResult(
        label=label,
        note="" if label == run.cell.label else run.cell.label,
        requests=len(latencies),
        failed=len(own) - len(latencies),
        throughput=len(latencies) * 1e9 / (end - start) if end > start else 0.0,
        p50_ns=percentile_ns(latencies, 0.5),
        p99_ns=percentile_ns(latencies, 0.99),
        victim_p99_ns=percentile_ns(probes, 0.99),
        blocked_share=min(1.0, blocked / time) if time else 0.0,
        cpu_ns_per_request=cpu // answered if answered else 0,
        generator_bound=run.load.generator_bound if run.load else False,
        primary=primary,
    )


def cpu_between(samples: Sequence[ProcessSample], start: int, end: int) -> int:
    """CPU time of the process tree between two moments, between samples by linear interpolation."""
    ordered = sorted(samples, key=lambda sample: sample.at_ns)
    return max(0, _cpu_at(ordered, end) - _cpu_at(ordered, start)) if ordered else 0


def _cpu_at(samples: Sequence[ProcessSample], at: int) -> int:
    for before, after in itertools.pairwise(samples):
        if before.at_ns <= at <= after.at_ns:
            part = (at - before.at_ns) / max(1, after.at_ns - before.at_ns)
            return before.cpu_ns + round(part * (after.cpu_ns - before.cpu_ns))
    return samples[0].cpu_ns if at < samples[0].at_ns else samples[-1].cpu_ns
