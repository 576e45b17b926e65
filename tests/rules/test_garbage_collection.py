"""What `garbage-collection` finds: collections that hold the loop, at nobody's line."""

from __future__ import annotations

import pytest
from recordings import AT_DUMPS, MS, Scene, healthy

from diag.finding import Severity, Status
from diag.rules import judge


@pytest.mark.parametrize("tid", [100, 101], ids=["in the loop's thread", "in another thread"])
def test_a_step_that_only_a_collection_made_long_is_no_lines_fault(tid: int) -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_030, cpu=30, frames=AT_DUMPS)
    scene.collection(3_004, 3_029, tid=tid)
    verdict = judge(scene.recording())
    (found,) = verdict.findings
    assert (found.rule, found.severity, found.location) == ("garbage-collection", Severity.WARNING, None)
    assert found.evidence[0] == "The longest collection took 25 ms."
    assert verdict.status is Status.CLEAN


def test_who_waited_for_it_is_told() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_030, cpu=30)
    scene.collection(3_004, 3_029)
    scene.request("GET /health", 50_000, 3_010, 3_032, app=(3_030.5, 3_031))
    (found,) = judge(scene.recording()).findings
    assert [(v.label, v.total_ns) for v in found.victims] == [("GET /health", 20 * MS)]


def test_what_is_long_without_the_collection_too_stays_a_block() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_060, cpu=60, frames=AT_DUMPS)
    scene.collection(3_004, 3_029)
    assert [one.rule for one in judge(scene.recording()).findings] == ["blocked-loop"]


def test_a_collection_in_another_process_is_none_of_its_business() -> None:
    scene = healthy(Scene())
    scene.step(3_000, 3_030, cpu=30, frames=AT_DUMPS)
    scene.collection(3_004, 3_029, pid=200)
    assert [one.rule for one in judge(scene.recording()).findings] == ["blocked-loop"]
