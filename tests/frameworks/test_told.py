"""Apps of frameworks that diag never builds with tell their routes, and are driven at them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import bottle
import httpx
import litestar
import pytest
import quart
import sanic

from diag.frameworks import detect
from diag.frameworks.inspect import inspect_target
from diag.frameworks.loading import interface_of
from diag.inspection import RouteInfo
from diag.targets import AppTarget, parse_target


def routes_of(app: object, framework: str, interface: str) -> dict[str, RouteInfo]:
    found = detect(app)
    assert found is not None
    assert (found.name, interface_of(app)) == (framework, interface)
    return {route.label: route for route in found.routes(app)}


def statuses(app: Any, routes: dict[str, RouteInfo]) -> dict[str, int]:
    """What each driven route answers."""

    async def ask() -> dict[str, int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return {
                label: (
                    await client.request(
                        one.request.method,
                        one.request.path,
                        headers=one.request.headers,
                        content=one.request.body,
                    )
                ).status_code
                for label, one in routes.items()
                if one.request is not None
            }

    return asyncio.run(ask())


def test_quarts_views_and_websockets() -> None:
    app = quart.Quart("shop")

    @app.get("/items/<int:item>")
    async def read(item: int) -> dict[str, int]:
        return {"item": item}

    @app.post("/items")
    async def write() -> str:
        return ""

    @app.websocket("/feed")
    async def feed() -> None: ...

    routes = routes_of(app, "quart", "asgi")
    assert list(routes) == ["GET /items/{item}", "POST /items", "WS /feed"]
    assert routes["GET /items/{item}"].is_async
    assert "WebSockets" in routes["WS /feed"].reason
    assert statuses(app, routes) == {"GET /items/{item}": 200}


def test_litestars_handlers_with_bodies_from_its_schema() -> None:
    @litestar.get("/items/{item:int}")
    async def read(item: int, page: int) -> dict[str, int]:
        return {"item": item, "page": page}

    @litestar.post("/items")
    async def write(data: dict[str, int]) -> dict[str, int]:
        return data

    app = litestar.Litestar([read, write])
    routes = routes_of(app, "litestar", "asgi")
    assert set(routes) == {"GET /items/{item}", "POST /items"}
    assert routes["GET /items/{item}"].source == __file__
    assert statuses(app, routes) == {"GET /items/{item}": 200, "POST /items": 201}


def test_sanics_handlers() -> None:
    app = sanic.Sanic("shop")

    @app.get("/items/<item:int>")
    async def read(_request: object, item: int) -> object:
        return sanic.response.json({"item": item})

    @app.websocket("/feed")
    async def feed(_request: object, _ws: object) -> None: ...

    routes = routes_of(app, "sanic", "asgi")
    assert set(routes) == {"GET /items/{item}", "WS /feed"}
    request = routes["GET /items/{item}"].request
    assert request is not None
    assert request.path == "/items/1"


def test_bottles_handlers() -> None:
    app = bottle.Bottle()
    app.route("/items/<item:int>", "GET", str)
    app.route("/items", "POST", lambda: "")
    app.route("/any", "ANY", lambda: "")
    routes = routes_of(app, "bottle", "wsgi")
    assert list(routes) == ["GET /items/{item}", "POST /items", "GET /any"]
    assert [route.request is not None for route in routes.values()] == [True, False, True]


DJANGO = """
import django
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x")
django.setup()
from django.core.asgi import get_asgi_application
from django.http import JsonResponse
from django.urls import include, path, re_path
from django.views import View

async def read(request, item):
    return JsonResponse({"item": item})

class Items(View):
    def get(self, request):
        return JsonResponse({})
    def post(self, request):
        return JsonResponse({})

inner = [path("<int:item>/", read), re_path("^old/(?P<year>[0-9]{4})$", read)]
urlpatterns = [path("items/", Items.as_view()), path("shop/", include(inner))]
application = get_asgi_application()
"""


def test_djangos_views(tmp_path: Path) -> None:
    path = tmp_path / "shop_site.py"
    path.write_text(DJANGO)
    target = parse_target(str(path))
    assert isinstance(target, AppTarget)
    inspection = inspect_target(target)
    assert (inspection.framework, inspection.interface) == ("django", "asgi")
    routes = {route.label: route for route in inspection.routes}
    assert list(routes) == [
        "GET /items/",
        "POST /items/",
        "GET /shop/{item}/",
        "GET /shop/^old/(?P<year>[0-9]{4})$",
    ]
    driven = routes["GET /shop/{item}/"]
    assert driven.is_async
    assert driven.request is not None
    assert driven.request.path == "/shop/1/"
    assert "regular expression" in routes["GET /shop/^old/(?P<year>[0-9]{4})$"].reason


@pytest.mark.parametrize("name", ["quart", "litestar", "django", "sanic", "bottle"])
def test_none_of_them_is_imported_to_look_at_an_app(name: str) -> None:
    code = (
        f"import sys; from diag.frameworks import detect; detect(object()); sys.exit({name!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
