"""uvicorn's own ways: its reloader, and its HTTP parsers."""

from __future__ import annotations

import os
import signal

import httpx
import psutil
import pytest
from served import Start, app_file, eventually, living, workload

from diag.plan import ServerOptions

RELOAD = ServerOptions(server="uvicorn-reload")


def test_the_reloaders_child_is_the_one_that_serves_and_ends_with_it(start: Start, tmp_path) -> None:
    server = start(workload(tmp_path, "fastapi", "blocking"), RELOAD)
    (worker,) = server.workers()
    assert worker != server.pid
    assert psutil.Process(worker).ppid() == server.pid
    server.stop()
    assert living([server.pid, worker]) == []
    assert (server.ending and server.ending.words) == "ended on SIGTERM"


def test_a_changed_file_brings_a_new_child_which_is_seen(start: Start, tmp_path) -> None:
    server = start(workload(tmp_path, "fastapi", "blocking"), RELOAD)
    (old,) = server.workers()
    (tmp_path / "unit.py").write_text((tmp_path / "unit.py").read_text() + "\nCHANGED = 1\n")
    eventually(lambda: server.lost_workers() == (old,) and len(server.workers()) == 1)
    eventually(lambda: _answers(server.url))
    pids = server.pids()
    server.stop()
    assert living(pids) == []


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ping").json() == {"pong": True}
    except httpx.TransportError:
        return False


def test_the_reloaders_child_is_ended_even_if_the_reloader_is_gone(start: Start, tmp_path) -> None:
    server = start(workload(tmp_path, "fastapi", "blocking"), RELOAD)
    pids = server.pids()
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: not server.alive())
    server.stop()
    assert living(pids) == []


@pytest.mark.parametrize("parser", ["h11", "httptools"])
def test_the_parser_is_the_one_that_was_asked_for(parser: str, start: Start, tmp_path) -> None:
    source = """
        import sys
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            frame, files = sys._getframe(), []
            used = [n for n in ("h11", "httptools") if f"uvicorn.protocols.http.{n}_impl" in sys.modules]
            await send({"type": "http.response.body", "body": " ".join(used).encode()})
        """
    server = start(app_file(tmp_path, source, attribute="app"), ServerOptions(server=f"uvicorn-{parser}"))
    assert httpx.get(server.url).text == parser
