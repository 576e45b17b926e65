"""Figures of a cell: the blocked time is a part of the load's time, however it ended."""

from __future__ import annotations

from recordings import AT_SLEEP, LOAD_END, LOAD_START, MS, Scene

from diag.analysis.case import examine
from diag.analysis.cells import blocked_time, blocked_within
from diag.rules import judge


def test_of_a_block_that_outlasts_an_interrupted_load_only_what_lies_in_it_counts() -> None:
    """Or a loop would be blocked for more than all of its time."""
    scene = Scene()
    scene.step(LOAD_START + 100, LOAD_END + 5_000, frames=AT_SLEEP)
    recording = scene.recording()
    blocked, time = blocked_time(examine(recording, recording.runs[0]))
    assert (blocked, time) == ((LOAD_END - LOAD_START - 100) * MS, (LOAD_END - LOAD_START) * MS)
    verdict = judge(recording)
    assert verdict.blocked_ns <= verdict.window_ns


def test_the_blocked_time_of_windows_adds_up() -> None:
    """With the run-queue wait of a step spread over it."""
    scene = Scene()
    scene.step(2_000, 2_100, frames=AT_SLEEP, queue=20)
    recording = scene.recording()
    case = examine(recording, recording.runs[0])
    halves = blocked_within(case, [(0, 2_050 * MS), (2_050 * MS, 12_000 * MS)])
    assert halves == [40 * MS, 40 * MS]
    assert sum(halves) == blocked_time(case)[0]
