"""What `gil-contention` finds: a loop that is ready and has to wait for another thread's GIL."""

from __future__ import annotations

from recordings import ADD, AT_ADD, AT_DUMPS, AT_SLEEP, MS, SERVER_FRAMES, Scene, healthy, user

from diag.finding import Cause, Severity, Status
from diag.recording import Frame, LaneKind, ThreadState
from diag.rules import judge

AT_HEALTH = user((35, "health"))


def contended(scene: Scene, start: float = 3_000) -> Scene:
    """A 40 ms step of which 36 ms went by waiting for the GIL."""
    scene.step(start, start + 40, cpu=4, frames=AT_HEALTH)
    scene.looks(start, start + 40, ThreadState.GIL_WAIT)
    return scene


def test_waiting_for_the_gil_is_charged_to_the_line_that_held_it() -> None:
    scene = contended(healthy(Scene()))
    scene.spy(3_005, 3_030, AT_HEALTH, active=False, owns_gil=False, gil_owner=AT_ADD)
    verdict = judge(scene.recording())
    (found,) = verdict.findings
    assert (found.rule, found.severity, found.title) == ("gil-contention", Severity.WARNING, "render")
    assert found.location is not None
    assert found.location.line == ADD
    assert (found.causes[0].cause, found.causes[0].ns) == (Cause.GIL_WAIT, 36 * MS)
    assert verdict.status is Status.CLEAN


def test_an_owner_that_nobody_saw_is_another_thread() -> None:
    (found,) = judge(contended(healthy(Scene())).recording()).findings
    assert (found.title, found.location) == ("another thread", None)


def test_py_spy_alone_tells_a_wait_for_the_gil_from_a_wait() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_040, cpu=4, frames=AT_HEALTH)
    scene.spy(3_005, 3_030, AT_HEALTH, active=False, owns_gil=False, gil_owner=AT_ADD)
    assert [one.rule for one in judge(scene.recording()).findings] == ["gil-contention"]


def test_a_wait_of_its_own_stays_a_wait_while_others_compute() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_040, cpu=0, frames=AT_SLEEP)
    scene.looks(3_000, 3_040, ThreadState.WAITING)
    scene.spy(3_005, 3_030, AT_SLEEP, active=False, owns_gil=False, gil_owner=AT_ADD)
    (found,) = judge(scene.recording()).findings
    assert found.rule == "blocked-loop"
    assert [share.cause for share in found.causes] == [Cause.WAITING]


def test_a_block_that_also_waits_for_the_gil_keeps_its_own_line_and_says_so() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_060, cpu=40, frames=AT_DUMPS)
    scene.looks(3_000, 3_020, ThreadState.GIL_WAIT)
    (found,) = judge(scene.recording()).findings
    assert found.rule == "blocked-loop"
    assert [(share.cause, share.ns) for share in found.causes] == [
        (Cause.CPU, 40 * MS),
        (Cause.GIL_WAIT, 20 * MS),
    ]


def test_the_servers_own_lines_that_wait_for_the_gil_are_one_finding() -> None:
    scene = Scene(lane_kind=LaneKind.WORKER_THREAD, capacity=1)
    for number, (name, line) in enumerate((("write", 348), ("http_date", 513))):
        frame = Frame(path="/venv/lib/python3.11/site-packages/gunicorn/util.py", line=line, function=name)
        start = 3_000 + 500 * number
        scene.request("GET /report", 40_000, start - 1, start + 101, app=(start, start + 100))
        scene.step(start, start + 100, cpu=5, frames=(frame, *SERVER_FRAMES), port=40_000, label="request")
        scene.looks(start, start + 100, ThreadState.GIL_WAIT)
        scene.request("GET /health", 50_000, start + 20, start + 102, app=(start + 100.5, start + 101))
    scene.spy(3_005, 3_030, (frame,), active=False, owns_gil=False, gil_owner=AT_ADD)
    (found,) = judge(scene.recording()).findings
    assert (found.rule, found.title, len(found.blocks)) == ("gil-contention", "render", 2)
    assert found.location is not None
    assert found.location.line == ADD
    assert "gunicorn/util.py:348, gunicorn/util.py:513" in found.evidence[-1]


def test_a_server_that_waits_for_its_client_holds_its_worker() -> None:
    scene = Scene(lane_kind=LaneKind.WORKER_THREAD, capacity=1)
    frame = Frame(path="/venv/lib/python3.11/site-packages/gunicorn/util.py", line=348, function="write")
    scene.request("GET /report", 40_000, 2_999, 3_101, app=(3_000, 3_100))
    scene.step(3_000, 3_100, frames=(frame, *SERVER_FRAMES), port=40_000, label="request")
    scene.looks(3_000, 3_100, ThreadState.WAITING)
    scene.request("GET /health", 50_000, 3_020, 3_102, app=(3_100.5, 3_101))
    assert [one.rule for one in judge(scene.recording()).findings] == ["held-worker"]
