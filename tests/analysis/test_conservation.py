"""Where requests' time went: the parts add up, whatever happened."""

from __future__ import annotations

import itertools
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import AT_GET, AT_RUN, AT_SLEEP, MS, Scene, waiter

from diag.analysis.blame import Delays
from diag.analysis.blocks import find
from diag.analysis.case import examine
from diag.analysis.conservation import conserve
from diag.analysis.timeline import read
from diag.finding import Conservation
from diag.recording import LaneKind
from diag.rules import find_all

PARTS = [f.name for f in fields(Conservation) if f.name.endswith("_ns") and f.name != "client_ns"]


def balances(scene: Scene) -> dict[str, Conservation]:
    """The balance of each route."""
    timeline = read(scene.run())
    found = find(timeline, 10 * MS)
    return {one.route: one for one in conserve(timeline, found, Delays(timeline))}


def in_ms(one: Conservation) -> dict[str, float]:
    """Its parts that are not nothing, in ms."""
    return {name: getattr(one, name) / MS for name in PARTS if getattr(one, name)}


def test_a_victim_queued_before_the_application_then_ran_then_was_sent() -> None:
    scene = Scene()
    scene.step(3_000, 3_100, frames=AT_SLEEP)
    scene.request("GET /health", 50_000, 3_040, 3_106, app=(3_101, 3_105))
    scene.step(3_102, 3_104, cpu=2, port=50_000)
    assert in_ms(balances(scene)["GET /health"]) == {
        "before_app_ns": 1,
        "queued_ns": 60,
        "own_ns": 2,
        "awaiting_ns": 2,
        "after_app_ns": 1,
    }


def test_a_task_that_was_ready_inside_was_queued_and_not_awaiting() -> None:
    scene = Scene()
    scene.request("GET /list", 50_000, 2_900, 3_200, app=(2_901, 3_200))
    scene.step(3_000, 3_100, frames=AT_SLEEP, waiters=[waiter(50_000, 3_020)])
    assert in_ms(balances(scene)["GET /list"]) == {
        "before_app_ns": 1,
        "queued_ns": 80,
        "awaiting_ns": 219,
    }


def test_time_of_a_request_that_never_reached_the_application_is_unattributed_but_for_blocks() -> None:
    scene = Scene()
    scene.step(3_000, 3_100, frames=AT_SLEEP)
    scene.request("GET /health", 50_000, 3_050, 4_050, status=-1)
    assert in_ms(balances(scene)["GET /health"]) == {"queued_ns": 50, "unattributed_ns": 950}


def test_an_answered_request_without_a_trace_spent_its_time_inside() -> None:
    scene = Scene()
    scene.request("GET /slow", 50_000, 3_000, 3_500)
    assert in_ms(balances(scene)["GET /slow"]) == {"awaiting_ns": 500}


def test_a_sync_workers_request_queues_while_the_worker_is_held() -> None:
    scene = Scene(lane_kind=LaneKind.WORKER_THREAD)
    scene.request("GET /report", 40_000, 2_999, 3_101, app=(3_000, 3_100))
    scene.step(3_000, 3_100, port=40_000, frames=AT_SLEEP)
    scene.request("GET /report", 40_001, 3_010, 3_201, app=(3_100, 3_200))
    scene.step(3_100, 3_200, port=40_001, frames=AT_SLEEP)
    one = balances(scene)["GET /report"]
    assert (one.queued_ns, one.own_ns, one.requests) == (90 * MS, 200 * MS, 2)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Anything a run may look like: steps back to back or apart, requests of any fate, any waiters."""
    kind = draw(st.sampled_from([LaneKind.ASYNCIO, LaneKind.WORKER_THREAD]))
    scene = Scene(lane_kind=kind, capacity=draw(st.integers(0, 2)))
    if kind is LaneKind.WORKER_THREAD:
        scene.lane(2, pid=100)
    ports = list(range(50_000, 50_000 + draw(st.integers(1, 6))))
    lanes = st.sampled_from([lane.lane_id for lane in scene.lanes])
    ends = {lane.lane_id: 1_000.0 for lane in scene.lanes}
    times = st.integers(900, 1_600)
    for _ in range(draw(st.integers(0, 12))):
        lane, length = draw(lanes), draw(st.integers(1, 60))
        start = ends[lane] + draw(st.sampled_from([0, 0, 0.5, 20]))
        ends[lane] = start + length
        cpu = draw(st.integers(0, length))
        waiters = draw(
            st.lists(
                st.builds(waiter, st.sampled_from([0, *ports]), st.integers(900, int(start) + length)),
                max_size=4 if kind is LaneKind.ASYNCIO else 0,
            )
        )
        scene.step(
            start,
            start + length,
            cpu=cpu,
            queue=draw(st.integers(0, length - cpu + 3)),
            gap=draw(st.sampled_from([0, 1, 2])),
            lane=lane,
            port=draw(st.sampled_from([0, *ports])),
            iteration=draw(st.integers(1, 3)),
            frames=draw(st.sampled_from([(), AT_SLEEP, AT_GET, AT_RUN])),
            waiters=waiters,
        )
    for port in ports:
        sent = float(draw(times))
        for _ in range(draw(st.integers(1, 3))):
            done = sent + draw(st.integers(0, 300))
            status = draw(st.sampled_from([200, 200, 500, -1]))
            began = draw(st.floats(sent, done))
            app = (began, draw(st.floats(began, done + 50))) if draw(st.booleans()) else None
            intended = sent - draw(st.sampled_from([0, 0, 50]))
            scene.request(
                "GET /x", port, sent, done, intended=intended, status=status, app=app, lane=draw(lanes)
            )
            sent = done + draw(st.integers(1, 50))
    return scene


@settings(max_examples=100, deadline=None)
@given(scenes())
def test_the_parts_of_every_balance_add_up_exactly_and_none_is_negative(scene: Scene) -> None:
    latencies = sum(request.done_ns - request.intended_ns for request in scene.requests)
    found = balances(scene).values()
    assert sum(one.client_ns for one in found) == latencies
    for one in found:
        assert sum(getattr(one, name) for name in PARTS) == one.client_ns
        assert all(getattr(one, name) >= 0 for name in PARTS)


@settings(max_examples=100, deadline=None)
@given(scenes())
def test_blame_never_exceeds_what_requests_waited(scene: Scene) -> None:
    recording = scene.recording()
    findings = find_all(examine(recording, recording.runs[0]))
    queued = sum(one.queued_ns for one in balances(scene).values())
    assert sum(group.total_ns for found in findings for group in found.victims) <= queued


@settings(max_examples=100, deadline=None)
@given(scenes())
def test_every_blocks_time_is_divided_among_its_culprits_exactly(scene: Scene) -> None:
    recording = scene.recording()
    case = examine(recording, recording.runs[0])
    blocks = [*case.found.blocks, *case.found.convoys, *case.found.holds]
    culprits = [*case.culprits, *case.holders]
    parts = [part for culprit in culprits for part in culprit.parts]
    assert sum(part.split.own_ns for part in parts) == sum(block.own_ns for block in blocks)
    walls = sum(held.wall_ns for block in blocks for held in block.held)
    assert sum(part.split.own_ns + part.split.run_queue_ns for part in parts) == walls
    for block in blocks:
        mine = sorted(s for part in parts if part.block is block for s in part.segments)
        assert sum(end - start for start, end in mine) == sum(held.wall_ns for held in block.held)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(mine))


@pytest.mark.parametrize("done", [0, 2_000])
def test_a_request_whose_end_was_not_written_breaks_nothing(done: float) -> None:
    scene = Scene()
    scene.request("GET /x", 50_000, 3_000, done, status=0)
    assert balances(scene)["GET /x"].client_ns == 0
