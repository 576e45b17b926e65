"""Two recordings compared: large differences are claimed, chance and the machine are not, nor what cannot be."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations

import pytest
from recordings import AT_ADD, AT_SLEEP, LOAD_END, LOAD_START, MS, SOURCE, Scene

from diag.analysis.changes import compare
from diag.analysis.comparability import Judged
from diag.analysis.windows import Draws, Windows, interval, window_length
from diag.change import Change, Direction, Fate
from diag.finding import Severity
from diag.recording import LoadSummary, Recording
from diag.rules import judge


def judged(recording: Recording, *, run_queue: float = 0.0) -> Judged:
    """A recording with its verdict, on a machine that left the loop waiting for a CPU for a share of its time."""
    verdict = judge(recording)
    return Judged(
        recording=recording,
        verdict=replace(verdict, quality=replace(verdict.quality, run_queue_share=run_queue)),
    )


def served(
    *, seed: int, latency: float = 20, spread: float = 0.3, blocks: float = 0, route: str = "GET /a"
) -> Scene:
    """Requests of one route over 10 s, their latencies drawn, those of a second alike: some seconds are slow."""
    draw = random.Random(seed)
    scene = Scene()
    at = float(LOAD_START + 10)
    slow = 1.0
    while at < LOAD_END - 300:
        if draw.random() < 0.02:
            slow = draw.choice((1.0, 1.0, 1.5))
        took = latency * slow * draw.uniform(1 - spread, 1 + spread)
        scene.request(route, 30_000 + len(scene.requests), at, at + took)
        at += draw.uniform(5, 15)
    if blocks:
        for start in range(LOAD_START + 50, LOAD_END - 300, 500):
            scene.step(start, start + blocks, frames=AT_SLEEP, label="report", port=1)
    return scene


def change(before: Scene, after: Scene) -> Change:
    """What became of one scene and another."""
    return compare(judged(before.recording()), judged(after.recording()))


def test_twice_as_slow_is_worse_and_half_is_improved() -> None:
    """With the figures of both, and an interval that holds the effect."""
    slow, fast = served(seed=1, latency=40), served(seed=2, latency=20)
    worse = change(fast, slow)
    assert (worse.direction, worse.exit_code) == (Direction.WORSE, 1)
    (route,) = worse.routes
    assert 1.8 < route.p50.effect < 2.3
    assert 1.5 < route.p50.low < route.p50.effect < route.p50.high < 2.6
    better = change(slow, fast)
    assert (better.direction, better.exit_code) == (Direction.IMPROVED, 0)


def test_runs_of_the_same_code_are_not_called_different() -> None:
    """Not one pair of six runs whose seconds differ by half."""
    runs = [judged(served(seed=seed).recording()) for seed in range(10, 16)]
    found = [compare(a, b).direction for a, b in combinations(runs, 2)]
    assert set(found) == {Direction.NONE}


def test_what_a_busy_machine_may_have_done_is_not_claimed() -> None:
    """Twice as slow, and the loop waited for a CPU for half of its time: that is the same code."""
    before, after = served(seed=1, latency=20).recording(), served(seed=2, latency=40).recording()
    busy = compare(judged(before), judged(after, run_queue=0.5))
    assert busy.direction is Direction.NONE
    assert any("The machine was busy" in note for note in busy.notes)
    # The other way round it speaks for the difference.
    assert compare(judged(before, run_queue=0.5), judged(after)).direction is Direction.WORSE


def test_a_block_that_is_gone_is_an_improvement_and_a_new_one_is_worse() -> None:
    """And the share of the blocked time says so as well."""
    blocked, clean = served(seed=1, blocks=100), served(seed=2)
    better = change(blocked, clean)
    assert better.direction is Direction.IMPROVED
    assert [one.fate for one in better.findings] == [Fate.GONE]
    assert better.blocked is not None
    assert better.blocked.direction is Direction.IMPROVED
    assert better.blocked.high < 0
    worse = change(clean, blocked)
    assert worse.direction is Direction.WORSE
    assert [one.fate for one in worse.findings] == [Fate.NEW]


def test_a_finding_is_known_by_its_function_and_text_wherever_it_moved() -> None:
    """Lines above it and another file's name do not make it new."""
    before = served(seed=1, blocks=100)
    moved = served(seed=2)
    moved.sources = {"/srv/shop/other.py": "\n\n\n" + SOURCE}
    frames = [replace(f, path="/srv/shop/other.py", line=f.line + 3) if f.line == 10 else f for f in AT_SLEEP]
    for start in range(LOAD_START + 50, LOAD_END - 300, 500):
        moved.step(start, start + 100, frames=frames, label="report", port=1)
    (one,) = change(before, moved).findings
    assert one.fate is Fate.SAME
    assert one.after is not None
    assert one.after.location is not None
    assert (one.after.location.path, one.after.location.line) == ("other.py", 13)


def test_a_finding_whose_blocks_are_shorter_has_changed() -> None:
    """As has one whose line was rewritten."""
    (one,) = change(served(seed=1, blocks=100), served(seed=2, blocks=40)).findings
    assert (one.fate, one.note) == (Fate.CHANGED, "Its blocks are shorter.")
    rewritten = served(seed=2, blocks=100)
    rewritten.sources = {"/srv/shop/app.py": SOURCE.replace("time.sleep(0.1)", "time.sleep(0.1)  # still")}
    (one,) = change(served(seed=1, blocks=100), rewritten).findings
    assert (one.fate, one.note) == (Fate.CHANGED, "Its line is another.")


def test_a_finding_of_a_route_that_was_not_driven_again_is_not_gone() -> None:
    """Nothing is known of it."""
    before = served(seed=1)
    for number, start in enumerate(range(2_000, 9_000, 500)):
        before.request("GET /b", 50_000 + number, start - 1, start + 101, app=(start, start + 100))
        before.step(start, start + 100, frames=AT_ADD, cpu=100, port=50_000 + number)
    found = change(before, served(seed=2))
    assert [one.fate for one in found.findings] == [Fate.UNDRIVEN]
    assert any("GET /b" in note for note in found.notes)
    assert found.findings[0].before is not None
    assert found.findings[0].before.severity is Severity.ERROR


def test_few_answers_and_short_runs_are_told_nothing_of() -> None:
    """Nor does a generator at its limit tell of the server."""
    few, many = Scene(), served(seed=1)
    for index in range(10):
        few.request("GET /a", 40_000 + index, 2_000 + 500 * index, 2_040 + 500 * index)
    (route,) = change(few, many).routes
    assert route.direction is Direction.UNKNOWN
    assert route.p50.reason == "fewer than 20 answers"
    bound = LoadSummary(wall_ns=1, cpu_ns=1, lag_p99_ns=0, reconnects=0, generator_bound=True)
    other = served(seed=2, latency=90).recording(load=bound)
    (route,) = compare(judged(many.recording()), judged(other)).routes
    assert route.p50.reason == "the load generator was the limit"


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"python": "3.12.1"}, "different Pythons: CPython 3.11.7 before, CPython 3.12.1 after"),
        ({"cores": 4}, "different cores: 2 before, 4 after"),
        ({"platform": "other"}, "different machines: linux before, other after"),
        ({"memory_bytes": 1 << 30}, "different memory"),
    ],
)
def test_other_machines_are_not_comparable(what: dict[str, object], reason: str) -> None:
    """And it is said what differs."""
    first, second = served(seed=1).recording(), served(seed=2).recording()
    machine = replace(second.meta.machine, **what)  # type: ignore[arg-type]
    found = compare(judged(first), judged(replace(second, meta=replace(second.meta, machine=machine))))
    assert (found.direction, found.exit_code) == (Direction.UNKNOWN, 2)
    assert reason in found.reasons[0]


def test_other_loads_and_unmeasured_runs_are_not_comparable() -> None:
    """Nor are a script and an app, or routes that have nothing in common."""
    first, second = served(seed=1).recording(), served(seed=2).recording()
    (run,) = second.runs
    other = replace(second, runs=(replace(run, cell=replace(run.cell, load="closed, 5 users")),))
    assert compare(judged(first), judged(other)).reasons == (
        "The load differs: closed, 20 users before, closed, 5 users after.",
    )
    blind = served(seed=3)
    blind.canaries.clear()
    blind.steps.clear()
    assert compare(judged(first), judged(blind.recording())).exit_code == 2
    elsewhere = served(seed=4, route="GET /z").recording()
    assert compare(judged(first), judged(elsewhere)).reasons == ("No route was driven in both.",)


def test_another_server_is_named_as_what_may_have_made_the_difference() -> None:
    """It can be compared, and need not be the code."""
    first, second = served(seed=1).recording(), served(seed=2).recording()
    (run,) = second.runs
    other = replace(second, runs=(replace(run, cell=replace(run.cell, loop="uvloop")),))
    notes = compare(judged(first), judged(other)).notes
    assert any("loop asyncio before, uvloop after" in note for note in notes)


def test_one_run_each_is_said_to_be_weak() -> None:
    """Always, for recordings of `diag explain` have one run of each cell."""
    assert "one run each" in change(served(seed=1), served(seed=2)).notes[0]


def test_windows_hold_their_level_where_single_requests_do_not() -> None:
    """Of delays that come in runs, the interval over windows holds the truth about as often as it says."""
    window = (0, 10_000 * MS)
    held = 0
    for seed in range(40):
        draw = random.Random(seed)
        moments = [round(at * MS) for at in range(0, 10_000, 10)]
        levels = [draw.uniform(10, 30) for _ in range(40)]
        latencies = [round(levels[at // (250 * MS)] * MS) for at in moments]
        draws = Draws(Windows.of(window, window_length(10_000 * MS, 125 * MS)), seed)
        low, high = interval(draws.percentiles(moments, latencies, 0.5), 0.05)
        held += low <= 20 * MS <= high
    assert held >= 33  # of 40, at 95 %: fewer is as likely as 1 in 1,000
