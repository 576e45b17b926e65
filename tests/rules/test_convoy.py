"""What `convoy` finds: many short steps that hold the loop together."""

from __future__ import annotations

import pytest
from recordings import ADD, AT_ADD, AT_DUMPS, DUMPS, MS, Scene, healthy

from diag.finding import Cause, Severity, Status
from diag.rules import judge


def convoy(
    lengths: list[float], *, ports: tuple[int, ...] = (40_000,), gap: float = 0, label: str = "step"
) -> Scene:
    """A scene with one iteration of steps of these lengths."""
    scene = healthy(Scene())
    at = 3_000.0
    for port in set(ports):
        scene.request(f"GET /{port}", port, 2_999, 3_300)
    for index, length in enumerate(lengths):
        port = ports[index % len(ports)]
        scene.step(at, at + length, cpu=length, port=port, iteration=7, label=label, frames=AT_ADD, every=4)
        at += length + gap
    return scene


def test_short_steps_of_one_iteration_are_one_convoy() -> None:
    (found,) = judge(convoy([5] * 20).recording()).findings
    assert found.rule == "convoy"
    assert found.location is not None
    assert found.location.line == ADD
    assert [(block.steps, block.own_ns) for block in found.blocks] == [(20, 100 * MS)]
    assert found.evidence[0] == "At worst 20 steps of about 5.0 ms in one iteration: 100 ms."


def test_a_convoy_made_by_one_request_is_an_error() -> None:
    verdict = judge(convoy([5] * 20).recording())
    assert verdict.findings[0].severity is Severity.ERROR
    assert verdict.status is Status.BLOCKED


def test_a_convoy_of_many_requests_is_a_warning_about_the_load() -> None:
    verdict = judge(convoy([5] * 20, ports=tuple(range(40_000, 40_020))).recording())
    assert verdict.findings[0].severity is Severity.WARNING
    assert "many requests" in verdict.findings[0].advice
    assert verdict.status is Status.CLEAN


@pytest.mark.parametrize(
    ("lengths", "gap"),
    [([5] * 5, 0), ([9.9] * 3, 0), ([5] * 20, 2)],
    ids=[
        "25 ms are not long enough",
        "three steps are too few",
        "a third of the iteration is something else",
    ],
)
def test_what_is_no_convoy_is_not_reported(lengths: list[float], gap: float) -> None:
    assert judge(convoy(lengths, gap=gap).recording()).findings == ()


def test_siblings_slightly_above_the_threshold_belong_to_the_convoy() -> None:
    (found,) = judge(convoy([8, 8, 11, 8, 8, 12, 8, 8]).recording()).findings
    assert found.rule == "convoy"
    assert [block.steps for block in found.blocks] == [8]


def test_a_sibling_that_is_much_longer_is_a_block_of_its_own() -> None:
    scene = convoy([8] * 8)
    scene.step(3_064, 3_104, cpu=40, iteration=7, label="step", frames=AT_DUMPS)
    found = {(one.rule, one.location.line) for one in judge(scene.recording()).findings if one.location}
    assert found == {("convoy", ADD), ("blocked-loop", DUMPS)}


def test_the_same_code_slightly_above_the_threshold_elsewhere_is_the_convoys_too() -> None:
    scene = convoy([8] * 20)
    scene.step(4_000, 4_012, cpu=12, port=40_000, label="step", frames=AT_ADD)
    (found,) = judge(scene.recording()).findings
    assert found.rule == "convoy"
    assert len(found.blocks) == 2


def test_a_blocks_shorter_runs_do_not_make_a_convoy_beside_it() -> None:
    scene = convoy([9] * 4)
    for index in range(10):
        scene.step(4_000 + 50 * index, 4_014 + 50 * index, cpu=14, port=40_000, frames=AT_ADD)
    (found,) = judge(scene.recording()).findings
    assert found.rule == "blocked-loop"
    assert "1 of these blocks is a row of shorter steps." in found.evidence


def test_a_few_steps_that_the_machine_froze_stay_part_of_a_much_larger_convoy() -> None:
    scene = convoy([5] * 60)
    scene.step(4_000, 4_060, cpu=60, port=40_000, label="step", frames=AT_ADD)
    (found,) = judge(scene.recording()).findings
    assert (found.rule, len(found.blocks)) == ("convoy", 2)


def test_steps_of_one_iteration_are_split_by_cause_as_one() -> None:
    (found,) = judge(convoy([5] * 20).recording()).findings
    assert [(share.cause, share.ns) for share in found.causes] == [(Cause.CPU, 100 * MS)]


def test_who_waits_behind_a_convoy_waits_for_all_of_it() -> None:
    scene = convoy([5] * 20)
    scene.request("GET /health", 50_000, 3_010, 3_102, app=(3_100.2, 3_101))
    (found,) = judge(scene.recording()).findings
    assert [(v.label, v.total_ns) for v in found.victims] == [("GET /health", 90 * MS)]
