"""A server is started until it answers, failures are explained, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from served import Start, app_file, eventually, living, workload

from diag.errors import ServerError
from diag.plan import ServedApp, ServerOptions
from diag.reap import kill_run, run_pids
from diag.servers import process, stopping
from diag.servers.exits import describe_exit
from diag.servers.process import start_server

UVICORN = ServerOptions(server="uvicorn")
GUNICORN = ServerOptions(server="gunicorn")


def refused(start: Start, app: ServedApp, options: ServerOptions = UVICORN, **more: object) -> ServerError:
    run_id = uuid.uuid4().hex
    with pytest.raises(ServerError) as caught:
        start(app, options, run_id=run_id, **more)
    assert run_pids(run_id) == set()
    assert caught.value.cause
    assert caught.value.next_step
    return caught.value


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


ASGI = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        {on_start}
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await send({{"type": "lifespan.shutdown.complete"}})
        return
    {on_request}
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": b"ok"}})
"""


def asgi(folder: Path, *, head: str = "", on_start: str = "pass", on_request: str = "pass") -> ServedApp:
    source = head + "\n" + ASGI.format(on_start=on_start, on_request=on_request)
    return app_file(folder, source, attribute="app")


def failing_on_start(folder: Path, error: str) -> ServedApp:
    source = f"""
        from contextlib import asynccontextmanager
        from fastapi import FastAPI
        @asynccontextmanager
        async def lifespan(app):
            raise {error}
            yield
        app = FastAPI(lifespan=lifespan)
        """
    return app_file(folder, source, attribute="app")


def test_a_port_of_the_users_choice_is_used(start: Start, tmp_path: Path) -> None:
    port = process.free_port("127.0.0.1")
    assert start(asgi(tmp_path), UVICORN, port=port).url == f"http://127.0.0.1:{port}"


def test_a_taken_port_is_refused_with_its_owner(start: Start, tmp_path: Path, taken_port: int) -> None:
    error = refused(start, asgi(tmp_path), port=taken_port)
    assert error.slug == "port-taken"
    assert f"(pid {os.getpid()})" in error.what


@pytest.mark.parametrize(
    "options", [UVICORN, GUNICORN, ServerOptions(server="werkzeug")], ids=lambda o: o.server
)
def test_a_port_lost_to_somebody_faster_is_replaced(
    options: ServerOptions, start: Start, tmp_path: Path, taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = iter([taken_port, process.free_port("127.0.0.1")])
    monkeypatch.setattr(process, "free_port", lambda host: next(offered))
    framework = "fastapi" if options is UVICORN else "flask"
    server = start(workload(tmp_path, framework, "sync-handler"), options)
    assert server.port != taken_port
    assert httpx.get(f"{server.url}/ping").status_code == 200


def test_somebody_elses_answer_is_not_taken_for_ours(start: Start, tmp_path: Path) -> None:
    other = start(asgi(tmp_path), UVICORN)
    error = refused(start, asgi(tmp_path), port=other.port)
    assert error.slug == "port-taken"


@pytest.mark.parametrize(
    ("options", "framework"),
    [(UVICORN, "fastapi"), (GUNICORN, "flask"), (ServerOptions(server="uvicorn", workers=2), "fastapi")],
)
def test_an_app_that_cannot_be_loaded_is_shown_with_the_users_frames(
    options: ServerOptions, framework: str, start: Start, tmp_path: Path
) -> None:
    began = time.monotonic()
    error = refused(start, workload(tmp_path, framework, "sync-handler", "import os\n{}['x']"), options)
    assert error.slug == "app-not-loaded"
    assert f'File "{tmp_path / "unit.py"}", line 2, in <module>' in error.detail
    assert "importlib" not in error.detail
    assert time.monotonic() - began < 15


def test_a_server_that_dies_on_start_shows_its_last_lines(start: Start, tmp_path: Path) -> None:
    error = refused(start, failing_on_start(tmp_path, "RuntimeError('no database')"))
    assert error.slug == "server-died"
    assert "exited with code 3" in error.what
    assert "no database" in error.detail


def test_a_server_killed_on_start_is_described_by_its_signal(start: Start, tmp_path: Path) -> None:
    error = refused(start, asgi(tmp_path, head="import os", on_start="os.kill(os.getpid(), 9)"))
    assert "SIGKILL" in error.what


@pytest.mark.parametrize("wait", ["time.sleep(600)", "await asyncio.sleep(600)"])
def test_a_server_that_hangs_at_start_says_where_or_shows_its_log(
    wait: str, start: Start, tmp_path: Path
) -> None:
    app = asgi(tmp_path, head="import asyncio, time\nprint('connecting', flush=True)", on_start=wait)
    error = refused(start, app, timeout_s=2.0)
    assert error.slug == "server-hangs"
    assert "connecting" in error.detail
    if wait.startswith("time"):
        line = (tmp_path / "shop.py").read_text().splitlines().index(f"        {wait}") + 1
        assert f"{tmp_path / 'shop.py'}:{line} in app" in error.cause or "could not be seen" in error.cause


def test_a_start_that_awaits_in_vain_says_where(start: Start, tmp_path: Path) -> None:
    """No thread stands there: the agent tells what the tasks await, the start's before the app's own others."""
    head = "import asyncio\nasync def beat():\n    while True:\n        await asyncio.sleep(0.01)"
    wait = "task = asyncio.create_task(beat(), name=' first'); await asyncio.Event().wait()"
    spool = tmp_path / "spool"
    spool.mkdir()
    error = refused(start, asgi(tmp_path, head=head, on_start=wait), timeout_s=6.0, spool=spool)
    line = (tmp_path / "shop.py").read_text().splitlines().index(f"        {wait}") + 1
    assert error.slug == "server-hangs"
    assert f"{tmp_path / 'shop.py'}:{line} in app" in error.cause


def test_an_app_that_complains_of_another_port_is_not_retried(start: Start, tmp_path: Path) -> None:
    error = refused(start, failing_on_start(tmp_path, "OSError(98, 'Address already in use')"))
    assert error.slug == "server-died"


def test_readiness_costs_the_app_one_request_on_a_path_it_does_not_have(start: Start, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    app = asgi(tmp_path, on_request=f"open({str(seen)!r}, 'a').write(scope['path'] + '\\n')")
    start(app, UVICORN)
    assert seen.read_text() == "/__diag_ready__\n"


def test_a_server_that_does_not_end_is_killed_with_its_children(start: Start, tmp_path: Path) -> None:
    head = "import signal, subprocess, time\nsubprocess.Popen(['sleep', '600'])"
    app = asgi(tmp_path, head=head, on_start="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    server = start(app, UVICORN)
    pids = server.pids()
    assert len(pids) == 2
    ending = server.stop(grace_s=0.3)
    assert ending.forced == 2
    assert ending.words.startswith("killed")
    assert living(pids) == []


def test_a_child_that_left_the_session_is_found_by_its_environment(start: Start, tmp_path: Path) -> None:
    head = "import subprocess\nsubprocess.Popen('setsid sleep 600 & exit', shell=True)"
    server = start(asgi(tmp_path, head=head), UVICORN)
    eventually(lambda: len(server.pids()) == 2)
    pids = server.pids()
    server.stop()
    assert living(pids) == []


def test_stopping_twice_gives_the_same_ending(start: Start, tmp_path: Path) -> None:
    server = start(asgi(tmp_path), UVICORN)
    assert server.stop() is server.stop()
    assert not server.alive()


def test_a_server_that_died_meanwhile_is_seen_and_described(start: Start, tmp_path: Path) -> None:
    server = start(asgi(tmp_path), UVICORN)
    os.kill(server.pid, signal.SIGSEGV)
    eventually(lambda: not server.alive())
    assert server.pids() == ()
    ending = server.stop()
    assert (ending.asked, ending.words) == (False, "died of SIGSEGV")


def test_orphaned_workers_are_ended_when_their_master_is_gone(start: Start, tmp_path: Path) -> None:
    served = workload(tmp_path, "flask", "sync-handler")
    server = start(served, ServerOptions(server="gunicorn", workers=2))
    pids = server.pids()
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: not server.alive())
    server.stop()
    assert living(pids) == []


def test_a_worker_that_died_is_visible_even_when_it_was_replaced(start: Start, tmp_path: Path) -> None:
    served = workload(tmp_path, "flask", "sync-handler")
    server = start(served, ServerOptions(server="gunicorn", workers=2))
    victim = server.workers()[0]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim in server.lost_workers())
    eventually(lambda: len(server.workers()) == 2)
    assert server.alive()


def test_an_interrupt_while_stopping_still_ends_everything(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = asgi(tmp_path, head="import signal", on_start="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    server = start(app, UVICORN)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stopping.time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stopping.Stop(server, 60).carry_out()
    monkeypatch.undo()
    server.stop(grace_s=0)
    assert server.pids() == ()


def test_an_interrupt_while_starting_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "wait_until_ready", interrupted)
    run_id = uuid.uuid4().hex
    with pytest.raises(KeyboardInterrupt):
        start_server(asgi(tmp_path), UVICORN, folder=tmp_path, run_id=run_id, cwd=tmp_path)
    assert run_pids(run_id) == set()


def test_a_run_is_killed_by_its_id_alone(tmp_path: Path) -> None:
    run_id = uuid.uuid4().hex
    ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    code = f"{ignore}; print(flush=True); time.sleep(600)"
    environment = {**os.environ, "DIAG_RUN_ID": run_id}
    stubborn = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
    obedient = subprocess.Popen(["sleep", "600"], env=environment, start_new_session=True)
    bystander = subprocess.Popen(["sleep", "600"], env={**os.environ, "DIAG_RUN_ID": run_id + "0"})
    try:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        assert run_pids(run_id) == {stubborn.pid, obedient.pid}
        assert kill_run(run_id, 0.2) == 2
        assert obedient.wait(5) == -signal.SIGTERM
        assert stubborn.wait(5) == -signal.SIGKILL
        assert bystander.poll() is None
    finally:
        for child in (stubborn, obedient, bystander):
            child.kill()
            child.wait()


def test_killing_a_run_that_is_gone_does_nothing() -> None:
    assert kill_run(uuid.uuid4().hex) == 0


def test_exits_are_told_in_words() -> None:
    assert describe_exit(3) == "exited with code 3"
    assert describe_exit(-11) == "died of SIGSEGV"
    assert describe_exit(-9) == "died of SIGKILL (out of memory?)"
    assert describe_exit(-60) == "died of signal 60"
