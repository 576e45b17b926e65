"""What `starved` finds: steps that only the machine made long."""

from __future__ import annotations

from recordings import AT_DUMPS, Scene, healthy

from diag.finding import Cause, Severity, Status
from diag.recording import Limit, LimitedResource
from diag.rules import judge


def test_a_step_that_waited_in_the_run_queue_is_nobodys_fault() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_050, cpu=5, queue=45, frames=AT_DUMPS)
    verdict = judge(scene.recording())
    (found,) = verdict.findings
    assert (found.rule, found.severity, found.location) == ("starved", Severity.WARNING, None)
    assert found.causes[0].cause is Cause.RUN_QUEUE
    assert verdict.status is Status.CLEAN


def test_a_little_of_it_is_for_information() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_012, cpu=5, queue=7)
    for index in range(40):
        scene.step(4_000 + 10 * index, 4_008 + 10 * index, cpu=8)
    (found,) = judge(scene.recording()).findings
    assert found.severity is Severity.INFO


def test_who_waited_for_it_is_told_all_the_same() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_050, cpu=5, queue=45)
    scene.request("GET /health", 50_000, 3_010, 3_052, app=(3_050.5, 3_051))
    (found,) = judge(scene.recording()).findings
    assert [(v.label, v.count) for v in found.victims] == [("GET /health", 1)]


def test_a_busy_machine_is_in_the_data_line() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_050, cpu=5, queue=45)
    assert judge(scene.recording()).quality.run_queue_share == 0.9


def test_a_limit_on_cpu_that_was_used_up_is_named_before_the_machine() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_050, cpu=5, queue=45, frames=AT_DUMPS)
    limit = Limit(resource=LimitedResource.CPU, amount=500, mechanism="cgroup v1", held_back_ns=30_000_000)
    found = [one for one in judge(scene.recording(limits=(limit,))).findings if one.rule == "starved"]
    assert found[0].why.startswith("its limit on CPU was used up, or the machine had none,")
    assert "--cpus" in found[0].advice
