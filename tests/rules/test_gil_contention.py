"""What `gil-contention` finds: a loop that is ready and has to wait for another thread's GIL."""

from __future__ import annotations

from recordings import ADD, AT_ADD, AT_DUMPS, AT_SLEEP, MS, Scene, healthy, user

from diag.finding import Cause, Severity, Status
from diag.recording import ThreadState
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
