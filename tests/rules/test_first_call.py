"""What `first-call` finds: what the first request pays, and no later one."""

from __future__ import annotations

from recordings import AT_DUMPS, AT_SLEEP, FASTAPI, SERVER_FRAMES, SLEEP, Scene, healthy

from diag.finding import Severity, Status
from diag.rules import judge


def starting(scene: Scene, *, length: float = 200, port: int = 60_000) -> Scene:
    """A request before the load that holds the loop."""
    scene.request("GET /report", port, 499, 501 + length)
    scene.step(500, 500 + length, port=port, frames=AT_SLEEP)
    return scene


def test_a_block_before_the_load_is_a_warning_and_no_error() -> None:
    verdict = judge(starting(healthy(Scene())).recording())
    (found,) = verdict.findings
    assert (found.rule, found.severity) == ("first-call", Severity.WARNING)
    assert found.location is not None
    assert found.location.line == SLEEP
    assert found.evidence[0] == "Before the load it held the loop 200 ms, and never again."
    assert verdict.status is Status.CLEAN


def test_a_short_one_is_for_information() -> None:
    (found,) = judge(starting(healthy(Scene()), length=50).recording()).findings
    assert found.severity is Severity.INFO


def test_what_blocks_during_the_load_too_is_told_once() -> None:
    scene = starting(healthy(Scene()))
    scene.request("GET /report", 40_000, 2_999, 3_101)
    scene.step(3_000, 3_100, port=40_000, frames=AT_SLEEP)
    (found,) = judge(scene.recording()).findings
    assert (found.rule, len(found.blocks)) == ("blocked-loop", 1)


def test_the_servers_own_start_delays_nobody_and_is_not_told() -> None:
    scene = healthy(Scene())
    scene.step(300, 900, cpu=600, label="Server.serve", frames=AT_DUMPS)
    assert judge(scene.recording()).findings == ()


def test_what_a_framework_prepares_is_told_only_if_people_notice_it() -> None:
    inside = (FASTAPI, *SERVER_FRAMES)
    rules = []
    for length in (50, 200):
        scene = healthy(Scene())
        scene.request("GET /report", 60_000, 499, 801)
        scene.step(500, 500 + length, cpu=length, port=60_000, frames=inside)
        rules.append([one.rule for one in judge(scene.recording()).findings])
    assert rules == [[], ["first-call"]]
