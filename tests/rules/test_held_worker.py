"""What `held-worker` finds: synchronous workers that one request held while others queued."""

from __future__ import annotations

from recordings import AT_DUMPS, AT_SLEEP, MS, SERVER_FRAMES, SLEEP, Scene

from diag.finding import Cause, Severity, Status
from diag.recording import Frame, LaneKind
from diag.rules import judge


def worker(capacity: int = 1) -> Scene:
    """A scene with one process of sync workers."""
    return Scene(lane_kind=LaneKind.WORKER_THREAD, capacity=capacity)


def served(scene: Scene, start: float, end: float, port: int, *, lane: int = 1, cpu: float = 0) -> None:
    """A long request, served by one thread."""
    frames = AT_DUMPS if cpu else AT_SLEEP
    scene.request("GET /report", port, start - 1, end + 1, app=(start, end), lane=lane)
    scene.step(start, end, cpu=cpu, port=port, lane=lane, label="request", frames=frames)


def test_a_request_that_holds_the_only_thread_while_others_queue_is_an_error() -> None:
    scene = worker()
    served(scene, 3_000, 3_100, 40_000)
    scene.request("GET /health", 50_000, 3_020, 3_102, app=(3_100.5, 3_101))
    verdict = judge(scene.recording())
    (found,) = verdict.findings
    assert (found.rule, found.severity) == ("held-worker", Severity.ERROR)
    assert found.location is not None
    assert found.location.line == SLEEP
    assert [share.cause for share in found.causes] == [Cause.WAITING]
    assert [(v.label, v.total_ns) for v in found.victims] == [("GET /health", 80 * MS)]
    assert verdict.status is Status.BLOCKED


def test_a_long_request_that_nobody_waits_for_is_what_a_sync_worker_is_for() -> None:
    scene = worker()
    served(scene, 3_000, 3_100, 40_000)
    scene.request("GET /health", 50_000, 3_110, 3_112, app=(3_110.5, 3_111))
    verdict = judge(scene.recording())
    assert verdict.findings == ()
    assert verdict.status is Status.CLEAN


def test_one_busy_thread_of_two_holds_nobody_up() -> None:
    scene = worker(capacity=2)
    scene.lane(2, pid=100)
    served(scene, 3_000, 3_100, 40_000)
    scene.request("GET /health", 50_000, 3_020, 3_102, app=(3_100.5, 3_101), lane=2)
    assert judge(scene.recording()).findings == ()


def test_threads_that_are_busy_together_share_the_delay() -> None:
    scene = worker(capacity=2)
    scene.lane(2, pid=100)
    served(scene, 3_000, 3_100, 40_000)
    served(scene, 3_050, 3_200, 40_001, lane=2, cpu=150)
    scene.request("GET /health", 50_000, 3_020, 3_102, app=(3_100.5, 3_101))
    found = judge(scene.recording()).findings
    assert [one.victims[0].total_ns for one in found] == [25 * MS, 25 * MS]


def test_threads_without_a_bound_hold_nobody_up() -> None:
    scene = worker(capacity=0)
    served(scene, 3_000, 3_100, 40_000)
    scene.request("GET /health", 50_000, 3_020, 3_102, app=(3_100.5, 3_101))
    assert judge(scene.recording()).findings == ()


def test_what_computes_is_advised_to_use_processes() -> None:
    scene = worker()
    served(scene, 3_000, 3_100, 40_000, cpu=100)
    scene.request("GET /health", 50_000, 3_020, 3_102, app=(3_100.5, 3_101))
    assert judge(scene.recording()).findings[0].advice.startswith("could help: more worker processes")


def test_a_worker_held_once_for_a_moment_among_many_may_be_the_machine() -> None:
    scene = worker()
    for index in range(30):
        scene.request("GET /report", 30_000 + index, 2_000 + index, 2_000.9 + index)
    served(scene, 3_000, 3_015, 40_000, cpu=15)
    scene.request("GET /health", 50_000, 3_002, 3_017, app=(3_015.5, 3_016))
    (found,) = judge(scene.recording()).findings
    assert (found.rule, found.severity) == ("held-worker", Severity.WARNING)


def test_what_is_no_line_of_the_targets_is_told_once_whatever_the_routes() -> None:
    frame = Frame(path="/venv/lib/python3.11/site-packages/gunicorn/util.py", line=348, function="write")
    scene = worker()
    for number, frames in enumerate(((frame, *SERVER_FRAMES), (frame, *SERVER_FRAMES), (), ())):
        start = 3_000 + 500 * number
        scene.request(f"GET /{number}", 40_000, start - 1, start + 101, app=(start, start + 100))
        scene.step(start, start + 100, port=40_000, label="request", frames=frames)
        scene.request("GET /health", 50_000, start + 20, start + 102, app=(start + 100.5, start + 101))
    found = judge(scene.recording()).findings
    assert [(one.title, len(one.blocks)) for one in found] == [
        ("GET /0 and 1 more", 2),
        ("GET /2 and 1 more", 2),
    ]
    assert [one.location.line if one.location else 0 for one in found] == [348, 0]
    assert {block.route for one in found for block in one.blocks} == {f"GET /{n}" for n in range(4)}
