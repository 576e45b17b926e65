"""What trials of remedies come to: figures, differences, the recommendation, and what speaks against others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest
from recordings import Scene

from diag.finding import Location
from diag.proof import Target, judge_remedies
from diag.recording import (
    Answer,
    Attempt,
    Pickling,
    ProcessSample,
    Proposed,
    Recording,
    Request,
    Run,
    RunStatus,
)
from diag.remedy import Move, Remedy, RemedyResult, Tried

MS = 1_000_000
START = 1_000 * MS
PLACE = Location(path="app.py", absolute="/srv/app.py", line=7, function="slow", text="time.sleep(1)")
BASE = replace(
    Scene().recording().runs[0], status=RunStatus.DONE, load_started_ns=START, load_ended_ns=START * 3
)


def remedy(name: str, **values: object) -> Remedy:
    fields: dict[str, object] = {"move": Move.AWAIT, **values}
    return Remedy(id=f"{name}@app.py:7", name=name, title=name, culprit=PLACE, route="GET /slow", **fields)  # type: ignore[arg-type]


def requests(route: str, latency_ms: float, count: int = 50) -> list[Request]:
    """One every 20 ms, most of them a little faster than the slowest."""
    made = []
    for number in range(count):
        sent = START + number * 20 * MS
        done = sent + round(latency_ms * MS * (0.9 + 0.1 * number / count))
        made.append(
            Request(
                stream="app", route=route, port=1, intended_ns=sent, sent_ns=sent, first_byte_ns=done,
                done_ns=done, status=200, body_bytes=1,
            )
        )  # fmt: skip
    return made


def trial(number: int, remedy_: Remedy | None, victims_ms: float, *, body: str = "ok", slow: int = 20) -> Run:
    said = Answer(route="GET /slow", number=1, status=200, content_type="", sha256=body, excerpt=body)
    return replace(
        BASE,
        trial=number,
        requests=(*requests("GET /health", victims_ms), *requests("GET /slow", 100, slow)),
        attempts=(Attempt(culprit=1, remedy=remedy_.id if remedy_ else ""),),
        answers=(said,),
        samples=(ProcessSample(at_ns=START, cpu_ns=0, rss_bytes=50_000_000, processes=1),),
    )


def recording(remedies: Sequence[Remedy], runs: Sequence[Run], *, predicted_ms: int = 0) -> Recording:
    target = Target(culprit=PLACE, route="GET /slow", routes=("GET /slow",), load="70 arrivals as recorded")
    rows = [Proposed(culprit=1, kind="culprit", value=msgspec.json.encode(target).decode())]
    rows += [
        Proposed(
            culprit=1, kind="remedy", value=msgspec.json.encode(one).decode(), predicted_ns=predicted_ms * MS
        )
        for one in remedies
    ]
    numbered = [replace(run, run_id=number) for number, run in enumerate([BASE, *runs], start=1)]
    return replace(Scene().recording(), runs=tuple(numbered), proposed=tuple(rows))


def tried(remedies: Sequence[Remedy], runs: Sequence[Run], **values: int) -> Tried:
    (found,) = judge_remedies(recording(remedies, runs, **values))
    return found


def three(remedy_: Remedy | None, *victims_ms: float, body: str = "ok") -> list[Run]:
    return [trial(number, remedy_, each, body=body) for number, each in enumerate(victims_ms, start=1)]


ORIGINAL = three(None, 300, 310, 290)


def only(found: Tried) -> RemedyResult:
    (result,) = found.results
    return result


def test_what_helps_is_recommended_with_its_figures() -> None:
    """The median of the trials with its interval, the change, and the prediction's error."""
    native = remedy("native")
    found = tried([native], [*ORIGINAL, *three(native, 3, 4, 3.5)], predicted_ms=4)
    result = only(found)
    assert found.recommended is result
    assert found.trials == result.runs == 3
    assert result.victim_p99_ns.low <= result.victim_p99_ns.value <= result.victim_p99_ns.high
    assert result.victim_p99_ns.value == pytest.approx(3.5 * MS, rel=0.01)
    assert result.original_victim_p99_ns.value == pytest.approx(300 * MS, rel=0.01)
    assert 0.005 < result.change.low < result.change.value < result.change.high < 0.05
    assert result.prediction_error == pytest.approx(4 / 3.5 - 1, abs=0.02)
    assert result.answers_equal is True
    assert "the answers are the same" in result.reason


def test_what_changes_nothing_is_not_recommended() -> None:
    zero = remedy("sleep-zero", move=Move.SPLIT, expected=False)
    found = tried([zero], [*ORIGINAL, *three(zero, 290, 315, 300)])
    assert found.recommended is None
    assert only(found).reason.startswith("No difference seen")


def test_what_makes_it_worse_says_so() -> None:
    worse = remedy("to-thread")
    assert only(tried([worse], [*ORIGINAL, *three(worse, 900, 930, 870)])).reason.startswith(
        "It makes it worse"
    )


def test_what_changes_answers_is_not_recommended_however_fast() -> None:
    native = remedy("native")
    result = only(tried([native], [*ORIGINAL, *three(native, 3, 4, 3, body="null")]))
    assert not result.recommended
    assert result.answers_equal is False
    assert "“null” instead of “ok”" in result.reason


def test_of_two_that_help_alike_the_first_is_recommended() -> None:
    """Proposals begin with the most promising; a change that may alter the meaning comes last."""
    native, thread = remedy("native"), remedy("to-thread", move=Move.THREAD)
    runs = [*ORIGINAL, *three(native, 4, 4.2, 4.1), *three(thread, 3, 3.2, 3.1)]
    found = tried([native, thread], runs)
    assert found.recommended is not None
    assert found.recommended.remedy.name == "native"
    assert "helps as much" in found.results[1].reason
    unsafe = replace(native, safe=False)
    other = tried([unsafe, thread], runs)
    assert other.recommended is not None
    assert other.recommended.remedy.name == "to-thread"


def test_what_helps_less_gives_the_better_ones_figure() -> None:
    thread, process = remedy("to-thread", expected=False), remedy("process-pool", move=Move.PROCESS)
    found = tried([process, thread], [*ORIGINAL, *three(process, 5, 6, 5), *three(thread, 60, 70, 65)])
    assert found.recommended is not None
    assert found.recommended.remedy.name == "process-pool"
    assert found.results[1].reason.startswith("It helps less")


def test_a_remedy_that_cannot_be_served_is_told_with_the_reason() -> None:
    native = remedy("native")
    failed = replace(
        trial(1, native, 3), status=RunStatus.FAILED, failure="the app could not be loaded", requests=()
    )
    result = only(tried([native], [*ORIGINAL, failed]))
    assert not result.recommended
    assert "the app could not be loaded" in result.reason


def test_trials_that_were_interrupted_still_count_as_far_as_they_went() -> None:
    """Two pairs are two pairs; a run that was broken off is none."""
    native = remedy("native")
    broken = replace(trial(3, native, 3), status=RunStatus.INTERRUPTED)
    assert only(tried([native], [*ORIGINAL, *three(native, 3, 4), broken])).runs == 2


def test_where_all_requests_are_the_culprits_they_are_the_victims() -> None:
    native = remedy("native")

    def alone(run: Run) -> Run:
        return replace(run, requests=tuple(one for one in run.requests if one.route == "GET /slow"))

    found = tried([native], [alone(run) for run in (*ORIGINAL, *three(native, 3, 3, 3))])
    assert found.victims == "all requests: there are no others"
    assert only(found).reason.startswith("No difference seen")


def test_pickling_memory_and_the_pools_queue_are_told() -> None:
    process = remedy("process-pool", move=Move.PROCESS, pool=2)
    runs = [
        replace(run, pickling=(Pickling(messages=10, octets=1_000, ns=2 * MS),))
        for run in three(process, 3, 3, 3)
    ]
    said = " ".join(only(tried([process], [*ORIGINAL, *runs])).checks)
    assert "Pickling: 0.20 ms and 100 B a message, 30 messages." in said
    assert "Memory: 50 MB in 1 process, 50 MB as written." in said
    assert "2 processes were all taken" in said


def test_a_culprit_that_was_left_for_later_is_named() -> None:
    later = recording([], [])
    note = Proposed(culprit=1, kind="not-tried", value="Mend the others first.")
    (found,) = judge_remedies(replace(later, proposed=(*later.proposed, note)))
    assert (found.route, found.results, found.notes) == ("GET /slow", (), ("Mend the others first.",))
    assert found.recommended is None


def test_a_recording_without_trials_has_tried_nothing() -> None:
    assert judge_remedies(Scene().recording()) == ()
