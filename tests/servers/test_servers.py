"""Every server serves every workload and app that fits it."""

from __future__ import annotations

import httpx
import pytest
from served import Start, app_file, eventually, living, workload

from diag.errors import ServerError
from diag.frameworks import NAMES, get_framework
from diag.plan import ServerOptions
from diag.servers import SERVERS, get_server, servers_for

ASGI = [
    ServerOptions(server="uvicorn"),
    ServerOptions(server="uvicorn", loop="uvloop"),
    ServerOptions(server="uvicorn", workers=2),
]
WSGI = [
    ServerOptions(server="gunicorn"),
    ServerOptions(server="gunicorn-sync", workers=2),
    ServerOptions(server="gunicorn-gthread", threads=3),
    ServerOptions(server="werkzeug"),
]
CASES = [(options, name) for options in ASGI for name in ("fastapi", "starlette")]
CASES += [(options, "flask") for options in WSGI]
IDS = [f"{o.server}-{o.loop}-{o.workers}-{name}" for o, name in CASES]


@pytest.mark.parametrize(("options", "framework"), CASES, ids=IDS)
def test_a_workload_is_served_beside_an_innocent_handler(
    options: ServerOptions, framework: str, start: Start, tmp_path
) -> None:
    server = start(workload(tmp_path, framework, "sync-handler"), options)
    assert httpx.get(f"{server.url}/work").json() == {"ok": True}
    assert httpx.get(f"{server.url}/ping").json() == {"pong": True}
    assert server.alive()
    assert len(server.workers()) == get_server(options.server).processes(options)
    assert server.lost_workers() == ()


@pytest.mark.parametrize("options", [*ASGI, *WSGI], ids=lambda o: f"{o.server}-{o.loop}-{o.workers}")
def test_stopping_leaves_no_process_and_no_file_behind(
    options: ServerOptions, start: Start, tmp_path
) -> None:
    framework = "flask" if options in WSGI else "fastapi"
    served = workload(tmp_path, framework, "sync-handler")
    before = {path.name for path in tmp_path.iterdir()}
    server = start(served, options)
    pids = server.pids()
    assert pids[0] == server.pid
    server.stop()
    assert living(pids) == []
    assert server.ending is not None
    assert server.ending.words == "ended on SIGTERM"
    added = {path.name for path in tmp_path.iterdir()} - before - {server.log.parent.name, "__pycache__"}
    assert added == set()


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
    for loop in ("asyncio", "uvloop"):
        server = start(
            app_file(tmp_path, source, attribute="app"), ServerOptions(server="uvicorn", loop=loop)
        )
        assert httpx.get(server.url).text.startswith(loop)


def test_variables_that_would_change_the_server_are_not_handed_on(
    start: Start, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    monkeypatch.setenv("UVICORN_ROOT_PATH", "/elsewhere")
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--workers=3")
    (tmp_path / "gunicorn.conf.py").write_text("workers = 3\n")
    for options, framework in ((ASGI[0], "fastapi"), (WSGI[0], "flask")):
        server = start(workload(tmp_path, framework, "sync-handler"), options)
        assert len(server.workers()) == 1


def test_a_file_in_the_current_folder_does_not_shadow_the_servers_own_imports(start: Start, tmp_path) -> None:
    (tmp_path / "logging.py").write_text("raise SystemExit('shadowed')")
    assert start(workload(tmp_path, "fastapi", "blocking"), ASGI[0]).alive()


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
    ],
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
