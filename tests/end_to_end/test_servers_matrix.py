"""`explain` under every server: the line that blocks is named, and what waits is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from diag.diagnose import explain
from diag.finding import Cause, Severity, Status, Verdict
from diag.recording import LaneKind
from diag.servers import SERVERS, Server
from diag.settings import ExplainOptions
from diag.store import read_recording

ASGI = """
import asyncio, time
from fastapi import FastAPI

app = FastAPI()


@app.get("/waiting")
async def waiting():
    await asyncio.sleep(0.03)


@app.get("/quick")
async def quick(): ...
"""
ASGI_SLOW = """

@app.get("/slow")
async def slow():
    time.sleep(0.04)  # BLOCKS
"""
WSGI = """
import time
from flask import Flask

app = Flask(__name__)


@app.get("/waiting")
def waiting():
    time.sleep(0.03)
    return ""


@app.get("/quick")
def quick():
    return ""
"""
WSGI_SLOW = """

@app.get("/slow")
def slow():
    sum(i * i for i in range(600_000))  # BLOCKS
    return ""
"""
LOOPS = [
    pytest.param(server, loop, id=f"{server.name}-{loop}")
    for server in SERVERS
    for loop in server.loops
    if "streams" not in server.interfaces
]
"""Servers with an event loop; gevent's hub is one."""

THREADS = ["gunicorn-sync", "gunicorn-gthread", "waitress"]
"""Servers whose workers are threads, and that tell the client's port."""


def explained(folder: Path, server: str, source: str, loop: str = "", threads: int = 0) -> Verdict:
    """The verdict on an app in a file."""
    (folder / "shop.py").write_text(source)
    return explain(
        ExplainOptions(
            target="shop:app",
            cwd=folder,
            output=folder / "run.diag",
            server=server,
            loop=loop,
            threads=threads,
            users=4,
            duration_ns=1_200_000_000,
            timeout_ns=20_000_000_000,
        )
    )


def line(source: str) -> int:
    return next(n for n, text in enumerate(source.split("\n"), 1) if "# BLOCKS" in text)


def statuses(verdict: Verdict) -> dict[str, Status]:
    return {handler.route: handler.status for handler in verdict.handlers}


@pytest.mark.parametrize(("server", "loop"), LOOPS)
def test_the_line_that_blocks_is_named_on_every_loop(server: Server, loop: str, tmp_path: Path) -> None:
    source = ASGI + ASGI_SLOW if "asgi" in server.interfaces else WSGI + WSGI_SLOW
    verdict = explained(tmp_path, server.name, source, loop)
    assert verdict.quality.canary_ok
    assert verdict.status is Status.BLOCKED, verdict.reason
    found = [f for f in verdict.findings if f.severity is Severity.ERROR]
    assert {f.rule for f in found} == {"blocked-loop"}
    assert {f.location.line for f in found if f.location} == {line(source)}
    assert {f.title for f in found} == {"GET /slow"}
    cause = max(found[0].causes, key=lambda share: share.ns * (share.cause is not Cause.RUN_QUEUE)).cause
    assert cause in ((Cause.WAITING,) if "asgi" in server.interfaces else (Cause.CPU_GIL, Cause.CPU))
    assert ("asyncio" in found[0].advice) is (loop != "gevent")
    assert statuses(verdict)["GET /waiting"] is Status.CLEAN
    assert {victims.label for victims in found[0].victims} >= {"GET /waiting", "GET /quick"}
    (lane,) = read_recording(tmp_path / "run.diag").runs[0].lanes
    assert lane.kind is LaneKind(loop)


@pytest.mark.parametrize(("server", "loop"), LOOPS)
def test_what_waits_is_clean_on_every_loop(server: Server, loop: str, tmp_path: Path) -> None:
    verdict = explained(tmp_path, server.name, ASGI if "asgi" in server.interfaces else WSGI, loop)
    assert verdict.quality.canary_ok
    assert verdict.status is Status.CLEAN, (verdict.reason, verdict.findings)
    assert statuses(verdict) == {"GET /waiting": Status.CLEAN, "GET /quick": Status.CLEAN}
    assert all(handler.requests > 5 and handler.failed == 0 for handler in verdict.handlers)


@pytest.mark.parametrize("server", THREADS)
def test_the_line_that_holds_all_threads_is_named(server: str, tmp_path: Path) -> None:
    source = WSGI.replace("time.sleep(0.03)\n", "pass\n") + WSGI_SLOW
    verdict = explained(tmp_path, server, source, threads=1)
    assert verdict.status is Status.BLOCKED, verdict.reason
    found = [f for f in verdict.findings if f.rule == "held-worker"]
    assert {(f.location.line, f.title) for f in found if f.location} == {(line(source), "GET /slow")}


@pytest.mark.parametrize("server", ["gunicorn-gthread", "waitress", "werkzeug"])
def test_threads_that_are_left_serve_the_others(server: str, tmp_path: Path) -> None:
    verdict = explained(tmp_path, server, WSGI)
    assert verdict.status is Status.CLEAN, (verdict.reason, verdict.findings)
    assert statuses(verdict) == {"GET /waiting": Status.CLEAN, "GET /quick": Status.CLEAN}


def test_a_server_that_keeps_the_clients_port_leaves_handlers_unjudged(tmp_path: Path) -> None:
    verdict = explained(tmp_path, "granian-wsgi", WSGI + WSGI_SLOW)
    assert verdict.status is Status.UNMEASURED
    assert "which request a thread worked for" in verdict.reason
    assert {handler.status for handler in verdict.handlers} == {Status.UNMEASURED}
    assert any("does not tell the app the client's port" in text for text in verdict.quality.degradations)


@pytest.mark.parametrize("server", ["gunicorn-gevent", "gunicorn-uvicorn", "granian", "hypercorn"])
def test_each_of_several_workers_is_watched(server: str, tmp_path: Path) -> None:
    source = WSGI + WSGI_SLOW if server == "gunicorn-gevent" else ASGI + ASGI_SLOW
    (tmp_path / "shop.py").write_text(source)
    output = tmp_path / "run.diag"
    options = ExplainOptions(
        target="shop:app", cwd=tmp_path, output=output, server=server, workers=2, duration_ns=1_200_000_000
    )
    verdict = explain(options)
    errors = [f for f in verdict.findings if f.severity is Severity.ERROR]
    found = {f.location.line for f in errors if f.location}
    assert (verdict.status, found) == (Status.BLOCKED, {line(source)})
    assert len({lane.pid for lane in read_recording(output).runs[0].lanes}) == 2
