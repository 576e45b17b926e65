"""Flask's async views and Flask-RESTful: both are Flask apps, and run handlers each in their way."""

from __future__ import annotations

import asyncio
import threading

import pytest

from diag.frameworks import detect, get_framework

FAMILY = ("flask", "flask-async", "flask-restful")


def client(framework: str, handler: object) -> object:
    return get_framework(framework).build({"/work": handler}).test_client()


@pytest.mark.parametrize("framework", FAMILY)
def test_an_app_of_the_targets_is_told_as_flasks_whatever_its_views_are(framework: str) -> None:
    async def async_handle() -> dict[str, bool]:
        return {"ok": True}

    def handle() -> dict[str, bool]:
        return {"ok": True}

    app = get_framework(framework).build({"/work": async_handle if framework == "flask-async" else handle})
    found = detect(app)
    assert found is not None
    assert found.name == "flask"
    assert [route.label for route in found.routes(app)] == ["GET /work", "GET /ping"]


@pytest.mark.parametrize("framework", ["flask", "flask-restful"])
def test_a_def_runs_in_the_workers_thread(framework: str) -> None:
    seen: list[int] = []

    def handle() -> dict[str, bool]:
        seen.append(threading.get_ident())
        return {"ok": True}

    assert client(framework, handle).get("/work").json == {"ok": True}
    assert seen == [threading.get_ident()]


def test_an_async_view_has_a_loop_of_its_own_in_each_request() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def handle() -> dict[str, bool]:
        loops.append(asyncio.get_running_loop())
        return {"ok": True}

    views = client("flask-async", handle)
    assert [views.get("/work").json for _ in range(2)] == [{"ok": True}] * 2
    assert loops[0] is not loops[1]
    assert all(loop.is_closed() for loop in loops)


@pytest.mark.parametrize("framework", FAMILY)
def test_what_there_is_not_is_404_and_there_is_an_innocent_handler(framework: str) -> None:
    async def handle() -> dict[str, bool]:
        return {"ok": True}

    views = client(framework, handle)
    assert views.get("/ping").json == {"pong": True}
    assert views.get("/nowhere").status_code == 404
