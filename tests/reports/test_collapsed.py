"""Collapsed stacks: one line a stack, and weights that are nanoseconds of wall time."""

from __future__ import annotations

from dataclasses import replace

from recordings import AT_ADD, AT_SLEEP, MS, Scene

from diag.reports.collapsed import pieces


def read(scene: Scene) -> dict[str, int]:
    """Weights by stack."""
    lines = "".join(pieces(scene.recording())).splitlines()
    pairs = [line.rpartition(" ") for line in lines]
    assert len({stack for stack, _, _ in pairs}) == len(pairs)
    return {stack: int(weight) for stack, _, weight in pairs}


def test_a_stack_weighs_its_durations() -> None:
    """Two blocks of 100 ms at one line are one line of 200 ms, outermost frame first."""
    scene = Scene()
    scene.step(2_000, 2_100, frames=AT_SLEEP)
    scene.step(3_000, 3_100, frames=AT_SLEEP)
    scene.step(4_000, 4_050, frames=AT_ADD, cpu=50)
    found = read(scene)
    assert sum(found.values()) == 250 * MS
    (slept,) = [stack for stack in found if stack.endswith("report (app.py:10)")]
    assert found[slept] == 200 * MS
    assert slept.startswith("app;report;")


def test_a_semicolon_in_a_name_makes_no_frame() -> None:
    """Nor does a line end make a line."""
    scene = Scene(sources={})
    frames = [replace(frame, function="a;b\nc 7") for frame in AT_SLEEP]
    scene.step(2_000, 2_100, frames=frames)
    ((stack, weight),) = read(scene).items()
    assert weight == 100 * MS
    assert stack.count(";") == 1 + len(frames) - 1  # diag's own frame is left out


def test_nothing_blocked_is_an_empty_file() -> None:
    """As flamegraph.pl would say: no stack counts found."""
    assert read(Scene()) == {}
