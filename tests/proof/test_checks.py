"""Where the bottleneck went: the step that stays, the step that is somewhere else, and threads that keep the GIL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
from recordings import APP, AT_ADD, AT_SLEEP, MS, SLEEP, Scene, user

from diag.finding import Location
from diag.proof import Target, judge_remedies
from diag.recording import Attempt, Frame, Proposed, Recording, Run
from diag.remedy import Move, Remedy, RemedyResult

PLACE = Location(path="app.py", absolute=APP, line=SLEEP, function="report", text="time.sleep(0.1)")
AWAITED = user((35, "health"))


def remedy(name: str, move: Move, *, expected: bool = True) -> Remedy:
    return Remedy(
        id=name,
        name=name,
        title=name,
        culprit=PLACE,
        route="GET /report",
        move=move,
        pool=2,
        expected=expected,
    )


def trial(
    number: int, remedy_: Remedy | None, frames: Sequence[Frame], victims: float, *, hold: float = 100
) -> Run:
    """Ten seconds in which a request in each second runs a step, and others take so many ms."""
    scene = Scene()
    for second in range(1, 10):
        at = second * 1_000 + 10
        scene.request("GET /report", 5_000 + second, at - 1, at + hold + 1, app=(at, at + hold))
        if frames:
            scene.step(at, at + hold, frames=frames, port=5_000 + second)
        scene.request(
            "GET /health", 6_000 + second, at + 1, at + 1 + victims, app=(at + victims, at + 1 + victims)
        )
    return scene.run(trial=number, attempts=(Attempt(culprit=1, remedy=remedy_.id if remedy_ else ""),))


def judged(remedy_: Remedy, runs: Sequence[Run], *, alone_ms: int = 0) -> RemedyResult:
    target = Target(
        culprit=PLACE, route="GET /report", routes=("GET /report",), load="", alone_ns=(alone_ms * MS,) * 50
    )
    base = Scene().recording()
    recording: Recording = replace(
        base,
        runs=tuple(replace(run, run_id=number) for number, run in enumerate([*base.runs, *runs], start=1)),
        proposed=(
            Proposed(culprit=1, kind="culprit", value=msgspec.json.encode(target).decode()),
            Proposed(culprit=1, kind="remedy", value=msgspec.json.encode(remedy_).decode()),
        ),
    )
    ((result,),) = [one.results for one in judge_remedies(recording)]
    return result


ORIGINAL = [trial(number, None, AT_SLEEP, 100 + number) for number in (1, 2, 3)]


def test_a_step_that_is_gone_leaves_the_loop_alone() -> None:
    native = remedy("native", Move.AWAIT)
    result = judged(native, [*ORIGINAL, *(trial(n, native, (), 2 + n / 10) for n in (1, 2, 3))])
    assert 0.08 < result.original_held_share < 0.1
    assert (result.held_share, result.moved_to, result.recommended) == (0, "", True)


def test_a_step_that_stays_is_told_whatever_the_figures_say() -> None:
    """Noise may make the victims' figures look better; the same line still holds the loop."""
    zero = remedy("sleep-zero", Move.SPLIT, expected=False)
    result = judged(zero, [*ORIGINAL, *(trial(n, zero, AT_SLEEP, 40 + n) for n in (1, 2, 3))])
    assert not result.recommended
    assert result.reason.startswith("It does not move the step: the same line still holds its lane 9.")


def test_a_bottleneck_that_moved_is_named_with_its_place() -> None:
    native = remedy("native", Move.AWAIT)
    result = judged(native, [*ORIGINAL, *(trial(n, native, AT_ADD, 50 + n) for n in (1, 2, 3))])
    assert result.moved_to == "app.py:23 (total += row * row) holds the loop now"
    assert not result.recommended
    assert result.reason.startswith("It moves the bottleneck: app.py:23")


def test_threads_that_keep_the_gil_only_move_it() -> None:
    """Innocent requests wait far longer than they do without the work."""
    thread = remedy("to-thread", Move.THREAD, expected=False)
    runs = [*ORIGINAL, *(trial(n, thread, (), 40 + n) for n in (1, 2, 3))]
    result = judged(thread, runs, alone_ms=2)
    assert "holds the GIL in the loop's stead" in result.moved_to
    assert not result.recommended
    assert judged(remedy("to-thread", Move.THREAD), runs, alone_ms=2).recommended
