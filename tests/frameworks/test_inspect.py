"""A target is imported in a process of its own, and every way of failing is explained."""

from __future__ import annotations

import os
import time
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from diag.errors import TargetError
from diag.frameworks import inspect as inspect_module
from diag.frameworks.inspect import Inspection, inspect_target
from diag.targets import AppTarget, WorkloadTarget, parse_target
from diag.workload import Blocks, Clean


def target_of(
    folder: Path, source: str, text: str = "target.py", **options: bool
) -> AppTarget | WorkloadTarget:
    path = folder / text.partition(":")[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(source))
    target = parse_target(text, cwd=folder, **options)
    assert isinstance(target, AppTarget | WorkloadTarget)
    return target


def inspected(folder: Path, source: str, text: str = "target.py", **options: bool) -> Inspection:
    return inspect_target(target_of(folder, source, text, **options))


def refused(
    folder: Path, source: str, text: str = "target.py", timeout_s: float = 30, **options: bool
) -> TargetError:
    with pytest.raises(TargetError) as caught:
        inspect_target(target_of(folder, source, text, **options), timeout_s=timeout_s)
    assert caught.value.what
    assert caught.value.cause
    assert caught.value.next_step
    return caught.value


def labels(inspection: Inspection) -> list[str]:
    return [route.label for route in inspection.routes]


def test_a_fastapi_app_is_recognised_with_its_routes(tmp_path: Path) -> None:
    found = inspected(
        tmp_path,
        """
        from fastapi import FastAPI
        app = FastAPI()

        @app.get("/items/{id}")
        @app.get("/old/{id}")
        async def item(id: int): ...

        @app.post("/items")
        def create(name: str): ...
        """,
    )
    assert (found.interface, found.framework, found.attribute) == ("asgi", "fastapi", "app")
    assert set(labels(found)) == {"GET /items/{id}", "GET /old/{id}", "POST /items"}
    item = next(route for route in found.routes if route.label == "GET /items/{id}")
    assert item.request is not None
    assert item.request.path == "/items/1"
    assert (item.line, item.is_async, item.source) == (7, True, str(tmp_path / "target.py"))


def test_a_flask_app_is_recognised_with_its_routes(tmp_path: Path) -> None:
    found = inspected(
        tmp_path,
        """
        from flask import Flask
        app = Flask(__name__)

        @app.get("/items/<int:id>")
        def item(id): return "x"
        """,
    )
    assert (found.interface, found.framework) == ("wsgi", "flask")
    assert labels(found) == ["GET /items/{id}"]


OTHER_APPS = {
    "ASGI function": ("async def app(scope, receive, send): ...", "asgi", "app"),
    "ASGI instance": (
        "class Site:\n    async def __call__(self, scope, receive, send): ...\nsite = Site()",
        "asgi",
        "site",
    ),
    "ASGI partial": (
        """
        import functools
        async def serve(config, scope, receive, send): ...
        app = functools.partial(serve, {})
        """,
        "asgi",
        "app",
    ),
    "WSGI function": ("def application(environ, start_response): return []", "wsgi", "application"),
    "WSGI instance": (
        "class Site:\n    def __call__(self, environ, start_response): return []\nwsgi = Site()",
        "wsgi",
        "wsgi",
    ),
    "middleware around FastAPI": (
        """
        from fastapi import FastAPI
        class Timing:
            def __init__(self, app): self.app = app
            async def __call__(self, scope, receive, send): await self.app(scope, receive, send)
        app = Timing(FastAPI())
        """,
        "asgi",
        "app",
    ),
    "app chosen before a router": (
        "from fastapi import APIRouter, FastAPI\napi = APIRouter()\nsite = FastAPI()\napplication = site",
        "asgi",
        "application",
    ),
    "the only framework app among helpers": (
        "from fastapi import APIRouter, FastAPI\nrouter = APIRouter()\nshop = FastAPI()\ndef add(a, b): ...",
        "asgi",
        "shop",
    ),
}


@pytest.mark.parametrize(("source", "interface", "attribute"), OTHER_APPS.values(), ids=OTHER_APPS.keys())
def test_any_asgi_or_wsgi_callable_is_an_app(
    source: str, interface: str, attribute: str, tmp_path: Path
) -> None:
    found = inspected(tmp_path, source)
    assert (found.interface, found.attribute) == (interface, attribute)


def test_an_app_of_no_known_framework_is_driven_at_its_root_and_says_so(tmp_path: Path) -> None:
    found = inspected(tmp_path, "async def app(scope, receive, send): ...")
    assert labels(found) == ["GET /"]
    assert found.routes[0].request is not None
    assert "GET /" in found.notes[0]


def test_routes_are_found_through_middleware(tmp_path: Path) -> None:
    found = inspected(
        tmp_path,
        """
        from fastapi import FastAPI
        inner = FastAPI()
        @inner.get("/x")
        def x(): ...
        class Timing:
            def __init__(self, app): self.app = app
            async def __call__(self, scope, receive, send): await self.app(scope, receive, send)
        app = Timing(inner)
        """,
    )
    assert labels(found) == ["GET /x"]


@pytest.mark.parametrize(("text", "factory"), [("target.py:create_app", False), ("target.py:build", True)])
def test_a_factory_is_called(text: str, factory: bool, tmp_path: Path) -> None:
    source = """
        from fastapi import FastAPI
        def create_app():
            app = FastAPI()
            app.get("/made")(lambda: 1)
            return app
        build = create_app
        """
    found = inspected(tmp_path, source, text, factory=factory)
    assert found.factory
    assert labels(found) == ["GET /made"]


def test_a_factory_is_found_by_its_usual_name(tmp_path: Path) -> None:
    found = inspected(tmp_path, "from flask import Flask\ndef create_app(): return Flask('x')")
    assert (found.attribute, found.factory, found.framework) == ("create_app", True, "flask")


def test_an_async_factory_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "async def make(): ...", "target.py:make", factory=True)
    assert "async def" in error.what


def test_a_factory_that_returns_no_app_is_refused(tmp_path: Path) -> None:
    assert "returned a int" in refused(tmp_path, "def make(): return 3", "target.py:make", factory=True).what


def test_a_factory_that_needs_arguments_is_refused(tmp_path: Path) -> None:
    error = refused(
        tmp_path, "def create_app(settings, *, debug=False): ...", "target.py:create_app", factory=True
    )
    assert (error.slug, error.what) == ("no-app", "the factory create_app needs arguments: settings")


def test_names_that_answer_no_question_outside_of_a_request_are_passed_over(tmp_path: Path) -> None:
    source = """
        from flask import Flask, current_app, g, request, session
        def create_app():
            app = Flask(__name__)
            app.add_url_rule("/x", "x", lambda: request.path)
            return app
        """
    assert labels(inspected(tmp_path, source)) == ["GET /x"]


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    source = "import os\nfrom fastapi import FastAPI\nurl = os.environ['SHOP_DB']\napp = FastAPI()"
    error = refused(tmp_path, source)
    assert error.cause == "It reads the environment variable SHOP_DB, which is not set."
    assert error.next_step == "SHOP_DB=... diag explain target.py"


def test_a_name_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    error = refused(tmp_path, "from fastapi import FastAPI\nshop = FastAPI()", "target.py:app")
    assert error.slug == "no-app"
    assert error.cause == "Its apps: shop."
    assert error.next_step == "diag explain target.py:shop"


def test_several_apps_are_not_chosen_among(tmp_path: Path) -> None:
    error = refused(tmp_path, "from fastapi import FastAPI\nfirst = FastAPI()\nsecond = FastAPI()")
    assert "first, second" in error.what


def test_an_app_of_aiohttps_kind_is_explained(tmp_path: Path) -> None:
    (tmp_path / "aiohttp.py").write_text("class Application: ...")
    error = refused(tmp_path, "import aiohttp\nsite = aiohttp.Application()", "target.py:site")
    assert "neither ASGI nor WSGI" in error.what


def test_a_route_that_is_declared_twice_is_listed_as_the_one_that_answers(tmp_path: Path) -> None:
    found = inspected(
        tmp_path,
        """
        from fastapi import FastAPI
        app = FastAPI()
        @app.get("/x")
        def first(): ...
        @app.get("/x")
        def second(): ...
        """,
    )
    assert [(route.label, route.line) for route in found.routes] == [("GET /x", 5)]


def test_when_no_app_is_there_the_names_looked_at_are_given(tmp_path: Path) -> None:
    error = refused(tmp_path, "import types\napp = types.SimpleNamespace()")
    assert "application" in error.cause
    assert "create_app" in error.cause


def test_an_import_error_shows_the_users_frames_only(tmp_path: Path) -> None:
    (tmp_path / "db.py").write_text("def connect():\n    return {}['dsn']\nconnect()\n")
    error = refused(tmp_path, "import db\nfrom fastapi import FastAPI\napp = FastAPI()")
    assert error.slug == "import-error"
    assert "KeyError: 'dsn'" in error.what
    files = [line.split('"')[1] for line in error.detail.splitlines() if line.startswith("  File ")]
    assert files == [str(tmp_path / "target.py"), str(tmp_path / "db.py"), str(tmp_path / "db.py")]


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    error = refused(tmp_path, "import no_such_package.sub\nfrom fastapi import FastAPI\napp = FastAPI()")
    assert "no_such_package" in error.cause
    assert error.next_step.endswith("-m pip install no_such_package")


def test_a_module_that_is_missing_in_the_users_own_package_is_not_to_be_installed(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    error = refused(tmp_path, "import shop.modles\nasync def app(scope, receive, send): ...")
    assert error.cause == "There is a shop, but no shop.modles in it."
    assert error.next_step == "correct the import of shop.modles"


def test_a_library_that_raises_leaves_the_users_line_on_top(tmp_path: Path) -> None:
    error = refused(
        tmp_path,
        """
        from fastapi import FastAPI
        class Thing: ...
        app = FastAPI()
        @app.get("/x")
        def x(thing: Thing): ...
        """,
    )
    assert 'line 5, in <module>\n    @app.get("/x")' in error.detail
    assert "site-packages" not in error.detail


def test_causes_of_an_exception_are_kept_and_shortened(tmp_path: Path) -> None:
    error = refused(
        tmp_path,
        """
        import json
        app = None
        try:
            json.loads("{")
        except ValueError as cause:
            raise RuntimeError("bad settings") from cause
        async def app(scope, receive, send): ...
        """,
    )
    assert "The above exception was the direct cause" in error.detail
    assert "json/decoder.py" not in error.detail


def test_sys_exit_on_import_is_explained(tmp_path: Path) -> None:
    error = refused(tmp_path, "import sys\nasync def app(scope, receive, send): ...\nsys.exit(3)")
    assert error.slug == "exits-on-import"
    assert "exit code 3" in error.what
    assert "line 3" in error.detail


@pytest.mark.parametrize(
    ("code", "words"),
    [("os._exit(7)", "exit code 7"), ("os.kill(os.getpid(), 11)", "SIGSEGV"), ("os.abort()", "SIGABRT")],
)
def test_a_crash_on_import_is_explained(code: str, words: str, tmp_path: Path) -> None:
    error = refused(tmp_path, f"import os\nasync def app(scope, receive, send): ...\n{code}")
    assert error.slug == "crashes-on-import"
    assert words in error.what


@pytest.mark.parametrize(
    "code",
    [
        "time.sleep(600)",
        "threading.Event().wait()",
        "re.match('(a+)+$', 'a' * 60 + 'b')",  # holds the GIL for good
    ],
)
def test_a_hang_on_import_names_its_line(code: str, tmp_path: Path) -> None:
    source = f"""
        import re, threading, time
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        def connect():
            {code}
        connect()
        async def app(scope, receive, send): ...
        """
    error = refused(tmp_path, source, timeout_s=0.5)
    assert error.slug == "hangs-on-import"
    assert f"{tmp_path / 'target.py'}:5 in connect" in error.cause


def test_what_the_import_prints_is_harmless(tmp_path: Path) -> None:
    found = inspected(
        tmp_path,
        """
        import os, subprocess, sys
        print("{}" * 100_000)
        os.write(1, b"raw"); os.write(2, b"raw")
        subprocess.run(["echo", "from a child"])
        sys.stdout.close()
        async def app(scope, receive, send): ...
        """,
    )
    assert found.interface == "asgi"


def test_what_it_printed_is_shown_when_it_fails(tmp_path: Path) -> None:
    error = refused(tmp_path, "print('loading settings')\n1 / 0\nasync def app(scope, receive, send): ...")
    assert "loading settings" in error.detail


def test_processes_that_the_import_started_are_not_left_behind(tmp_path: Path) -> None:
    found = inspected(
        tmp_path,
        """
        import os, pathlib, subprocess, time
        child = subprocess.Popen(["sleep", "600"])
        pathlib.Path("pid").write_text(str(child.pid))
        if os.fork() == 0:
            time.sleep(600)
        async def app(scope, receive, send): ...
        """,
    )
    assert found.interface == "asgi"
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        os.sched_yield()


def test_the_module_sees_the_import_path_of_its_own_command(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("NAME = 'beside'")
    found = inspected(
        tmp_path,
        """
        import sys, settings
        assert __name__ == "target", __name__
        assert sys.argv[1:] == []
        assert sys.path[0].endswith(settings.__file__.rpartition("/")[0])
        async def app(scope, receive, send): ...
        """,
    )
    assert found.file == str(tmp_path / "target.py")


def test_a_package_imports_relatively(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").write_text("")
    (tmp_path / "shop/models.py").write_text("NAME = 'x'")
    source = "from .models import NAME\nfrom fastapi import FastAPI\napp = FastAPI(title=NAME)"
    assert inspected(tmp_path, source, "shop/api.py").framework == "fastapi"


@pytest.mark.parametrize("name", ["my-app.py", "01.first.py", "json.py", "email.py"])
def test_a_file_may_have_any_name(name: str, tmp_path: Path) -> None:
    assert inspected(tmp_path, "async def app(scope, receive, send): ...", name).interface == "asgi"


def test_a_flask_target_loads_no_fastapi_and_the_other_way_round(tmp_path: Path) -> None:
    check = """
        import atexit, sys
        from {package} import {name}
        class Guard({name}):
            def __getattribute__(self, attribute):
                assert "{other}" not in sys.modules
                return super().__getattribute__(attribute)
        app = Guard({argument})
        """
    flask = check.format(package="flask", name="Flask", other="fastapi", argument="__name__")
    fastapi = check.format(package="fastapi", name="FastAPI", other="flask", argument="")
    assert inspected(tmp_path / "a", flask).framework == "flask"
    assert inspected(tmp_path / "b", fastapi).framework == "fastapi"


def test_plain_functions_are_workloads_and_twins_are_paired(tmp_path: Path) -> None:
    found = inspected(
        tmp_path,
        """
        from time import sleep
        def fetch(): ...
        async def fetch_async(): ...
        def read(): ...
        async def async_read(): ...
        def query(): ...
        async def aquery(): ...
        def alone(seconds=1): ...
        async def native(): ...
        def _private(): ...
        def needs(x): ...
        def generator(): yield
        class Thing: ...
        """,
    )
    forms = {w.name: (w.has_sync, w.has_native) for w in found.workloads}
    assert forms == {
        "fetch": (True, True),
        "read": (True, True),
        "query": (True, True),
        "alone": (True, False),
        "native": (False, True),
    }


def test_the_only_two_functions_of_a_file_are_a_pair(tmp_path: Path) -> None:
    found = inspected(tmp_path, "def blocking(): ...\nasync def better(): ...")
    assert [(w.name, w.functions) for w in found.workloads] == [("blocking", ("blocking", "better"))]


def test_the_native_form_can_be_asked_for_alone(tmp_path: Path) -> None:
    found = inspected(tmp_path, "def work(): ...\nasync def work_async(): ...", "target.py:work_async")
    assert [(w.has_sync, w.has_native) for w in found.workloads] == [(False, True)]


def test_decorated_functions_are_the_only_workloads_and_keep_what_they_say(tmp_path: Path) -> None:
    found = inspected(
        tmp_path,
        """
        import diag
        def helper(): ...
        async def nap_async(seconds): ...
        @diag.workload(name="a nap", kind="io", native=nap_async, params={"seconds": 0.1}, users=3,
                       expect=diag.Blocks(at="sleep(", cause="waiting", convoy=True))
        def nap(seconds): ...
        @diag.workload(expect=diag.Clean(because="it awaits"))
        async def fine(): ...
        """,
    )
    nap, fine = found.workloads
    assert (nap.name, nap.kind, nap.users, dict(nap.params)) == ("a nap", "io", 3, {"seconds": 0.1})
    assert (nap.functions, nap.accepts) == (("nap", "nap_async"), ("seconds",))
    assert nap.expect == Blocks(at="sleep(", cause="waiting", convoy=True)
    assert fine.expect == Clean(because="it awaits")
    assert (fine.has_sync, fine.has_native) == (False, True)


def test_arguments_that_cannot_leave_the_process_are_named(tmp_path: Path) -> None:
    source = """
        import diag, threading
        @diag.workload(params={"rows": 3, "lock": threading.Lock()})
        def work(rows, lock): ...
        @diag.workload(params={"rows": 3})
        def other(rows): ...
        """
    first, second = inspected(tmp_path, source).workloads
    assert "its parameter lock cannot be sent to another process" in first.confined
    assert second.confined == ""


def test_only_the_named_workload_is_inspected(tmp_path: Path) -> None:
    found = inspected(tmp_path, "def one(): ...\ndef two(): ...", "target.py:two")
    assert [w.name for w in found.workloads] == ["two"]


def test_a_workload_that_is_gone_after_the_import_is_missed(tmp_path: Path) -> None:
    error = refused(tmp_path, "def work(): ...\ndel work")
    assert error.slug == "no-workload"


def test_an_interrupt_ends_the_importing_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    children = []
    start = inspect_module._start

    def started(*arguments: object) -> object:
        children.append(start(*arguments))
        return children[-1]

    monkeypatch.setattr(inspect_module, "_start", started)
    monkeypatch.setattr(inspect_module, "_read_line", interrupted)
    with pytest.raises(KeyboardInterrupt):
        inspected(tmp_path, "import time\nasync def app(scope, receive, send): ...\ntime.sleep(600)")
    ((child, _),) = children
    assert child.returncode == -9
