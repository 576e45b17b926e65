"""`explain` on small targets of every kind: where, why, who paid, and what is said when it goes wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from diag.diagnose import explain
from diag.errors import DiagError
from diag.finding import Cause, Finding, Severity, Status, Verdict
from diag.recording import RunStatus
from diag.settings import ExplainOptions
from diag.store import read_recording

FASTAPI = """
import time
from fastapi import FastAPI
app = FastAPI()

@app.get("/slow")
async def slow():
    time.sleep(0.04)  # BLOCKS
    return 1

@app.get("/quick")
async def quick():
    return 1
"""
FLASK = """
import time
from flask import Flask
app = Flask(__name__)

@app.get("/slow")
def slow():
    time.sleep(0.04)  # BLOCKS
    return "1"

@app.get("/quick")
def quick():
    return "1"
"""


def explained(folder: Path, source: str, target: str = "shop:app", **more: Any) -> Verdict:
    """The verdict on an app in a file of its own."""
    (folder / "shop.py").write_text(dedent(source))
    options = ExplainOptions(
        target=target,
        cwd=folder,
        output=folder / "run.diag",
        timeout_ns=20_000_000_000,
        duration_ns=1_500_000_000,
        users=4,
    )
    return explain(replace(options, **more))


def line(source: str) -> int:
    return next(n for n, text in enumerate(source.split("\n"), 1) if "# BLOCKS" in text)


def errors(verdict: Verdict) -> list[Finding]:
    return [finding for finding in verdict.findings if finding.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("source", "how"),
    [
        pytest.param(FASTAPI, {"server": "uvicorn", "loop": "asyncio"}, id="fastapi-asyncio"),
        pytest.param(FASTAPI, {"server": "uvicorn", "loop": "uvloop"}, id="fastapi-uvloop"),
        pytest.param(FASTAPI, {"server": "uvicorn", "workers": 2}, id="fastapi-two-workers"),
        pytest.param(FLASK, {"server": "gunicorn-sync"}, id="flask-gunicorn-sync"),
        pytest.param(FLASK, {"server": "gunicorn-gthread", "threads": 2}, id="flask-gunicorn-gthread"),
        pytest.param(FLASK, {"server": "werkzeug"}, id="flask-werkzeug"),
    ],
)
def test_the_line_that_blocks_is_named_under_every_server(
    tmp_path: Path, source: str, how: dict[str, Any]
) -> None:
    verdict = explained(tmp_path, source, **how)
    assert verdict.quality.canary_ok
    found = [f for f in verdict.findings if f.location is not None]
    assert {(f.location.path, f.location.line) for f in found if f.location} <= {("shop.py", line(source))}
    routes = {handler.route: handler for handler in verdict.handlers}
    assert routes["GET /quick"].status is not Status.BLOCKED
    assert all(handler.requests > 5 and handler.failed == 0 for handler in routes.values())
    if source is FASTAPI or how["server"] == "gunicorn-sync":  # what has threads left delays nobody
        assert found, verdict
    if source is FASTAPI:
        assert (verdict.status, verdict.exit_code) == (Status.BLOCKED, 1)
        (finding,) = errors(verdict)
        assert (finding.title, finding.causes[0].cause) == ("GET /slow", Cause.WAITING)
        assert 38_000_000 <= finding.p50_ns < 60_000_000  # what the machine adds to a sleep is taken off
        assert "GET /quick" in {victims.label for victims in finding.victims}
    pids = {lane.pid for run in read_recording(tmp_path / "run.diag").runs for lane in run.lanes}
    assert len(pids) == how.get("workers", 1)


def test_a_recording_is_explained_as_it_was(tmp_path: Path) -> None:
    verdict = explained(tmp_path, FASTAPI)
    (tmp_path / "shop.py").unlink()
    again = explain(ExplainOptions(target=str(tmp_path / "run.diag")))
    assert again.findings == verdict.findings
    assert again.handlers == verdict.handlers


def test_a_script_is_explained_with_its_own_arguments(tmp_path: Path) -> None:
    source = """
    import asyncio, sys, time

    async def neighbour():
        while True:
            await asyncio.sleep(0.005)

    async def main():
        task = asyncio.create_task(neighbour())
        for _ in range(int(sys.argv[1])):
            time.sleep(0.03)  # BLOCKS
            await asyncio.sleep(0.02)

    asyncio.run(main())
    """
    verdict = explained(tmp_path, source, "shop.py", args=("4",))
    (finding,) = errors(verdict)
    assert finding.location is not None
    assert (finding.location.line, len(finding.blocks)) == (line(dedent(source)), 4)
    assert {victims.label for victims in finding.victims} == {"neighbour"}


def test_any_asgi_callable_will_do(tmp_path: Path) -> None:
    source = """
    import time

    class Application:
        async def __call__(self, scope, receive, send):
            if scope["type"] == "lifespan":
                while True:
                    message = await receive()
                    await send({"type": message["type"] + ".complete"})
                    if message["type"] == "lifespan.shutdown":
                        return
            time.sleep(0.03)  # BLOCKS
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x"})

    app = Application()
    """
    verdict = explained(tmp_path, source, requests=("GET /",))
    (finding,) = errors(verdict)
    assert finding.location is not None
    assert finding.location.line == line(dedent(source))


def test_any_wsgi_callable_will_do(tmp_path: Path) -> None:
    source = """
    import time

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"begun"
        time.sleep(0.03)  # BLOCKS
        yield b"done"
    """
    verdict = explained(tmp_path, source, requests=("GET /",), server="gunicorn-sync")
    (run,) = read_recording(tmp_path / "run.diag").runs
    long = [step for step in run.steps if step.end_ns - step.start_ns > 25_000_000 and step.port]
    assert long
    assert verdict.quality.canary_ok
    lines = [next((f.line for f in s.frames if f.path.endswith("shop.py")), 0) for s in run.stacks]
    assert lines.count(line(dedent(source))) > len(long) / 2


def test_a_handler_that_raises_is_counted_and_shown(tmp_path: Path) -> None:
    source = FASTAPI + "\n@app.get('/broken')\nasync def broken():\n    raise ValueError('x')\n"
    verdict = explained(tmp_path, source)
    (broken,) = [handler for handler in verdict.handlers if handler.route == "GET /broken"]
    assert broken.failed > 5
    assert [f.title for f in verdict.findings if f.rule == "errors"] == ["GET /broken"]


def test_an_app_whose_start_fails_is_an_error_with_the_users_own_traceback(tmp_path: Path) -> None:
    source = """
    from contextlib import asynccontextmanager
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(app):
        raise RuntimeError("no database")
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def index(): return 1
    """
    with pytest.raises(DiagError) as caught:
        explained(tmp_path, source)
    assert "no database" in caught.value.detail
    assert caught.value.exit_code == 2
    assert not (tmp_path / "run.diag").exists()


def test_a_handler_that_ends_the_server_is_no_clean_one(tmp_path: Path) -> None:
    source = FASTAPI + "\n@app.get('/ends')\nasync def ends():\n    import os; os._exit(5)\n"
    verdict = explained(tmp_path, source)
    assert verdict.status is not Status.CLEAN
    (run,) = read_recording(tmp_path / "run.diag").runs
    assert run.status is RunStatus.FAILED
    assert "5" in run.failure


def test_a_handler_that_never_hands_the_loop_back_is_named(tmp_path: Path) -> None:
    source = """
    from fastapi import FastAPI
    app = FastAPI()

    @app.get("/quick")
    async def quick():
        return 1

    @app.get("/forever")
    async def forever():
        while True:
            pass  # BLOCKS
    """
    verdict = explained(tmp_path, source, timeout_ns=2_000_000_000)
    assert verdict.status is not Status.CLEAN
    finding = errors(verdict)[0]
    assert finding.location is not None
    assert line(dedent(source)) - finding.location.line in {0, 1}
    assert finding.max_ns > 1_000_000_000


def test_a_module_of_a_package_runs_as_python_m_runs_it(tmp_path: Path) -> None:
    package = tmp_path / "tool"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "work.py").write_text("import time\ndef work():\n    time.sleep(0.05)  # BLOCKS\n")
    (package / "__main__.py").write_text(
        "import asyncio\nfrom .work import work\nasync def main():\n    await asyncio.sleep(0)\n    work()\n"
        "if __name__ == '__main__':\n    asyncio.run(main())\n"
    )
    for target in ("tool.__main__", "tool/__main__.py"):
        (finding,) = errors(explained(tmp_path, "", target))
        assert finding.location is not None
        assert (finding.location.path, finding.location.line) == ("tool/work.py", 3)
