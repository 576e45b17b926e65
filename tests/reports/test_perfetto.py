"""The trace for Perfetto: its trace processor takes it without a complaint, and finds what was recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from recordings import AT_ADD, AT_SLEEP, LOAD_START, MS, Scene, healthy
from trace_processor import ask, fetch

from diag.recording import ProcessSample, Recording
from diag.reports.perfetto import pieces

HOSTILE = "</script>\x1b[2J\u202e\x00\"'" + "A" * 1_000_000


@pytest.fixture(scope="module")
def processor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the trace processor; kept from run to run unless pytest's cache is switched off."""
    cache = getattr(request.config, "cache", None)
    return fetch(cache.mkdir("perfetto-55.3") if cache else tmp_path_factory.mktemp("perfetto"))


def blocked() -> Scene:
    """Two blocks of 100 ms, and who waited behind the first."""
    scene = Scene()
    for start in (2_000, 3_000):
        scene.request("GET /report", 40_000, start - 1, start + 102, app=(start, start + 101))
        scene.step(start, start + 100, frames=AT_SLEEP, port=40_000, queue=10)
    scene.request("GET /health", 40_001, 2_010, 2_103, app=(2_100, 2_101))
    scene.step(5_000, 5_060, cpu=60, frames=AT_ADD, label="render")
    scene.collection(5_010, 5_020)
    scene.samples = [
        ProcessSample(at_ns=at * MS, cpu_ns=at * MS // 2, rss_bytes=50_000_000, processes=1)
        for at in range(LOAD_START, LOAD_START + 1_000, 100)
    ]
    return healthy(scene)


def written(recording: Recording, folder: Path) -> Path:
    """The trace in a file."""
    path = folder / "trace.json"
    path.write_text("".join(pieces(recording)), encoding="utf-8")
    return path


def test_the_trace_processor_shows_blocks_requests_stacks_and_counters(
    processor: Path, tmp_path: Path
) -> None:
    """To the nanosecond, on tracks of their own, and without an error of its own."""
    trace = written(blocked().recording(), tmp_path)
    slices = "from slice s join thread_track k on s.track_id = k.id join thread t using (utid)"
    errors, blocks, requests, stacks, counters, waits = ask(
        processor,
        trace,
        "select name, value from stats where severity in ('error', 'data_loss') and value > 0",
        f"select s.name, s.dur, s.category {slices} where t.name like '%: blocks' order by s.ts",
        f"select s.name, count(*) {slices} where t.name like 'GET /report #%' and s.depth = 0 group by 1",
        f"select s.name, s.dur, s.depth {slices} where t.name like '%: stacks' and s.name like 'report%' limit 1",
        "select t.name, max(c.value) from counter c join process_counter_track t on c.track_id = t.id group by 1",
        f"select s.dur {slices} where t.name like 'GET /health #%' and s.name = 'waiting for its first step'",
    )
    assert errors == []
    assert blocks == [
        ["app.py:10 time.sleep(0.1)", 100 * MS, "off-CPU (waiting)"],
        ["app.py:10 time.sleep(0.1)", 100 * MS, "off-CPU (waiting)"],
        ["app.py:23 total += row * row", 60 * MS, "on-CPU (GIL not observed)"],
    ]
    assert requests == [["GET /report 200", 2]]
    assert stacks[0][0] == "report (app.py:10)"
    assert dict(map(tuple, counters))["CPU of all processes (cores) value"] == 0.5
    assert any(name.startswith("run-queue wait of asyncio loop") for name, _ in counters)
    assert waits == [[90 * MS]]


def test_overlapping_requests_of_a_route_get_tracks_of_their_own(processor: Path, tmp_path: Path) -> None:
    """None is dropped because it overlaps another."""
    scene = Scene()
    for index in range(50):
        scene.request("GET /a", 40_000 + index, 2_000 + index, 2_100 + 3 * index)
    answers, tracks = ask(
        processor,
        written(scene.recording(), tmp_path),
        "select count(*) from slice where name = 'GET /a 200'",
        "select count(*) from thread where name like 'GET /a #%'",
    )
    assert answers == [[50]]
    assert 34 <= tracks[0][0] <= 50  # those that are under way when the last begins, at least


def test_hostile_text_is_harmless(tmp_path: Path) -> None:
    """Nothing of it is longer than a line, and no control character or bidi mark is in the file."""
    scene = Scene(sources={})
    scene.request(HOSTILE, 40_000, 2_000, 2_100)
    scene.step(2_000, 2_100, label=HOSTILE, frames=[replace(frame, path=HOSTILE) for frame in AT_SLEEP])
    text = "".join(pieces(scene.recording()))
    assert len(text) < 100_000
    assert text.isascii()
    events = json.loads(text)["traceEvents"]
    assert all(event["name"].isprintable() for event in events if "name" in event)


def test_a_recording_without_runs_is_a_trace(tmp_path: Path) -> None:
    """A run that was broken off at once leaves one."""
    empty = replace(Scene().recording(), runs=())
    assert json.loads("".join(pieces(empty)))["traceEvents"] == []
