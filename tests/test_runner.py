"""From a plan to a recording, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import app_file

from diag.errors import ServerError
from diag.plan import HttpRequest, ScriptPlan, ServePlan, ServerOptions, StreamPlan
from diag.progress import Silent
from diag.recording import Cell, Machine, Meta, Run, RunStatus
from diag.runner import Runner
from diag.store import SCHEMA_VERSION, RecordingWriter, read_recording

APP = """
import os, time
from fastapi import FastAPI
app = FastAPI()

@app.get("/slow")
async def slow():
    time.sleep(0.02)
    return 1

@app.get("/missing-argument")
async def missing(needed: int):
    return needed

@app.get("/dies-later")
async def dies_later():
    if os.path.exists("asked-twice"): os._exit(6)
    open("asked-twice" if os.path.exists("asked") else "asked", "w").close()
    return 1
"""
META = Meta(
    schema_version=SCHEMA_VERSION,
    diag_version="0",
    argv=(),
    target="shop",
    target_kind="app",
    roots=(),
    created_utc="",
    seed=0,
    threshold_ns=10_000_000,
    machine=Machine(python="", implementation="", platform="", cores=1, memory_bytes=1),
)


class Made:
    """A runner and the recording that it writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "run.diag"
        self.writer = RecordingWriter(self.path, META)
        self.runner = Runner(self.writer, Silent())

    def plan(self, source: str, *paths: str, duration_ms: int = 700, required: bool = False) -> ServePlan:
        requests = tuple(HttpRequest(route=f"GET {path}", method="GET", path=path) for path in paths)
        return ServePlan(
            cell=Cell(label="shop", target="shop"),
            app=app_file(self.folder, source, attribute="app"),
            server=ServerOptions(server="uvicorn"),
            streams=(StreamPlan(name="app", requests=requests, users=2),),
            duration_ns=duration_ms * 1_000_000,
            required=frozenset(request.route for request in requests) if required else frozenset(),
            cwd=self.folder,
            timeout_ns=5_000_000_000,
        )

    @property
    def run(self) -> Run:
        (run,) = read_recording(self.path).runs
        return run


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    found = Made(tmp_path)
    with found.writer:
        yield found


def test_a_run_holds_everything_that_was_seen(made: Made) -> None:
    made.runner.serve(made.plan(APP, "/slow"))
    run = made.run
    assert (run.status, run.failure, run.routes, run.unmeasured) == (RunStatus.DONE, "", ("GET /slow",), ())
    assert 0 < run.load_started_ns < run.load_ended_ns
    load = [request for request in run.requests if request.stream == "app"]
    assert len(load) > 10
    assert {(request.route, request.status) for request in load} == {("GET /slow", 200)}
    assert [request.stream for request in run.requests][:2] == ["warm-up", "warm-up"]
    assert sum(step.end_ns - step.start_ns > 19_000_000 for step in run.steps) >= len(load)
    assert {step.port for step in run.steps if step.end_ns - step.start_ns > 19_000_000 and step.port}
    assert run.stacks
    assert run.states
    assert run.canaries
    assert run.totals[0].steps > len(load)
    assert run.samples[-1].cpu_ns > 0
    assert run.load is not None
    sources = read_recording(made.path).sources
    assert sources[str(made.folder / "shop.py")] == (made.folder / "shop.py").read_text()
    assert not any("/asyncio/" in path for path in sources)


def test_a_recording_can_be_read_while_it_is_written(made: Made) -> None:
    seen: list[RunStatus] = []

    class Looking(Silent):
        def advance(self, fraction: float) -> None:
            seen.extend(run.status for run in read_recording(made.path).runs)

    Runner(made.writer, Looking()).serve(made.plan(APP, "/slow"))
    assert set(seen) == {RunStatus.RUNNING}
    assert len(seen) > 3


def test_a_route_that_refuses_is_unmeasured_unless_it_was_asked_for(made: Made, tmp_path: Path) -> None:
    made.runner.serve(made.plan(APP, "/slow", "/missing-argument"))
    run = made.run
    assert run.routes == ("GET /slow",)
    assert [(one.route, "422" in one.reason) for one in run.unmeasured] == [("GET /missing-argument", True)]
    with RecordingWriter(tmp_path / "asked.diag", META) as writer:
        Runner(writer, Silent()).serve(made.plan(APP, "/missing-argument", required=True))
    (asked,) = read_recording(tmp_path / "asked.diag").runs
    assert asked.unmeasured == ()
    assert {request.status for request in asked.requests} == {422}


def test_where_nothing_can_be_driven_no_load_is_made(made: Made) -> None:
    made.runner.serve(made.plan(APP, "/missing-argument"))
    assert (made.run.status, made.run.load_started_ns, made.run.load) == (RunStatus.DONE, 0, None)


def test_a_server_that_dies_under_load_is_a_failed_run(made: Made) -> None:
    made.runner.serve(made.plan(APP, "/dies-later", duration_ms=3000))
    run = made.run
    assert run.status is RunStatus.FAILED
    assert "exited with code 6" in run.failure


def test_a_server_that_does_not_start_is_an_error_and_a_failed_run(made: Made) -> None:
    with pytest.raises(ServerError):
        made.runner.serve(made.plan("raise RuntimeError('no')", "/"))
    assert made.run.status is RunStatus.FAILED
    assert made.run.failure


@pytest.mark.parametrize("stage", ["starting", "one request", "under load"])
def test_an_interrupt_at_any_stage_keeps_what_was_seen(made: Made, stage: str) -> None:
    class Interrupting(Silent):
        def stage(self, text: str) -> None:
            if stage in text:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Runner(made.writer, Interrupting()).serve(made.plan(APP, "/slow"))
    assert made.run.status is RunStatus.INTERRUPTED
    assert bool(made.run.lanes) == (stage != "starting")


def test_a_script_is_a_run_as_well(made: Made) -> None:
    path = made.folder / "script.py"
    path.write_text("import asyncio, time\nasync def main(): time.sleep(0.03)\nasyncio.run(main())\n1 / 0\n")
    cell = Cell(label="script", target="script.py")
    made.runner.script(
        ScriptPlan(cell=cell, path=str(path), args=(), cwd=made.folder, timeout_ns=20_000_000_000)
    )
    run = made.run
    assert "exited with code 1" in run.failure
    assert any(step.end_ns - step.start_ns > 29_000_000 and step.label == "main" for step in run.steps)
    assert run.load_ended_ns > run.load_started_ns > 0
