"""Event loops that requests run inside sync workers: the worker is what others wait for."""

from __future__ import annotations

from dataclasses import replace

from recordings import AT_SLEEP, FASTAPI, MS, SERVER_FRAMES, SLEEP, Scene

from diag.analysis.case import examine
from diag.analysis.cells import blocked_time
from diag.finding import Status
from diag.recording import LaneKind
from diag.rules import judge

INNER = 9
AWAITING = (FASTAPI, *SERVER_FRAMES)


def scene(*, kind: LaneKind = LaneKind.ASYNCIO, pid: int = 100, capacity: int = 1) -> Scene:
    """One process with one sync worker, and a loop that requests run."""
    found = Scene(lane_kind=LaneKind.WORKER_THREAD, capacity=capacity)
    found.lane(INNER, pid=pid)
    found.lanes[-1] = replace(found.lanes[-1], kind=kind)
    return found


def request(made: Scene, start: float, end: float, *, blocked: float, port: int = 40_000) -> None:
    """A request that holds its worker, and its own loop for a part of that."""
    frames = AT_SLEEP if blocked else AWAITING
    made.request("GET /report", port, start - 1, end + 1, app=(start, end))
    made.step(start, end, port=port, label="request", frames=frames)
    if blocked:
        made.step(start + 1, start + 1 + blocked, port=port, lane=INNER, frames=AT_SLEEP)


def waits(made: Scene, sent: float, done: float) -> None:
    made.request("GET /health", 50_000, sent, done, app=(done - 1, done - 0.5))


def test_a_loop_that_is_blocked_in_a_request_is_one_finding_and_the_workers_queue_its_victims() -> None:
    made = scene()
    request(made, 3_000, 3_100, blocked=98)
    waits(made, 3_021, 3_102)
    (found,) = judge(made.recording()).findings
    assert found.rule == "blocked-loop"
    assert found.location is not None
    assert found.location.line == SLEEP
    assert [(v.label, v.total_ns) for v in found.victims] == [("GET /health", 78 * MS)]


def test_a_worker_that_is_held_while_its_loop_awaits_is_found() -> None:
    made = scene()
    request(made, 3_000, 3_100, blocked=0)
    waits(made, 3_020, 3_102)
    verdict = judge(made.recording())
    (found,) = verdict.findings
    assert found.rule == "held-worker"
    assert [(v.label, v.total_ns) for v in found.victims] == [("GET /health", 80 * MS)]
    assert verdict.status is Status.BLOCKED


def test_a_block_that_is_a_small_part_of_a_request_does_not_explain_that_its_worker_is_held() -> None:
    made = scene()
    request(made, 3_000, 3_100, blocked=20)
    waits(made, 3_020, 3_102)
    assert {found.rule for found in judge(made.recording()).findings} == {"blocked-loop", "held-worker"}


def test_where_another_worker_is_free_nobody_waits_for_the_loop_of_one() -> None:
    made = scene(capacity=2)
    made.lane(2, pid=100)
    request(made, 3_000, 3_100, blocked=98)
    waits(made, 3_021, 3_102)
    (found,) = judge(made.recording()).findings
    assert (found.rule, found.victims) == ("blocked-loop", ())


def test_the_time_of_a_worker_is_counted_once() -> None:
    made = scene()
    request(made, 3_000, 3_100, blocked=98)
    recording = made.recording()
    case = examine(recording, recording.runs[0])
    start, end = case.timeline.window
    assert blocked_time(case) == (98 * MS, end - start)


def test_loops_of_other_processes_and_gevents_hub_are_waited_for_themselves() -> None:
    for made in (scene(pid=200), scene(kind=LaneKind.GEVENT)):
        recording = made.recording()
        case = examine(recording, recording.runs[0])
        assert case.timeline.queues == {1: -100, INNER: INNER}
        start, end = case.timeline.window
        assert blocked_time(case) == (0, 2 * (end - start))
