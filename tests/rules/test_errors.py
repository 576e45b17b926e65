"""What `errors` finds: failures, counted and never hidden."""

from __future__ import annotations

from recordings import Scene, healthy

from diag.finding import Severity, Status
from diag.rules import judge


def test_failures_are_counted_by_route_with_what_the_target_said() -> None:
    scene = healthy(Scene())
    scene.request("GET /item", 40_000, 3_000, 3_002, status=500)
    scene.request("GET /item", 40_001, 3_010, 3_012, status=-2)
    scene.request("GET /item", 40_002, 3_020, 3_022)
    (found,) = judge(scene.recording(errors=("KeyError: 'item'",))).findings
    assert (found.rule, found.severity, found.title) == ("errors", Severity.WARNING, "GET /item")
    assert found.why == "2 of 3 requests failed: 1 answered 500, 1 not answered"
    assert found.evidence == ("KeyError: 'item'",)


def test_failures_are_not_counted_as_throughput() -> None:
    scene = healthy(Scene(), count=10)
    for index in range(90):
        scene.request("GET /item", 40_000 + index, 3_000, 3_001, status=500)
    (cell,) = judge(scene.recording()).cells
    assert (cell.requests, cell.failed, cell.throughput) == (10, 90, 1.0)


def test_a_route_of_which_every_request_failed_is_unmeasured() -> None:
    scene = healthy(Scene())
    scene.request("GET /item", 40_000, 3_000, 3_002, status=500)
    by_route = {one.route: one for one in judge(scene.recording()).handlers}
    assert by_route["GET /item"].status is Status.UNMEASURED
    assert by_route["GET /item"].reason == "it failed: 1 request, mostly answered 500"


def test_no_failure_is_no_finding() -> None:
    assert judge(healthy(Scene()).recording()).findings == ()
