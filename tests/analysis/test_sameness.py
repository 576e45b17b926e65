"""Whether a remedy keeps the answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from recordings import Scene

from diag.analysis.sameness import compare_answers
from diag.recording import Answer, Request, Run


def answer(body: str, *, route: str = "GET /a", number: int = 1, status: int = 200) -> Answer:
    return Answer(
        route=route, number=number, status=status, content_type="text/plain", sha256=body, excerpt=body
    )


def run(*answers: Answer, statuses: tuple[int, ...] = ()) -> Run:
    """A run of which nothing is known but its answers."""
    request = Request(
        stream="app", route="GET /a", port=1, intended_ns=1, sent_ns=1, first_byte_ns=2, done_ns=2, status=0,
        body_bytes=0,
    )  # fmt: skip
    bare = Scene().recording().runs[0]
    return replace(bare, answers=answers, requests=tuple(replace(request, status=one) for one in statuses))


def test_equal_answers_are_equal() -> None:
    same = run(answer("x"), answer("x", number=2))
    assert compare_answers([same, same], [same]).equal is True


def test_another_body_is_a_difference() -> None:
    found = compare_answers([run(answer("slept"))], [run(answer("null"))])
    assert (found.equal, found.difference) == (False, "GET /a answers “null” instead of “slept”")


def test_another_status_is_a_difference() -> None:
    found = compare_answers([run(answer("x"))], [run(answer("x", status=500))])
    assert (found.equal, found.difference) == (False, "GET /a answers 500 instead of 200")


def test_a_counter_is_compared_request_by_request() -> None:
    """1 to the first and 2 to the second, in every run."""
    counting = run(answer("1"), answer("2", number=2))
    assert compare_answers([counting, counting], [counting]).equal is True
    assert compare_answers([counting], [run(answer("1"), answer("1", number=2))]).equal is False


def test_answers_that_differ_as_written_cannot_be_compared() -> None:
    """But a new status among them is still seen."""
    originals = [run(answer("12:00")), run(answer("12:01"))]
    found = compare_answers(originals, [run(answer("12:02"))])
    assert found.equal is None
    assert "GET /a answers differently each time" in found.difference
    assert compare_answers(originals, [run(answer("x", status=404))]).equal is False


@pytest.mark.parametrize(("status", "words"), [(500, "gave 500 2 times"), (-9, "gave no answer 2 times")])
def test_failures_under_load_alone_are_a_difference(status: int, words: str) -> None:
    original = run(answer("x"), statuses=(200, 200, 200))
    found = compare_answers([original], [run(answer("x"), statuses=(200, status, status))])
    assert found.equal is False
    assert words in found.difference


def test_without_answers_nothing_can_be_told() -> None:
    assert compare_answers([run()], [run()]).equal is None
