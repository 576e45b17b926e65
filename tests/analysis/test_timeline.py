"""How steps, stacks, requests and their server sides are joined."""

from __future__ import annotations

from dataclasses import replace

import pytest
from recordings import AT_SLEEP, MS, Scene, healthy

from diag.analysis.timeline import clamp_readings, read
from diag.recording import CLOSED_UNDER, Step
from diag.rules import judge


def step(wall: float, cpu: float | None, queue: float | None, gap: float) -> Step:
    """A step with these readings."""
    scene = Scene(canary=False)
    scene.step(3_000, 3_000 + wall, cpu=cpu, queue=queue, gap=gap)
    return scene.steps[0]


@pytest.mark.parametrize(
    ("wall", "cpu", "queue", "gap", "expected"),
    [
        (20, 20, 0, 0, (20, 0)),
        (20, 21, 0, 1, (20, 0)),
        (20, 10, 15, 1, (9, 11)),
        (20, 5, 90, 1, (4, 16)),
        (20, 15, 5.5, 1, (14.5, 5.5)),
        (20, None, 5, 0, (None, 5)),
        (20, 10, None, 0, (10, 0)),
    ],
    ids=[
        "they fit",
        "cpu of the gap",
        "more than the gap: the rest from the queue",
        "longer than the step",
        "cpu before queue",
        "no cpu",
        "no queue",
    ],
)
def test_readings_are_cut_to_their_step(
    wall: float, cpu: float | None, queue: float | None, gap: float, expected: tuple[float | None, float]
) -> None:
    found_cpu, found_queue = clamp_readings(step(wall, cpu, queue, gap))
    assert (None if found_cpu is None else found_cpu / MS, found_queue / MS) == expected


def test_a_step_knows_the_route_of_the_request_under_way_on_its_port() -> None:
    scene = Scene()
    scene.request("GET /a", 40_000, 3_000, 3_050)
    scene.request("GET /b", 40_000, 3_060, 3_150)
    scene.step(3_061, 3_100, port=40_000)
    assert [held.route for held in read(scene.run()).held if not held.canary] == ["GET /b"]


def test_a_step_after_its_request_was_answered_belongs_to_none() -> None:
    scene = Scene()
    scene.request("GET /a", 40_000, 3_000, 3_050)
    scene.step(3_060, 3_100, port=40_000)
    assert [held.route for held in read(scene.run()).held if not held.canary] == [""]


def test_two_requests_sent_in_the_same_nanosecond_stay_two() -> None:
    scene = Scene()
    for port in (40_000, 40_001):
        scene.request(f"GET /{port}", port, 3_000, 3_100)
        scene.step(3_010 + port - 40_000, 3_011 + port - 40_000, port=port)
    assert [held.route for held in read(scene.run()).held if not held.canary] == ["GET /40000", "GET /40001"]


def test_stacks_belong_to_the_step_in_which_they_were_asked_for_on_its_lane() -> None:
    scene = Scene()
    scene.lane(2, pid=200)
    scene.stack(3_005, AT_SLEEP)
    scene.stack(3_006, AT_SLEEP, lane=2)
    scene.step(3_000, 3_010)
    scene.step(3_010.5, 3_020)
    assert [len(held.stacks) for held in read(scene.run()).held if not held.canary] == [1, 0]


def test_steps_of_an_unknown_lane_or_without_length_are_left_out() -> None:
    scene = Scene(canary=False)
    scene.step(3_000, 3_000)
    scene.steps.append(replace(scene.steps[0], lane_id=9, end_ns=4_000 * MS))
    assert read(scene.run()).held == ()


def test_the_window_ends_with_the_last_answer_after_the_load() -> None:
    scene = Scene()
    scene.request("GET /a", 40_000, 10_990, 12_000)
    assert read(scene.run()).window == (1_000 * MS, 12_000 * MS)


def test_a_request_that_crossed_the_closing_of_its_connection_counts_nowhere() -> None:
    scene = healthy(Scene())
    scene.request("POST /orders", 50_000, 3_000, 3_001, status=CLOSED_UNDER)
    recording = scene.recording()
    assert {e.request.route for e in read(recording.runs[0]).exchanges} == {"GET /health"}
    assert judge(recording).findings == ()
