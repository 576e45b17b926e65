"""What a target and the options become, without running anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from diag.errors import UsageError
from diag.inspection import Inspection, RouteInfo, WorkloadInfo
from diag.plan import HttpRequest
from diag.planning import PING_RATE, expectation_of, plan_app, plan_script, plan_workloads
from diag.settings import ExplainOptions
from diag.targets import AppTarget, ScriptTarget, WorkloadTarget, parse_target
from diag.workload import Blocks, Clean


def _target(folder: Path, source: str, text: str, **more: Any) -> Any:
    (folder / text.partition(":")[0]).write_text(source)
    return parse_target(text, cwd=folder, **more)


@pytest.fixture
def app(tmp_path: Path) -> AppTarget:
    found = _target(tmp_path, "from fastapi import FastAPI\napp = FastAPI()\n", "shop.py:app")
    assert isinstance(found, AppTarget)
    return found


@pytest.fixture
def workload(tmp_path: Path) -> WorkloadTarget:
    found = _target(tmp_path, "import time\ndef work(): time.sleep(0.1)\n", "unit.py")
    assert isinstance(found, WorkloadTarget)
    return found


def _get(path: str) -> HttpRequest:
    return HttpRequest(route=f"GET {path}", method="GET", path=path)


ROUTES = (
    RouteInfo(label="GET /", method="GET", path="/", request=_get("/")),
    RouteInfo(label="GET /items/{id}", method="GET", path="/items/{id}", request=_get("/items/{id}")),
    RouteInfo(label="POST /items", method="POST", path="/items", reason="needs a body"),
)


def _inspection(**more: Any) -> Inspection:
    fields: dict[str, Any] = {"framework": "fastapi", "interface": "asgi", "routes": ROUTES}
    return Inspection(**(fields | more))


def _options(folder: Path, **more: Any) -> ExplainOptions:
    return ExplainOptions(**({"target": "shop.py", "cwd": folder} | more))


def test_every_route_that_can_be_driven_is_and_the_others_say_why(tmp_path: Path, app: AppTarget) -> None:
    plan = plan_app(app, _inspection(), _options(tmp_path))
    (stream,) = plan.streams
    assert [request.route for request in stream.requests] == ["GET /", "GET /items/{id}"]
    assert [(one.route, one.reason) for one in plan.unmeasured] == [("POST /items", "needs a body")]
    assert plan.required == frozenset()
    assert (plan.server.server, plan.server.loop, plan.cell.loop) == ("uvicorn", "asyncio", "asyncio")


def test_a_request_of_the_users_takes_its_routes_place(tmp_path: Path, app: AppTarget) -> None:
    options = _options(tmp_path, requests=('POST /items {"name": "x"}', "GET /items/7"))
    plan = plan_app(app, _inspection(), options)
    by_route = {request.route: request for stream in plan.streams for request in stream.requests}
    assert set(by_route) == {"GET /", "GET /items/{id}", "POST /items"}
    assert by_route["GET /items/{id}"].path == "/items/7"
    assert by_route["POST /items"].body == b'{"name": "x"}'
    assert plan.unmeasured == ()
    assert plan.required == {"POST /items", "GET /items/{id}"}


def test_headers_go_with_every_request_and_replace_none_of_its_own(tmp_path: Path, app: AppTarget) -> None:
    options = _options(
        tmp_path, headers=(("X-Key", "1"), ("Content-Type", "text/plain")), requests=("POST /items {}",)
    )
    plan = plan_app(app, _inspection(), options)
    for request in plan.streams[0].requests:
        assert ("X-Key", "1") in request.headers
    (post,) = [request for request in plan.streams[0].requests if request.method == "POST"]
    types = [value for name, value in post.headers if name.lower() == "content-type"]
    assert types == ["application/json"]


def test_a_rate_makes_the_load_open(tmp_path: Path, app: AppTarget) -> None:
    (stream,) = plan_app(app, _inspection(), _options(tmp_path, rate=30.0)).streams
    assert (stream.users, stream.rate, stream.words) == (0, 30.0, "open, 30/s")
    (stream,) = plan_app(app, _inspection(), _options(tmp_path, users=3)).streams
    assert (stream.users, stream.words) == (3, "closed, 3 users")


def test_an_app_without_routes_has_no_load(tmp_path: Path, app: AppTarget) -> None:
    assert plan_app(app, _inspection(routes=ROUTES[2:]), _options(tmp_path)).streams == ()


@pytest.mark.parametrize(
    ("options", "slug", "says"),
    [
        ({"server": "gunicron"}, "no-server", "gunicorn"),
        ({"server": "gunicorn-sync"}, "server-interface", "uvicorn"),
        ({"server": "uvicorn", "loop": "trio"}, "no-loop", "asyncio"),
    ],
)
def test_what_does_not_fit_is_said_with_what_would(
    tmp_path: Path, app: AppTarget, options: dict[str, Any], slug: str, says: str
) -> None:
    with pytest.raises(UsageError) as caught:
        plan_app(app, _inspection(), _options(tmp_path, **options))
    assert caught.value.slug == slug
    assert says in caught.value.cause + caught.value.next_step


def test_a_server_without_a_loop_takes_none(tmp_path: Path, app: AppTarget) -> None:
    inspection = _inspection(interface="wsgi", framework="flask")
    assert plan_app(app, inspection, _options(tmp_path, server="gunicorn-sync")).cell.loop == ""
    with pytest.raises(UsageError, match="does not run on the loop"):
        plan_app(app, inspection, _options(tmp_path, server="gunicorn-sync", loop="uvloop"))


UNIT = WorkloadInfo(name="work", functions=("work",), has_sync=True, accepts=("seconds",))


def test_a_workload_runs_in_each_strategy_that_applies(tmp_path: Path, workload: WorkloadTarget) -> None:
    plans = plan_workloads(workload, [UNIT], _options(tmp_path))
    names = [plan.cell.strategy for plan in plans]
    assert names[:3] == ["blocking", "sync-handler", "to-thread"]
    assert "native" not in names
    for plan in plans:
        work, ping = plan.streams
        assert work.users > 1
        assert (ping.users, ping.rate) == (0, PING_RATE)
        assert {"GET /work", "GET /ping"} <= plan.required


def test_a_strategy_asked_for_runs_alone_and_an_unknown_one_is_an_error(
    tmp_path: Path, workload: WorkloadTarget
) -> None:
    (plan,) = plan_workloads(workload, [UNIT], _options(tmp_path, strategies=("to-thread",)))
    assert plan.cell.strategy == "to-thread"
    for name, slug in (("to-thraed", "no-strategy"), ("native", "no-strategy")):
        with pytest.raises(UsageError) as caught:
            plan_workloads(workload, [UNIT], _options(tmp_path, strategies=(name,)))
        assert caught.value.slug == slug


def test_ground_truth_travels_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "unit.py"
    path.write_text("import time\n\n\ndef work():\n    time.sleep(0.1)\n")
    blocks = WorkloadInfo(name="work", source=str(path), expect=Blocks(at="time.sleep", cause="waiting"))
    found = json.loads(expectation_of([blocks]))
    assert (found["kind"], found["line"], found["path"], found["cause"]) == (
        "blocks",
        5,
        str(path),
        "waiting",
    )
    clean = WorkloadInfo(name="work", source=str(path), expect=Clean())
    assert json.loads(expectation_of([clean]))["kind"] == "clean"
    assert expectation_of([WorkloadInfo(name="work", source=str(path))]) == ""


SCRIPT = "import asyncio\nasync def main(): ...\nif __name__ == '__main__':\n    asyncio.run(main())\n"


@pytest.mark.parametrize(
    ("text", "source", "module"),
    [
        ("script.py", SCRIPT, ""),
        ("tool/part.py", SCRIPT, ""),
        ("tool.part", SCRIPT, "tool.part"),
        ("tool/part.py", "from . import other\n" + SCRIPT, "tool.part"),
    ],
)
def test_a_script_runs_as_it_was_typed(tmp_path: Path, text: str, source: str, module: str) -> None:
    (tmp_path / "tool").mkdir()
    for name in ("tool/__init__.py", "tool/other.py"):
        (tmp_path / name).touch()
    (tmp_path / "tool" / "part.py").write_text(source)
    (tmp_path / "script.py").write_text(source)
    target = parse_target(text, args=("--a", "b"), cwd=tmp_path)
    assert isinstance(target, ScriptTarget)
    plan = plan_script(target, _options(tmp_path, target=text))
    assert (plan.module, plan.args, plan.cwd) == (module, ("--a", "b"), tmp_path)
    assert plan.path.endswith((".py",))
    if module:
        assert plan.folder == str(tmp_path)
