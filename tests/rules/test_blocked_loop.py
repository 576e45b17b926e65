"""What `blocked-loop` finds, where, why, and who paid."""

from __future__ import annotations

import pytest
from recordings import (
    ADD,
    APP,
    AT_ADD,
    AT_DUMPS,
    AT_GET,
    AT_LOOP,
    AT_RUN,
    AT_SLEEP,
    DUMPS,
    FASTAPI,
    GET,
    LOAD_CALL,
    MS,
    RENDER_CALL,
    RUN,
    SERVER_FRAMES,
    SLEEP,
    Scene,
    healthy,
    user,
    waiter,
)  # fmt: skip

from diag.analysis.case import examine
from diag.finding import Cause, Confidence, Finding, Severity, Status, Verdict
from diag.recording import Frame, ThreadState
from diag.reports import sentences
from diag.rules import judge


def blocked(scene: Scene) -> list[Finding]:
    """The findings of the rule."""
    return [found for found in judge(scene.recording()).findings if found.rule == "blocked-loop"]


def lines(found: list[Finding]) -> list[int]:
    """Where they are."""
    return [one.location.line if one.location else 0 for one in found]


def sleeping(scene: Scene | None = None, start: float = 3_000, port: int = 40_000) -> Scene:
    """A scene with one request that sleeps for 100 ms on the loop."""
    scene = scene or healthy(Scene())
    scene.request("GET /report", port, start - 1, start + 101)
    scene.step(start, start + 100, port=port, frames=AT_SLEEP)
    return scene


def test_a_blocking_sleep_is_found_at_its_line_with_its_text() -> None:
    (found,) = blocked(sleeping())
    assert found.location is not None
    assert (found.location.path, found.location.line) == ("app.py", SLEEP)
    assert found.location.text == "time.sleep(0.1)"
    assert found.location.function == "report"
    assert found.title == "GET /report"
    assert (found.severity, found.confidence) == (Severity.ERROR, Confidence.HIGH)
    assert (found.p50_ns, found.max_ns, found.total_ns) == (100 * MS, 100 * MS, 100 * MS)


def test_a_wait_off_the_cpu_is_called_waiting_and_gets_its_awaitable_form() -> None:
    (found,) = blocked(sleeping())
    assert [(share.cause, share.ns) for share in found.causes] == [(Cause.WAITING, 100 * MS)]
    assert found.advice == "could help: `await asyncio.sleep(...)`"


def test_a_verdict_with_a_block_is_blocked_and_exits_with_1() -> None:
    verdict = judge(sleeping().recording())
    assert (verdict.status, verdict.exit_code, verdict.reason) == (Status.BLOCKED, 1, "")
    by_route = {one.route: one.status for one in verdict.handlers}
    assert by_route == {"GET /health": Status.CLEAN, "GET /report": Status.BLOCKED}


def test_a_step_below_the_threshold_is_no_block() -> None:
    scene = healthy(Scene())
    scene.request("GET /report", 40_000, 2_999, 3_010)
    scene.step(3_000, 3_009.9, port=40_000, frames=AT_SLEEP)
    verdict = judge(scene.recording())
    assert verdict.findings == ()
    assert verdict.status is Status.CLEAN


def test_a_clean_handler_still_states_its_worst_step() -> None:
    scene = healthy(Scene())
    scene.request("GET /report", 40_000, 2_999, 3_010)
    scene.step(3_000, 3_008.2, port=40_000)
    worst = {one.route: (one.worst_ns, one.worst_bound) for one in judge(scene.recording()).handlers}
    assert worst == {"GET /report": (8_200_000, False), "GET /health": (MS, True)}


def test_a_stack_that_came_late_shows_what_came_after_and_is_left_out() -> None:
    scene = healthy(Scene())
    scene.request("GET /report", 40_000, 2_999, 3_021)
    scene.stack(3_006, AT_SLEEP)
    scene.stack(3_019, AT_RUN, late=True)
    scene.step(3_000, 3_020, port=40_000)
    assert lines(blocked(scene)) == [SLEEP]


def test_a_library_below_the_users_line_is_not_the_culprit() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_100, frames=AT_GET)
    (found,) = blocked(scene)
    assert found.location is not None
    assert (found.location.line, found.location.function) == (GET, "load")
    assert [one.line for one in found.path] == [LOAD_CALL]
    assert found.advice == "could help: `httpx.AsyncClient`"


def test_two_waiting_lines_of_one_step_are_two_culprits_with_their_own_time() -> None:
    scene = healthy(Scene())
    for at in range(3_005, 3_060, 5):
        scene.stack(at, AT_GET)
    for at in range(3_060, 3_100, 5):
        scene.stack(at, AT_RUN)
    scene.step(3_000, 3_100)
    found = blocked(scene)
    assert lines(found) == [GET, RUN]
    assert sum(one.total_ns for one in found) == 100 * MS
    assert abs(found[0].total_ns - 57 * MS) < 2 * MS


def test_a_computing_loop_is_one_culprit_at_its_hottest_line() -> None:
    scene = healthy(Scene())
    for index, at in enumerate(range(3_005, 3_100, 5)):
        scene.stack(at, AT_LOOP if index % 3 == 0 else AT_ADD)
    scene.step(3_000, 3_100, cpu=100)
    (found,) = blocked(scene)
    assert lines([found]) == [ADD]
    ((also, share),) = found.also
    assert also.line == 22
    assert 25 <= share <= 45


def test_a_counting_loop_holds_the_gil_even_if_nobody_looked() -> None:
    scene = healthy(Scene())
    for index, at in enumerate(range(3_005, 3_100, 5)):
        scene.stack(at, AT_LOOP if index % 3 == 0 else AT_ADD)
    scene.step(3_000, 3_100, cpu=100)
    (found,) = blocked(scene)
    assert [share.cause for share in found.causes] == [Cause.CPU_GIL]


def test_a_c_call_that_nobody_looked_at_is_on_the_cpu_and_no_more_is_said() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_100, cpu=100, frames=AT_DUMPS)
    (found,) = blocked(scene)
    assert [share.cause for share in found.causes] == [Cause.CPU]
    assert lines([found]) == [DUMPS]


@pytest.mark.parametrize(("owns", "cause"), [(True, Cause.CPU_GIL), (False, Cause.CPU_NO_GIL)])
def test_one_look_by_py_spy_speaks_for_all_blocks_of_its_culprit(owns: bool, cause: Cause) -> None:
    scene = healthy(Scene())
    for index in range(10):
        start = 3_000 + 200 * index
        scene.step(start, start + 100, cpu=100, frames=AT_DUMPS)
    scene.spy(3_210, 3_240, AT_DUMPS, owns_gil=owns)
    (found,) = blocked(scene)
    assert [(share.cause, share.ns) for share in found.causes] == [(cause, 1_000 * MS)]


def test_a_look_asked_for_before_the_block_counts_if_a_stack_shows_the_same_line() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_030, cpu=30, frames=AT_DUMPS)
    scene.spy(2_995, 3_020, AT_DUMPS, owns_gil=True)
    assert [share.cause for share in blocked(scene)[0].causes] == [Cause.CPU_GIL]


def test_a_look_asked_for_before_the_block_at_another_line_may_be_of_the_step_before() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_030, cpu=30, frames=AT_DUMPS)
    scene.spy(2_995, 3_020, AT_ADD, owns_gil=True)
    assert [share.cause for share in blocked(scene)[0].causes] == [Cause.CPU]


def test_computing_and_waiting_in_one_step_are_told_apart() -> None:
    scene = healthy(Scene())
    for at in range(3_005, 3_050, 5):
        scene.stack(at, AT_DUMPS)
    for at in range(3_050, 3_100, 5):
        scene.stack(at, AT_RUN)
    scene.looks(3_000, 3_048, ThreadState.RUNNING)
    scene.looks(3_048, 3_100, ThreadState.WAITING)
    scene.step(3_000, 3_100, cpu=47)
    found = blocked(scene)
    split = {one.location.line: [(s.cause, s.ns) for s in one.causes] for one in found if one.location}
    assert split == {RUN: [(Cause.WAITING, 53 * MS)], DUMPS: [(Cause.CPU, 47 * MS)]}


def test_the_walk_down_stops_where_no_callee_has_most_of_the_time() -> None:
    source = (
        "def work():\n    a()\n    b()\n    c()\n\ndef a():\n    x\n\ndef b():\n    x\n\ndef c():\n    x\n"
    )
    scene = healthy(Scene(sources={APP: source}))
    callees = [(2, 7, "a"), (3, 10, "b"), (4, 13, "c")]
    for index, at in enumerate(range(3_004, 3_100, 5)):
        call, line, name = callees[index % 3]
        scene.stack(at, user((call, "work"), (line, name)))
    scene.step(3_000, 3_100, cpu=100)
    (found,) = blocked(scene)
    assert found.location is not None
    assert found.location.function == "work"
    assert {found.location.line, *(place.line for place, _ in found.also)} == {2, 3, 4}


def test_a_recursive_function_is_one_culprit_however_deep() -> None:
    scene = healthy(Scene())
    for index, at in enumerate(range(3_005, 3_100, 5)):
        deep = [(30, "fib")] * (index % 7 + 1)
        scene.stack(at, user((RENDER_CALL, "report"), *deep, (28, "fib")))
    scene.step(3_000, 3_100, cpu=100)
    (found,) = blocked(scene)
    assert found.location is not None
    assert (found.location.line, found.location.function) == (28, "fib")
    assert [one.line for one in found.path] == [RENDER_CALL]


def test_a_block_without_a_stack_follows_the_only_culprit_of_its_route() -> None:
    scene = sleeping()
    scene.request("GET /report", 41_000, 4_999, 5_101)
    scene.step(5_000, 5_100, port=41_000)
    (found,) = blocked(scene)
    assert len(found.blocks) == 2
    assert found.total_ns == 200 * MS


def test_a_block_without_a_stack_says_that_its_line_was_not_seen() -> None:
    scene = healthy(Scene())
    scene.request("GET /report", 40_000, 2_999, 3_101)
    scene.step(3_000, 3_100, port=40_000)
    (found,) = blocked(scene)
    assert found.location is None
    assert (found.title, found.confidence) == ("GET /report", Confidence.LOW)
    assert "line was not seen" in found.evidence[0]


def test_a_block_inside_the_framework_names_the_library_and_the_route() -> None:
    scene = healthy(Scene())
    library = Frame(path="/venv/lib/python3.11/site-packages/bigjson/encode.py", line=5, function="encode")
    inner = Frame(path="/venv/lib/python3.11/site-packages/deep/impl.py", line=9, function="loop")
    scene.request("GET /big", 40_000, 2_999, 3_101)
    scene.step(3_000, 3_100, cpu=100, port=40_000, frames=(inner, library, FASTAPI, *SERVER_FRAMES))
    (found,) = blocked(scene)
    assert found.location is not None
    assert found.location.absolute.endswith("bigjson/encode.py")
    assert found.evidence[0].startswith("In the framework, while answering GET /big")
    assert found.confidence is Confidence.MEDIUM


def test_run_queue_wait_is_part_of_the_split_and_not_of_the_duration() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_100, cpu=60, queue=40, frames=AT_DUMPS)
    (found,) = blocked(scene)
    assert found.total_ns == 60 * MS
    assert [(share.cause, share.ns) for share in found.causes] == [
        (Cause.CPU, 60 * MS),
        (Cause.RUN_QUEUE, 40 * MS),
    ]


def test_a_short_block_on_the_cpu_seen_once_among_many_is_a_warning() -> None:
    scene = healthy(Scene(), route="GET /report")
    scene.request("GET /report", 40_000, 2_999, 3_016)
    scene.step(3_000, 3_015, cpu=15, port=40_000, frames=AT_DUMPS)
    verdict = judge(scene.recording())
    (found,) = verdict.findings
    assert (found.severity, found.confidence) == (Severity.WARNING, Confidence.LOW)
    assert "Seen once only" in found.evidence[0]
    assert verdict.status is Status.CLEAN


@pytest.mark.parametrize(
    ("cpu", "length", "times"),
    [(0, 15, 1), (25, 25, 1), (15, 15, 2)],
    ids=["waiting is real even once", "long is real even once", "twice among thirty is no chance"],
)
def test_what_the_machine_does_not_explain_is_an_error(cpu: float, length: float, times: int) -> None:
    scene = healthy(Scene(), route="GET /report")
    for index in range(times):
        start = 3_000 + 100 * index
        scene.request("GET /report", 40_000 + index, start - 1, start + length + 1)
        scene.step(start, start + length, cpu=cpu, port=40_000 + index, frames=AT_DUMPS)
    assert [one.severity for one in blocked(scene)] == [Severity.ERROR]


@pytest.mark.parametrize(("queue", "severity"), [(60, Severity.WARNING), (0, Severity.ERROR)])
def test_few_executions_beside_a_rare_block_do_where_the_machine_starves(
    queue: float, severity: Severity
) -> None:
    scene = healthy(Scene(), 5, route="GET /report")
    scene.request("GET /report", 40_000, 2_999, 3_016)
    scene.step(3_000, 3_015, cpu=15, port=40_000, frames=AT_DUMPS)
    scene.step(3_100, 3_161, cpu=61 - queue, queue=queue)
    found = [one for one in blocked(scene) if one.location is not None]
    assert [one.severity for one in found] == [severity]


def test_a_stray_stack_at_the_end_of_a_block_is_no_culprit() -> None:
    scene = healthy(Scene())
    for index in range(3):
        start = 3_000 + 200 * index
        stray = (FASTAPI, *SERVER_FRAMES) if index == 1 else AT_DUMPS
        for after in (3, 7, 14, 27, 51):
            scene.stack(start + after, AT_DUMPS)
        scene.stack(start + 76, stray)
        scene.step(start, start + 77, cpu=77)
    (found,) = blocked(scene)
    assert lines([found]) == [DUMPS]
    assert found.total_ns == 3 * 77 * MS


def test_a_second_line_that_shows_in_every_block_is_a_culprit_though_each_has_one_stack_of_it() -> None:
    scene = healthy(Scene())
    for index in range(3):
        start = 3_000 + 200 * index
        for after in (3, 7, 14, 27):
            scene.stack(start + after, AT_GET)
        scene.stack(start + 51, AT_RUN)
        scene.step(start, start + 77)
    assert lines(blocked(scene)) == [GET, RUN]


def test_the_counters_of_the_thread_tell_a_line_that_waits_though_the_signal_wakes_it() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_060, cpu=1, frames=AT_SLEEP, every=10)
    scene.counters(*((3_001 + 2 * i, 0.03 * i, 0) for i in range(29)), state=ThreadState.RUNNING)
    (found,) = blocked(scene)
    assert [share.cause for share in found.causes] == [Cause.WAITING, Cause.CPU]
    (culprit,) = examine(scene.recording(), scene.run()).culprits
    assert culprit.key.kind == "waiting"


def test_a_stretch_that_waited_for_the_machine_counts_little_for_its_line() -> None:
    scene = healthy(Scene())
    scene.stack(3_010, AT_DUMPS)
    scene.stack(3_070, AT_ADD)
    scene.step(3_000, 3_100, cpu=45, queue=55)
    scene.counters((3_000, 0, 0), (3_040, 40, 0), (3_095, 40, 55), (3_100, 45, 55))
    (found,) = blocked(scene)
    assert lines([found]) == [DUMPS]
    assert found.total_ns == 45 * MS


def frozen(scene: Scene, *, looks: bool, cpu: float = 90) -> Scene:
    """A step of 92 ms among many short ones; with `looks` the watcher ran all the time."""
    scene.request("GET /report", 40_000, 2_999, 3_093)
    scene.stack(3_004, AT_DUMPS)
    scene.step(3_000, 3_092, cpu=cpu, port=40_000)
    for at in range(3_002, 3_092, 2) if looks else (3_002, 3_004, 3_091):
        scene.counters((at, (at - 3_000) * cpu / 92, 0))
    return scene


def test_a_long_block_in_which_the_watcher_did_not_run_either_is_a_warning_if_it_is_rare() -> None:
    found = {
        looks: blocked(frozen(healthy(Scene(), route="GET /report"), looks=looks))[0].severity
        for looks in (True, False)
    }
    assert found == {True: Severity.ERROR, False: Severity.WARNING}


def test_a_watcher_that_does_not_run_excuses_nothing_that_is_common() -> None:
    (found,) = blocked(frozen(healthy(Scene(), route="GET /other"), looks=False))
    assert found.severity is Severity.ERROR


def test_a_wait_at_which_the_watcher_looked_once_is_no_standstill() -> None:
    (found,) = blocked(frozen(healthy(Scene(), route="GET /report"), looks=False, cpu=0))
    assert found.severity is Severity.ERROR


# Who paid -----------------------------------------------------------------------------------------------


def victims(verdict: Verdict) -> dict[str, tuple[int, float, float]]:
    """Count, total and worst delay in ms by label, of the first finding."""
    ms = 1 / MS
    return {v.label: (v.count, v.total_ns * ms, v.worst_ns * ms) for v in verdict.findings[0].victims}


def test_a_request_that_had_not_reached_the_application_is_a_victim_from_its_sending_on() -> None:
    scene = sleeping()
    scene.request("GET /health", 50_000, 3_040, 3_102, app=(3_100.5, 3_101))
    verdict = judge(scene.recording())
    assert victims(verdict) == {"GET /health": (1, 60, 60)}
    assert verdict.findings[0].not_accepted == 1
    assert verdict.findings[0].victims[0].worst_request == 3_040 * MS


def test_in_an_open_load_the_delay_counts_from_the_intended_time() -> None:
    scene = sleeping()
    scene.request("GET /health", 50_000, 3_095, 3_102, intended=3_020, app=(3_100.5, 3_101))
    assert victims(judge(scene.recording())) == {"GET /health": (1, 80, 80)}


def test_a_request_that_was_never_answered_is_a_victim_too() -> None:
    scene = sleeping()
    scene.request("GET /health", 50_000, 3_040, 3_090, status=-1)
    assert victims(judge(scene.recording())) == {"GET /health": (1, 50, 50)}


def test_a_task_that_was_ready_inside_makes_its_request_a_victim_once() -> None:
    scene = healthy(Scene())
    scene.request("GET /report", 40_000, 2_999, 3_101)
    scene.request("GET /list", 50_000, 2_950, 3_110)
    scene.step(
        3_000, 3_100, port=40_000, frames=AT_SLEEP, waiters=[waiter(50_000, 3_030), waiter(50_000, 3_050)]
    )
    assert victims(judge(scene.recording())) == {"GET /list": (1, 70, 70)}


def test_a_request_is_never_a_victim_of_its_own_block() -> None:
    scene = healthy(Scene())
    scene.request("GET /report", 40_000, 2_999, 3_101, app=(3_000.1, 3_100))
    scene.step(3_000, 3_100, port=40_000, frames=AT_SLEEP, waiters=[waiter(40_000, 3_010)])
    assert victims(judge(scene.recording())) == {}


def test_delays_by_several_blocks_add_up_to_no_more_than_the_wait() -> None:
    scene = healthy(Scene())
    for index in range(3):
        start = 3_000 + 100 * index
        scene.request("GET /report", 40_000 + index, start - 1, start + 101, app=(start, start + 100))
        scene.step(start, start + 100, port=40_000 + index, frames=AT_SLEEP)
    scene.request("GET /health", 50_000, 3_050, 3_302, app=(3_300.5, 3_301))
    verdict = judge(scene.recording())
    assert victims(verdict)["GET /health"] == (1, 250, 250)


def test_a_block_on_another_worker_delays_nobody_here() -> None:
    scene = Scene()
    scene.lane(2, pid=200)
    scene.plant(2)
    healthy(scene)
    sleeping(scene)
    scene.request("GET /health", 50_000, 3_040, 3_102, app=(3_100.5, 3_101), lane=2)
    verdict = judge(scene.recording())
    assert victims(verdict) == {}


def test_a_culprit_that_shares_a_block_is_charged_its_share_of_the_delay_only() -> None:
    scene = healthy(Scene())
    for at in range(3_005, 3_050, 5):
        scene.stack(at, AT_GET)
    for at in range(3_050, 3_100, 5):
        scene.stack(at, AT_RUN)
    scene.step(3_000, 3_100)
    scene.request("GET /health", 50_000, 2_990, 3_102, app=(3_100.5, 3_101))
    found = blocked(scene)
    assert sum(one.victims[0].total_ns for one in found) == 100 * MS
    assert {one.victims[0].total_ns for one in found} != {100 * MS}


def test_in_a_script_coroutines_are_the_victims() -> None:
    scene = Scene(kind="script")
    scene.step(3_000, 3_100, frames=AT_SLEEP, label="main", waiters=[waiter(0, 3_020, label="heartbeat")])
    verdict = judge(scene.recording())
    assert victims(verdict) == {"heartbeat": (1, 80, 80)}
    assert [(one.route, one.status) for one in verdict.handlers] == [("app.py", Status.BLOCKED)]


def test_a_delay_that_is_only_bounded_is_said_to_be() -> None:
    scene = healthy(Scene())
    scene.request("GET /list", 50_000, 2_950, 3_110)
    scene.step(3_000, 3_100, frames=AT_SLEEP, waiters=[waiter(50_000, 3_000, exact=False)])
    (found,) = blocked(scene)
    assert found.bounded == 1
    assert "waited up to " in sentences.cost(found, requests=True)
