"""The profile for speedscope: as its schema says, with durations for weights."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
from recordings import AT_ADD, AT_GET, AT_SLEEP, MS, Scene

from diag.recording import Recording
from diag.reports.speedscope import pieces

SCHEMA = json.loads(
    (Path(__file__).parent / "vendored/speedscope-1.25.0/file-format-schema.json").read_text(encoding="utf-8")
)


def exported(recording: Recording) -> dict[str, Any]:
    """The file, validated, with every profile's frames closed in the order that speedscope demands."""
    document: dict[str, Any] = json.loads("".join(pieces(recording)))
    jsonschema.validate(document, SCHEMA)
    for profile in document["profiles"]:
        open_frames: list[int] = []
        for event in profile["events"]:
            if event["type"] == "O":
                open_frames.append(event["frame"])
            else:
                assert open_frames.pop() == event["frame"]
        assert open_frames == []
        times = [event["at"] for event in profile["events"]]
        assert all(before <= after for before, after in pairwise(times))
        assert all(profile["startValue"] <= at <= profile["endValue"] for at in times)
    return document


def total_of(document: dict[str, Any], name: str) -> int:
    """For how long a function was on the stack, in ns."""
    wanted = {i for i, frame in enumerate(document["shared"]["frames"]) if frame["name"] == name}
    total = 0
    for profile in document["profiles"]:
        for event in profile["events"]:
            if event["frame"] in wanted:
                total += event["at"] * (1 if event["type"] == "C" else -1)
    return total


def test_a_functions_time_is_its_blocks_wall_time() -> None:
    """Not the number of looks at it: one block has 19 stacks and the other 3."""
    scene = Scene()
    scene.step(2_000, 2_100, frames=AT_SLEEP, label="task")
    scene.step(3_000, 3_100, frames=AT_SLEEP, every=25, label="task")
    assert total_of(exported(scene.recording()), "report") == 200 * MS


def test_a_block_of_two_lines_is_divided_in_the_middle_between_their_stacks() -> None:
    """Where the change was is not known; the middle is the mean."""
    scene = Scene()
    scene.stack(2_020, AT_GET)
    scene.stack(2_060, AT_SLEEP)
    scene.step(2_000, 2_100, label="task")
    document = exported(scene.recording())
    assert abs(total_of(document, "load") - 40 * MS) < MS
    assert abs(total_of(document, "report") - 100 * MS) < MS


def test_what_the_machine_did_not_run_is_named_and_not_charged_to_a_line() -> None:
    """The run-queue wait has a frame of its own."""
    scene = Scene()
    scene.step(2_000, 2_100, cpu=70, queue=30)
    document = exported(scene.recording())
    assert total_of(document, "(waiting for a CPU: the machine ran something else)") == 30 * MS
    assert total_of(document, "(no stack was taken)") == 100 * MS


def test_a_recording_without_blocks_is_a_file_that_speedscope_takes() -> None:
    """It refuses one without a profile."""
    assert len(exported(Scene().recording())["profiles"]) == 1


def test_lanes_and_runs_are_profiles_of_their_own() -> None:
    """Each is named for its run and thread."""
    scene = Scene()
    scene.lane(2, pid=200)
    scene.step(2_000, 2_100, frames=AT_SLEEP)
    scene.step(2_050, 2_150, frames=AT_ADD, cpu=100, lane=2)
    names = [profile["name"] for profile in exported(scene.recording())["profiles"]]
    assert names == [f"app: asyncio loop, thread {pid} of process {pid}" for pid in (100, 200)]


def test_hostile_text_is_harmless() -> None:
    """Names are cut, and hold no control characters."""
    bad = "</script>\x1b[2J\u202e\x00" + "A" * 1_000_000
    scene = Scene(sources={})
    scene.step(2_000, 2_100, label=bad, frames=[replace(frame, function=bad) for frame in AT_SLEEP])
    document = exported(scene.recording())
    assert all(
        frame["name"].isprintable() and len(frame["name"]) <= 200 for frame in document["shared"]["frames"]
    )
