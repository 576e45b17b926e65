"""Every server serves every workload and app that fits it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from served import Start, app_file, eventually, living, workload

from diag.errors import ServerError
from diag.frameworks import NAMES, get_framework
from diag.plan import ServerOptions
from diag.servers import SERVERS, Server, get_server, servers_for

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "servers.md"


def _frameworks(server: Server) -> tuple[str, ...]:
    own = {"asgi": "fastapi", "wsgi": "flask", "streams": "asyncio"}[server.interfaces[0]]
    return (own, "starlette") if server.name == "uvicorn" else (own,)


def _cases() -> Iterator[tuple[ServerOptions, str]]:
    """Every server on each of its loops, and once more with two workers if it can have them."""
    for server in SERVERS:
        loops = server.loops or ("asyncio",)
        several = ServerOptions(server=server.name, loop=loops[0], workers=2)
        options = [ServerOptions(server=server.name, loop=loop) for loop in loops]
        options += [several] if server.unavailable(several) is None else []
        yield from ((one, framework) for one in options for framework in _frameworks(server))


CASES = list(_cases())
IDS = [f"{o.server}-{o.loop}-{o.workers}-{name}" for o, name in CASES]
ASGI_LOOPS = [
    ServerOptions(server=server.name, loop=loop)
    for server in SERVERS
    if server.name in ("uvicorn", "gunicorn-asgi", "gunicorn-uvicorn", "hypercorn", "granian")
    for loop in server.loops
]
UVICORN, GUNICORN = ServerOptions(server="uvicorn"), ServerOptions(server="gunicorn")


@pytest.mark.parametrize(("options", "framework"), CASES, ids=IDS)
def test_a_workload_is_served_beside_an_innocent_handler_and_nothing_is_left_behind(
    options: ServerOptions, framework: str, start: Start, tmp_path
) -> None:
    served = workload(tmp_path, framework, "blocking" if framework == "asyncio" else "sync-handler")
    before = {path.name for path in tmp_path.iterdir()}
    server = start(served, options)
    assert httpx.get(f"{server.url}/work").json() == {"ok": True}
    assert httpx.get(f"{server.url}/ping").json() == {"pong": True}
    assert server.alive()
    assert len(server.workers()) == get_server(options.server).processes(options)
    assert server.lost_workers() == ()
    pids = server.pids()
    assert pids[0] == server.pid
    server.stop()
    assert living(pids) == []
    assert server.ending is not None
    assert server.ending.words == "ended on SIGTERM"
    assert (server.ending.ignored, server.ending.left_behind) == (False, ())
    added = {path.name for path in tmp_path.iterdir()} - before - {server.log.parent.name, "__pycache__"}
    assert added == set()


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_every_server_is_installed_for_tests_and_explains_itself(server: Server) -> None:
    for loop in server.loops or ("asyncio",):
        assert server.unavailable(ServerOptions(server=server.name, loop=loop)) is None
    assert server.notes
    assert all(note.endswith(".") for note in server.notes)
    assert f"\n## {server.name}\n" in REFERENCE.read_text(encoding="utf-8")


NEEDS = {
    "uvicorn-httptools": "httptools",
    "gunicorn-gevent": "gevent",
    "gunicorn-uvicorn": "uvicorn-worker",
    "waitress": "waitress",
    "hypercorn": "hypercorn",
    "granian": "granian",
    "granian-wsgi": "granian",
}


@pytest.mark.parametrize("name", NEEDS)
def test_a_missing_package_is_named_with_what_installs_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server, find = get_server(name), importlib.util.find_spec
    gone = NEEDS[name].replace("-", "_")
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None if module == gone else find(module))
    loop = (server.loops or ("asyncio",))[0]
    reason = server.unavailable(ServerOptions(server=name, loop=loop))
    assert reason == f"{NEEDS[name]} is not installed: pip install 'diag[servers]'"


def test_what_a_workload_raises_is_answered_with_500(start: Start, tmp_path) -> None:
    source = "def work(): raise ValueError('no')"
    server = start(workload(tmp_path, "fastapi", "blocking", source), ServerOptions(server="uvicorn"))
    assert httpx.get(f"{server.url}/work").status_code == 500
    eventually(lambda: "ValueError: no" in server.log_tail())


def test_the_loop_is_the_one_that_was_asked_for(start: Start, tmp_path) -> None:
    source = """
        import asyncio
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            name = type(asyncio.get_running_loop()).__module__.encode()
            await send({"type": "http.response.body", "body": name})
        """
    for options in ASGI_LOOPS:
        with start(app_file(tmp_path, source, attribute="app"), options) as server:
            assert httpx.get(server.url).text.startswith(options.loop), options


def test_variables_that_would_change_the_server_are_not_handed_on(
    start: Start, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    monkeypatch.setenv("UVICORN_ROOT_PATH", "/elsewhere")
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--workers=3")
    (tmp_path / "gunicorn.conf.py").write_text("workers = 3\n")
    for options, framework in ((UVICORN, "fastapi"), (GUNICORN, "flask")):
        server = start(workload(tmp_path, framework, "sync-handler"), options)
        assert len(server.workers()) == 1


def test_a_file_in_the_current_folder_does_not_shadow_the_servers_own_imports(start: Start, tmp_path) -> None:
    (tmp_path / "logging.py").write_text("raise SystemExit('shadowed')")
    assert start(workload(tmp_path, "fastapi", "blocking"), UVICORN).alive()


def test_further_arguments_reach_the_server(start: Start, tmp_path) -> None:
    options = ServerOptions(server="uvicorn", extra=("--root-path=/api",))
    source = """
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": scope["root_path"].encode()})
        """
    server = start(app_file(tmp_path, source, attribute="app"), options)
    assert httpx.get(server.url).text == "/api"


@pytest.mark.parametrize(
    "options",
    [
        ServerOptions(server="uvicorn", loop="trio"),
        ServerOptions(server="gunicorn", threads=4),
        ServerOptions(server="werkzeug", workers=2),
        ServerOptions(server="werkzeug", threads=2),
        ServerOptions(server="uvicorn-reload", workers=2),
        ServerOptions(server="gunicorn-gevent", loop="gevent", threads=2),
        ServerOptions(server="gunicorn-asgi", loop="trio"),
        ServerOptions(server="gunicorn-asgi", threads=2),
        ServerOptions(server="gunicorn-uvicorn", loop="gevent"),
        ServerOptions(server="gunicorn-uvicorn", threads=2),
        ServerOptions(server="waitress", workers=2),
        ServerOptions(server="hypercorn", loop="trio"),
        ServerOptions(server="granian", threads=2),
        ServerOptions(server="granian", loop="rloop"),
    ],
    ids=str,
)
def test_options_that_do_not_fit_are_refused(options: ServerOptions, start: Start, tmp_path) -> None:
    with pytest.raises(ServerError) as caught:
        start(workload(tmp_path, "flask", "sync-handler"), options)
    assert caught.value.slug == "server-unavailable"


def test_capacity_is_what_one_process_serves_at_once() -> None:
    assert get_server("uvicorn").capacity(ServerOptions(server="uvicorn", workers=4)) == 1
    assert get_server("gunicorn").capacity(ServerOptions(server="gunicorn", workers=4)) == 1
    assert get_server("gunicorn-gthread").capacity(ServerOptions(server="gunicorn-gthread", threads=8)) == 8
    assert get_server("werkzeug").capacity(ServerOptions(server="werkzeug")) == 0
    assert get_server("waitress").capacity(ServerOptions(server="waitress")) == 4
    assert get_server("waitress").capacity(ServerOptions(server="waitress", threads=9)) == 9
    assert get_server("granian-wsgi").capacity(ServerOptions(server="granian-wsgi", workers=2)) == 256
    for name in ("gunicorn-gevent", "gunicorn-asgi", "gunicorn-uvicorn", "hypercorn", "granian"):
        assert get_server(name).capacity(ServerOptions(server=name)) == 1


def test_each_interface_has_its_default_server() -> None:
    assert servers_for("asgi")[0].name == "uvicorn"
    assert servers_for("wsgi")[0].name == "gunicorn-sync"


def test_names_are_unique_and_unknown_ones_are_answered_with_them() -> None:
    assert len({server.name for server in SERVERS}) == len(SERVERS)
    with pytest.raises(KeyError, match="uvicorn"):
        get_server("apache")
    with pytest.raises(KeyError, match="fastapi"):
        get_framework("rails")


@pytest.mark.parametrize("name", NAMES)
def test_every_framework_has_a_server(name: str) -> None:
    assert servers_for(get_framework(name).interface)
