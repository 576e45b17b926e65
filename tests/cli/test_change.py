"""Two recordings, and files for other viewers, from the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from recordings import AT_SLEEP, LOAD_END, LOAD_START, Scene

from diag.cli import main
from diag.recording import Recording
from diag.store import RecordingWriter, read_recording, tables


def stored(path: Path, *, latency: float, blocks: float = 0, cores: int = 2) -> Path:
    """A recording in a file, as a run would have left it."""
    scene = Scene()
    for number, start in enumerate(range(LOAD_START + 10, LOAD_END - 300, 20)):
        scene.request("GET /a", 30_000 + number, start, start + latency + number % 7)
    for start in range(LOAD_START + 50, LOAD_END - 300, 500) if blocks else ():
        scene.step(start, start + blocks, frames=AT_SLEEP, label="report")
    recording = scene.recording()
    machine = replace(recording.meta.machine, cores=cores)
    return write(replace(recording, meta=replace(recording.meta, machine=machine)), path)


def write(recording: Recording, path: Path) -> Path:
    """Write a recording as the runner does."""
    with RecordingWriter(path, recording.meta) as writer:
        for run in recording.runs:
            run_id = writer.begin_run(run.cell, run.trial, started_ns=run.started_ns)
            for table in tables.RUN_TABLES:
                getattr(writer, f"add_{table.attribute}")(run_id, getattr(run, table.attribute))
            writer.end_run(
                run_id,
                run.status,
                ended_ns=run.ended_ns,
                load_started_ns=run.load_started_ns,
                load_ended_ns=run.load_ended_ns,
            )
        for name, text in recording.sources.items():
            writer.add_source(name, text)
    return path


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    return stored(tmp_path / "slow.diag", latency=60, blocks=100)


@pytest.fixture
def fast(tmp_path: Path) -> Path:
    return stored(tmp_path / "fast.diag", latency=20)


def test_the_exit_code_says_whether_it_is_worse(
    slow: Path, fast: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 no worse, 1 worse, 2 cannot compare."""
    assert main(["report", str(slow), str(fast)]) == 0
    assert "IMPROVED" in capsys.readouterr().out
    assert main(["report", str(fast), str(slow)]) == 1
    assert "WORSE" in capsys.readouterr().out
    assert main(["report", str(fast), str(fast), "-q"]) == 0
    other = stored(tmp_path / "other.diag", latency=20, cores=64)
    assert main(["report", str(fast), str(other)]) == 2
    assert "NOT COMPARABLE" in capsys.readouterr().out


def test_json_and_a_page_say_the_same(
    slow: Path, fast: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one command."""
    page = tmp_path / "change.html"
    assert main(["report", str(slow), str(fast), "--json", "--html", str(page)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["direction"], document["exit_code"]) == ("improved", 0)
    assert "Improved" in page.read_text(encoding="utf-8")


def test_viewers_take_one_recording(slow: Path, fast: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the message says how to export each."""
    assert main(["report", str(slow), str(fast), "--perfetto", "trace.json"]) == 2
    assert "--perfetto takes one recording" in capsys.readouterr().err
    assert main(["report", str(slow), str(fast), "--by", "p99"]) == 2
    assert "for the cells of one comparison" in capsys.readouterr().err


def test_every_file_is_written_beside_the_result(
    slow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With where to open it on standard error, so that standard output is the result alone."""
    files = {name: tmp_path / name for name in ("perfetto", "speedscope", "collapsed")}
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    assert main(["report", str(slow), "--json", *options]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["status"] == "blocked"
    assert "ui.perfetto.dev" in said.err
    assert json.loads(files["perfetto"].read_text(encoding="utf-8"))["traceEvents"]
    assert json.loads(files["speedscope"].read_text(encoding="utf-8"))["profiles"]
    assert "time.sleep" not in files["collapsed"].read_text(encoding="utf-8")
    assert "report (app.py:10)" in files["collapsed"].read_text(encoding="utf-8")


def test_a_recording_is_never_written_over(slow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even by its own export."""
    assert main(["report", str(slow), "--collapsed", str(slow)]) == 2
    assert "never replaces a recording" in capsys.readouterr().err
    assert read_recording(slow).runs
