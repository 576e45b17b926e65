"""What a server's worker loads: the user's app or a workload's, watched or bare."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from diag.hosting import READY, SERVE, SPOOL, from_json, to_json, with_diag_importable
from diag.plan import ServedApp, ServedUnit

THIRD_PARTY = {
    "click",
    "rich",
    "jinja2",
    "psutil",
    "httpx",
    "msgspec",
    "numpy",
    "yappi",
    "uvicorn",
    "gunicorn",
}


def served(folder: Path, source: str, **fields: Any) -> ServedApp:
    path = folder / "target.py"
    path.write_text(dedent(source))
    return ServedApp(**{"kind": "app", "file": str(path), "sys_path": (str(folder),), **fields})


def loaded(app: ServedApp, folder: Path, show: str, **variables: str) -> Any:
    """Import the hosted module as a server does, in a fresh interpreter; the JSON of an expression."""
    code = f"import json, sys; from diag.frameworks.hosted import application; print(json.dumps({show}))"
    environment = with_diag_importable({**os.environ, SERVE: to_json(app), READY: str(folder), **variables})
    result = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


def unit(function: str, strategy: str) -> ServedUnit:
    return ServedUnit(path="/work", function=function, strategy=strategy)


def workload(folder: Path, framework: str, strategy: str, **fields: Any) -> ServedApp:
    source = """
        import asyncio
        def work(n=1): ...
        async def work_async(n=1): ...
        """
    more = {"kind": "workload", "framework": framework, "units": (unit("work", strategy),), **fields}
    return served(folder, source, **more)


def test_what_is_served_travels_as_json() -> None:
    app = ServedApp(
        kind="workload", module="a.b", params={"n": [1, "x"]}, sys_path=("/a", "/b"), factory=True
    )
    assert from_json(to_json(app)) == app


@pytest.mark.parametrize(
    ("framework", "strategy", "foreign"),
    [
        ("fastapi", "native", "flask"),
        ("starlette", "blocking", "fastapi"),
        ("flask", "sync-handler", "starlette"),
        ("flask-async", "native", "starlette"),
        ("asgi", "native", "starlette"),
        ("asyncio", "native", "starlette"),
        ("asgi", "native", "multiprocessing"),
    ],
)
def test_a_worker_loads_its_own_framework_only(
    framework: str, strategy: str, foreign: str, tmp_path: Path
) -> None:
    modules = set(loaded(workload(tmp_path, framework, strategy), tmp_path, "list(sys.modules)"))
    own = {"flask-async": "flask", "asgi": "diag.frameworks.asgi"}
    assert own.get(framework, framework) in modules
    assert foreign not in modules
    brought_along = {"click", "jinja2"} if framework.startswith("flask") else set()
    assert modules & THIRD_PARTY <= brought_along


def test_without_a_spool_folder_an_app_is_served_bare(tmp_path: Path) -> None:
    app = served(tmp_path, "async def app(scope, receive, send): ...", attribute="app")
    shown = loaded(app, tmp_path, "[application.__module__, 'diag.agent' in sys.modules]")
    assert shown == ["target", False]


@pytest.mark.parametrize(
    ("source", "interface"),
    [
        ("async def app(scope, receive, send): ...", "asgi"),
        ("def app(environ, start_response): return []", "wsgi"),
    ],
)
def test_with_a_spool_folder_an_app_is_watched(source: str, interface: str, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    app = served(tmp_path, source, attribute="app", interface=interface)
    assert loaded(app, tmp_path, "application.__module__", **{SPOOL: str(spool)}).startswith("diag.agent")
    assert list(spool.iterdir())


def test_a_worker_reports_that_it_has_loaded(tmp_path: Path) -> None:
    pid = loaded(workload(tmp_path, "flask", "sync-handler"), tmp_path, "__import__('os').getpid()")
    assert (tmp_path / f"loaded-{pid}").exists()


@pytest.mark.parametrize(
    "error", ["AttributeError('x')", "ImportError('x')", "SystemExit(3)", "KeyboardInterrupt"]
)
def test_whatever_the_import_raises_is_reported_with_the_users_line(error: str, tmp_path: Path) -> None:
    app = served(tmp_path, f"def app(environ, start_response): ...\nraise {error}", attribute="app")
    with pytest.raises(subprocess.CalledProcessError):
        loaded(app, tmp_path, "1")
    (report,) = tmp_path.glob("failed-*")
    assert "line 2, in <module>" in report.read_text()


def test_given_parameters_replace_the_workloads_own(tmp_path: Path) -> None:
    source = """
        import diag
        @diag.workload(params={"a": 1, "b": 2})
        def work(a, b): print(a, b, file=open("seen", "w"))
        """
    app = served(
        tmp_path,
        source,
        kind="workload",
        framework="flask",
        units=(unit("work", "sync-handler"),),
        interface="wsgi",
        params={"b": 3},
    )
    loaded(app, tmp_path, "application.test_client().get('/work').status_code")
    assert (tmp_path / "seen").read_text() == "1 3\n"


def test_the_native_form_alone_is_served_under_its_own_name(tmp_path: Path) -> None:
    app = served(
        tmp_path,
        "async def nap(): ...",
        kind="workload",
        framework="fastapi",
        units=(unit("nap", "native"),),
    )
    assert loaded(app, tmp_path, "sorted(r.path for r in application.routes)") == ["/ping", "/work"]


POOLED = """
    import diag, os
    @diag.workload(params={"a": 1, "b": 2})
    def work(a, b): print(a, b, os.getpid(), file=open("seen", "w"))
    """


@pytest.mark.parametrize(("framework", "interface"), [("fastapi", "asgi"), ("flask", "wsgi")])
def test_a_pools_processes_load_the_file_by_its_path_and_are_no_workers(
    framework: str, interface: str, tmp_path: Path
) -> None:
    app = served(
        tmp_path,
        POOLED,
        kind="workload",
        framework=framework,
        units=(unit("work", "process-pool"),),
        interface=interface,
        params={"b": 3},
        pool=1,
    )
    client = {
        "fastapi": "__import__('starlette.testclient').testclient.TestClient(application)",
        "flask": "application.test_client()",
    }
    code = f"[{client[framework]}.get('/work').status_code, __import__('os').getpid()]"
    status, pid = loaded(app, tmp_path, code)
    *numbers, worker = (tmp_path / "seen").read_text().split()
    assert (status, numbers) == (200, ["1", "3"])
    assert int(worker) != pid
    assert [path.name for path in tmp_path.glob("loaded-*")] == [f"loaded-{pid}"]


def test_a_source_tree_is_made_importable_and_an_installed_diag_needs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = str(Path(__file__).parents[2])
    assert with_diag_importable({"PYTHONPATH": "/x"})["PYTHONPATH"] == f"/x{os.pathsep}{home}"
    assert with_diag_importable({"PYTHONPATH": home})["PYTHONPATH"] == home
    monkeypatch.setattr("sysconfig.get_path", lambda name: home)
    assert "PYTHONPATH" not in with_diag_importable({})
