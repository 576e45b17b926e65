"""Why a step held its lane: the split by counters, and by looks where there are none."""

from __future__ import annotations

import pytest
from recordings import AT_DUMPS, AT_GET, AT_SLEEP, MS, Scene

from diag.analysis.causes import Amounts, GilKnowledge, amounts, main_cause, shares
from diag.analysis.timeline import Held, read
from diag.finding import Cause, CauseShare
from diag.recording import Frame, ThreadState


def held(scene: Scene) -> Held:
    """The scene's one step."""
    return next(one for one in read(scene.run()).held if not one.canary)


def test_the_counters_of_the_thread_divide_a_step() -> None:
    scene = Scene()
    scene.step(3_000, 3_100, cpu=30, queue=20)
    assert amounts(held(scene)) == Amounts(cpu_ns=30 * MS, waiting_ns=50 * MS, run_queue_ns=20 * MS)


def test_looks_divide_time_off_the_cpu_only() -> None:
    scene = Scene()
    scene.step(3_000, 3_100, cpu=60)
    scene.looks(3_000, 3_030, ThreadState.GIL_WAIT)
    scene.looks(3_030, 3_040, ThreadState.WAITING)
    scene.looks(3_040, 3_100, ThreadState.RUNNING)
    assert amounts(held(scene)) == Amounts(cpu_ns=60 * MS, gil_wait_ns=30 * MS, waiting_ns=10 * MS)


def test_without_counters_looks_divide_all_of_it() -> None:
    scene = Scene()
    scene.step(3_000, 3_100, cpu=None, queue=None)
    scene.looks(3_000, 3_025, ThreadState.RUNNING)
    scene.looks(3_025, 3_100, ThreadState.WAITING)
    assert amounts(held(scene)) == Amounts(cpu_ns=25 * MS, waiting_ns=75 * MS)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (AT_GET, Amounts(waiting_ns=100 * MS)),
        (AT_DUMPS, Amounts(cpu_ns=100 * MS)),
        ((), Amounts(cpu_ns=100 * MS)),
    ],
    ids=["its innermost function is a wait", "it is none", "nothing is known"],
)
def test_without_counters_and_looks_the_stack_is_a_hint(frames: tuple[Frame, ...], expected: Amounts) -> None:
    scene = Scene()
    scene.step(3_000, 3_100, cpu=None, queue=None, frames=frames)
    assert amounts(held(scene)) == expected


@pytest.mark.parametrize("active", [True, False])
def test_without_counters_py_spy_says_whether_it_was_on_a_cpu(active: bool) -> None:
    scene = Scene()
    scene.step(3_000, 3_100, cpu=None, queue=None, frames=AT_SLEEP)
    scene.spy(3_010, 3_040, AT_SLEEP, active=active)
    assert (amounts(held(scene)).cpu_ns > 0) is active


@pytest.mark.parametrize(
    ("gil", "expected"),
    [
        (GilKnowledge(), {Cause.CPU: 100}),
        (GilKnowledge(bytecode=True), {Cause.CPU_GIL: 100}),
        (GilKnowledge(held=1), {Cause.CPU_GIL: 100}),
        (GilKnowledge(free=2, held=1), {Cause.CPU_NO_GIL: 100}),
        (GilKnowledge(free=3, held=1), {Cause.CPU_NO_GIL: 75, Cause.CPU_GIL: 25}),
    ],
)
def test_cpu_time_is_named_by_what_was_seen_of_the_gil(gil: GilKnowledge, expected: dict[Cause, int]) -> None:
    assert {share.cause: share.ns for share in shares(Amounts(cpu_ns=100), gil)} == expected


def test_of_what_mostly_waits_the_little_cpu_time_is_not_named() -> None:
    found = shares(Amounts(cpu_ns=3, waiting_ns=97), GilKnowledge(free=5))
    assert [share.cause for share in found] == [Cause.WAITING, Cause.CPU]


def test_the_main_cause_is_the_codes_own_if_it_has_any() -> None:
    queue = CauseShare(cause=Cause.RUN_QUEUE, ns=90)
    assert main_cause([queue, CauseShare(cause=Cause.WAITING, ns=10)]) is Cause.WAITING
    assert main_cause([queue]) is Cause.RUN_QUEUE
    assert main_cause([]) is None


def test_cpu_time_counts_as_one_against_waiting() -> None:
    split = [
        CauseShare(cause=Cause.WAITING, ns=40),
        CauseShare(cause=Cause.CPU_GIL, ns=35),
        CauseShare(cause=Cause.CPU_NO_GIL, ns=25),
    ]
    assert main_cause(split) is Cause.CPU_GIL
