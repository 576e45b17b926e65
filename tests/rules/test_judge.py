"""The verdict: clean, blocked or unmeasured, and everything that is always said with it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from recordings import APP, AT_DUMPS, AT_SLEEP, LOAD_START, MS, SLEEP, Scene, healthy

from diag.finding import HandlerResult, Status
from diag.recording import Degradation, LaneTotals, LoadSummary, ProcessSample, RunStatus, Unmeasured
from diag.rules import judge


def handler(scene: Scene, route: str) -> HandlerResult:
    """One route's result."""
    return next(one for one in judge(scene.recording()).handlers if one.route == route)


def blocks(scene: Scene, *, at: float = 3_000) -> Scene:
    """Add a 100 ms block."""
    scene.request("GET /report", 40_000, at - 1, at + 101)
    scene.step(at, at + 100, port=40_000, frames=AT_SLEEP)
    return scene


def test_healthy_requests_and_a_found_canary_are_clean() -> None:
    verdict = judge(healthy(Scene()).recording())
    assert (verdict.status, verdict.exit_code, verdict.reason, verdict.findings) == (Status.CLEAN, 0, "", ())
    assert (verdict.quality.canary_expected_ns, verdict.quality.canary_found_ns) == (50 * MS, 50 * MS)


# The canary ---------------------------------------------------------------------------------------------


def test_without_a_canary_nothing_can_be_told() -> None:
    verdict = judge(healthy(Scene(canary=False)).recording())
    assert (verdict.status, verdict.exit_code) == (Status.UNMEASURED, 2)
    assert verdict.reason.startswith("no canary was planted in process 100")


def test_a_canary_that_was_not_found_makes_it_unmeasured_and_shows_what_was_found() -> None:
    scene = blocks(healthy(Scene()))
    scene.steps = [step for step in scene.steps if step.label != "diag_canary"]
    verdict = judge(scene.recording())
    assert (verdict.status, verdict.quality.canary_found_ns) == (Status.UNMEASURED, None)
    assert [one.rule for one in verdict.findings] == ["blocked-loop"]


@pytest.mark.parametrize(
    ("found", "queue", "status"),
    [
        (50.9, 0, Status.CLEAN),
        (51.5, 0, Status.UNMEASURED),
        (61, 10.5, Status.CLEAN),
        (48, 0, Status.UNMEASURED),
    ],
)
def test_a_canary_must_have_its_length_but_for_run_queue_wait(
    found: float, queue: float, status: Status
) -> None:
    scene = healthy(Scene(canary=False))
    scene.plant(1, found=found)
    step = scene.steps[-1]
    scene.steps.pop()
    scene.step(step.start_ns / MS, step.end_ns / MS, queue=queue, label="diag_canary")
    assert judge(scene.recording()).status is status


def test_a_canary_at_another_line_makes_it_unmeasured() -> None:
    scene = healthy(Scene(canary=False))
    scene.plant(1, line=3)
    verdict = judge(scene.recording())
    assert (verdict.status, verdict.reason) == (Status.UNMEASURED, "the canary was found at another line")


def test_every_process_needs_a_canary() -> None:
    scene = healthy(Scene())
    scene.lane(2, pid=200)
    assert "process 200" in judge(scene.recording()).reason


def test_a_second_loop_of_a_process_needs_none() -> None:
    scene = healthy(Scene())
    scene.lane(2, pid=100)
    assert judge(scene.recording()).status is Status.CLEAN


def test_a_canary_is_no_finding() -> None:
    assert judge(healthy(Scene()).recording(load_started_ns=1)).findings == ()


def test_what_the_server_does_while_it_stops_is_no_finding() -> None:
    scene = blocks(healthy(Scene()), at=10_950)
    scene.step(11_200, 11_230, cpu=30, label="(never ended)")
    assert [one.title for one in judge(scene.recording()).findings] == ["GET /report"]


# Routes that are not measured ---------------------------------------------------------------------------


def test_a_route_that_could_not_be_driven_says_why() -> None:
    verdict = judge(
        healthy(Scene()).recording(unmeasured=(Unmeasured(route="POST /upload", reason="needs a body"),))
    )
    assert [(one.route, one.reason) for one in verdict.handlers if one.status is Status.UNMEASURED] == [
        ("POST /upload", "needs a body")
    ]
    assert verdict.status is Status.CLEAN


def test_a_route_without_a_request_is_unmeasured() -> None:
    verdict = judge(healthy(Scene()).recording(routes=("GET /health", "GET /lost")))
    assert {one.route: one.reason for one in verdict.handlers} == {
        "GET /health": "",
        "GET /lost": "no request was sent to it",
    }


def test_a_route_that_only_answers_404_is_unmeasured() -> None:
    scene = healthy(Scene())
    scene.request("GET /items/{id}", 40_000, 3_000, 3_002, status=404)
    assert handler(scene, "GET /items/{id}").reason.startswith("it answered 404")


def test_a_404_to_a_request_that_the_user_gave_is_an_answer() -> None:
    scene = healthy(Scene(argv=("diag", "explain", "app.py", "--request", "GET /items/9")))
    scene.request("GET /items/{id}", 40_000, 3_000, 3_002, status=404)
    assert handler(scene, "GET /items/{id}").status is Status.CLEAN


def test_a_run_in_which_no_route_was_measured_cannot_tell() -> None:
    scene = Scene()
    scene.request("GET /items", 40_000, 3_000, 3_002, status=-1)
    verdict = judge(scene.recording())
    assert verdict.status is Status.UNMEASURED
    assert verdict.reason == "no route could be measured: GET /items: none of 1 request was answered"


def test_a_run_that_failed_gives_its_reason() -> None:
    verdict = judge(Scene().recording(status=RunStatus.FAILED, failure="the server died"))
    assert (verdict.status, verdict.reason) == (Status.UNMEASURED, "the server died")
    assert verdict.cells[0].failure == "the server died"


def test_a_script_that_failed_is_not_clean_and_its_blocks_count_all_the_same() -> None:
    failed = {"status": RunStatus.FAILED, "failure": "the script exited with code 1"}
    clean = judge(Scene(kind="script").recording(**failed))
    assert (clean.status, clean.reason) == (Status.UNMEASURED, "the script exited with code 1")
    scene = Scene(kind="script")
    scene.step(3_000, 3_100, frames=AT_SLEEP)
    assert judge(scene.recording(**failed)).status is Status.BLOCKED


def test_a_workload_that_could_not_be_measured_is_not_clean_because_the_probe_is() -> None:
    scene = Scene()
    scene.request("GET /work", 40_000, 3_000, 3_002, status=500, stream="work")
    scene.request("GET /ping", 50_000, 3_000, 3_002, stream="ping")
    recording = scene.recording()
    (run,) = recording.runs
    verdict = judge(replace(recording, runs=(replace(run, cell=replace(run.cell, workload="work")),)))
    assert verdict.status is Status.UNMEASURED
    assert verdict.reason.startswith("GET /work: it failed")


def test_no_handler_is_called_clean_where_nothing_could_be_told() -> None:
    verdict = judge(healthy(Scene(canary=False)).recording())
    assert {one.status for one in verdict.handlers} == {Status.UNMEASURED}


def test_a_recording_without_runs_cannot_tell() -> None:
    verdict = judge(replace(Scene().recording(), runs=()))
    assert (verdict.status, verdict.reason) == (Status.UNMEASURED, "the recording holds no run")


# Partial recordings -------------------------------------------------------------------------------------


def test_a_recording_whose_writer_was_killed_is_judged_as_far_as_it_goes() -> None:
    scene = blocks(healthy(Scene()))
    verdict = judge(scene.recording(status=RunStatus.RUNNING, ended_ns=0, load_ended_ns=0))
    assert verdict.status is Status.BLOCKED
    assert verdict.window_ns == (3_101 - LOAD_START) * MS
    assert any("not finished" in text for text in verdict.quality.degradations)


def test_what_was_degraded_is_said() -> None:
    one = Degradation(slug="no-ptrace", text="py-spy may not look.")
    assert judge(healthy(Scene()).recording(degradations=(one,))).quality.degradations == (
        "py-spy may not look.",
    )


# Figures ------------------------------------------------------------------------------------------------


def test_the_primary_cell_is_the_first_and_the_others_stand_beside_it() -> None:
    other = healthy(Scene(), count=50).run()
    other = replace(other, run_id=2, cell=replace(other.cell, strategy="to-thread", label="to-thread"))
    verdict = judge(blocks(healthy(Scene())).recording(other))
    assert [(cell.label, cell.primary, cell.requests) for cell in verdict.cells] == [
        ("app", True, 31),
        ("to-thread", False, 50),
    ]
    assert [block.run_id for one in verdict.findings for block in one.blocks] == [1]
    assert verdict.cells[0].blocked_share == pytest.approx(0.01)
    assert (verdict.blocked_ns, verdict.window_ns) == (100 * MS, 10_000 * MS)


def test_the_probe_stream_is_the_victims_latency_and_not_throughput() -> None:
    scene = Scene()
    for index in range(10):
        scene.request("GET /work", 40_000 + index, 3_000, 3_100, stream="work")
        scene.request("GET /ping", 50_000 + index, 3_000, 3_000 + 10 * (index + 1), stream="ping")
    (cell,) = judge(scene.recording()).cells
    assert (cell.requests, cell.p50_ns, cell.throughput) == (10, 100 * MS, 1.0)
    assert 99 * MS <= cell.victim_p99_ns <= 100 * MS


def test_cpu_per_request_counts_the_window_alone() -> None:
    scene = healthy(Scene(), count=10)
    for at, cpu in ((0, 0), (1_000, 500), (11_000, 700), (20_000, 5_000)):
        scene.samples.append(ProcessSample(at_ns=at * MS, cpu_ns=cpu * MS, rss_bytes=0, processes=1))
    assert judge(scene.recording()).cells[0].cpu_ns_per_request == 20 * MS


def test_a_generator_at_its_limit_is_said_in_the_data_line() -> None:
    load = LoadSummary(wall_ns=1, cpu_ns=1, lag_p99_ns=0, reconnects=0, generator_bound=True)
    verdict = judge(healthy(Scene()).recording(load=load))
    assert verdict.cells[0].generator_bound
    assert any("generator" in text for text in verdict.quality.degradations)


# Expectations -------------------------------------------------------------------------------------------

TRUTH = {
    "kind": "blocks",
    "at": "time.sleep",
    "cause": "waiting",
    "convoy": False,
    "path": APP,
    "line": SLEEP,
}


@pytest.mark.parametrize(
    ("change", "met"),
    [
        ({}, True),
        ({"path": "app.py"}, True),
        ({"line": SLEEP + 1}, False),
        ({"cause": "on-cpu-gil"}, False),
        ({"convoy": True}, False),
        ({"path": "/srv/other/app.py"}, False),
        ({"kind": "clean"}, False),
    ],
)
def test_an_expectation_is_met_by_exactly_its_line_and_cause(change: dict[str, object], met: bool) -> None:
    scene = blocks(healthy(Scene(expectation=json.dumps(TRUTH | change))))
    result = judge(scene.recording()).expectation
    assert result is not None
    assert result.met is met
    assert result.found == f"block at app.py:{SLEEP}, off-CPU (waiting)"


def test_anything_else_that_blocks_breaks_an_expectation() -> None:
    scene = blocks(healthy(Scene(expectation=json.dumps(TRUTH))))
    scene.request("GET /other", 41_000, 4_999, 5_101)
    scene.step(5_000, 5_100, cpu=100, port=41_000, frames=AT_DUMPS)
    result = judge(scene.recording()).expectation
    assert result is not None
    assert not result.met


def test_a_clean_workload_is_expected_to_show_nothing() -> None:
    result = judge(healthy(Scene(expectation='{"kind": "clean"}')).recording()).expectation
    assert result is not None
    assert (result.met, result.found) == (True, "nothing")


@pytest.mark.parametrize("text", ["", "no json", "[]"])
def test_without_a_readable_expectation_nothing_is_compared(text: str) -> None:
    assert judge(healthy(Scene(expectation=text)).recording()).expectation is None


def test_judging_is_the_same_every_time() -> None:
    recording = blocks(healthy(Scene())).recording()
    assert judge(recording) == judge(recording)


@pytest.mark.parametrize(("steps", "status"), [(13, Status.UNMEASURED), (1_000, Status.CLEAN)])
def test_a_script_that_serves_and_was_asked_nothing_is_not_clean(steps: int, status: Status) -> None:
    scene = Scene(kind="script")
    serves = Degradation(slug="script-serves", text="It listens on port 8000.")
    totals = (LaneTotals(lane_id=1, steps=steps, busy_ns=MS),)
    verdict = judge(scene.recording(degradations=(serves,), totals=totals))
    assert verdict.status is status
    assert ("none came" in verdict.reason) is (status is Status.UNMEASURED)
