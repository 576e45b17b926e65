"""Routes of real apps are listed, and the requests made for them are answered with success."""

from __future__ import annotations

import asyncio
import sys
import types
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Query, WebSocket
from fastapi.security import HTTPBearer
from fastapi.staticfiles import StaticFiles
from flask import Blueprint, Flask
from flask.views import MethodView
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute

from diag.frameworks import detect
from diag.inspection import RouteInfo

HERE = __file__


def routes_of(app: object) -> dict[str, RouteInfo]:
    framework = detect(app)
    assert framework is not None
    found = framework.routes(app)
    assert len({route.label for route in found}) == len(found)
    return {route.label: route for route in found}


def statuses(app: Any, routes: dict[str, RouteInfo]) -> dict[str, int]:
    if isinstance(app, Flask):
        client = httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://test")
        driven = {label: route for label, route in routes.items() if route.request}
        return {label: client.send(_sent(client, route)).status_code for label, route in driven.items()}
    return asyncio.run(_asked(app, routes))


async def _asked(app: Any, routes: dict[str, RouteInfo]) -> dict[str, int]:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")
    return {
        label: (await client.send(_sent(client, route))).status_code
        for label, route in routes.items()
        if route.request
    }


def _sent(client: httpx.Client | httpx.AsyncClient, route: RouteInfo) -> httpx.Request:
    made = route.request
    assert made is not None
    return client.build_request(made.method, made.path, headers=dict(made.headers), content=made.body)


class Line(BaseModel):
    sku: str = Field(pattern=r"^[A-Z]{2}-\d{3}$")
    count: int = Field(gt=0, le=5)


class Order(BaseModel):
    kind: Literal["gift", "plain"]
    lines: list[Line] = Field(min_length=2)
    note: str | None = None


def fastapi_app() -> FastAPI:
    app = FastAPI()

    @app.get("/items/{key}")
    async def item(key: int, q: Annotated[str, Query(min_length=12)], x_key: Annotated[str, Header()]) -> str:
        return q

    @app.post("/orders")
    def order(order: Order) -> str:
        return order.kind

    @app.put("/numbers")
    def numbers(values: list[int]) -> int:
        return len(values)

    @app.delete("/items/{key}")
    def delete(key: int) -> None: ...

    @app.get("/me", dependencies=[Depends(HTTPBearer())])
    def me() -> None: ...

    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None: ...

    @app.get("/hidden/{path:path}", include_in_schema=False)
    def hidden(path: str) -> str:
        return path

    inner = APIRouter(prefix="/inner")

    @inner.get("/{ratio}")
    async def deep(ratio: float) -> float:
        return ratio

    outer = APIRouter()
    outer.include_router(inner, prefix="/outer")
    app.include_router(outer, prefix="/api")

    sub = FastAPI()
    sub.add_api_route("/day/{day}", lambda day: day)
    app.mount("/sub", sub)
    app.mount("/static", StaticFiles(directory=Path(HERE).parent))
    return app


def test_a_fastapi_app_is_listed_without_its_own_pages_and_static_files() -> None:
    routes = routes_of(fastapi_app())
    assert set(routes) == {
        "GET /items/{key}",
        "POST /orders",
        "PUT /numbers",
        "DELETE /items/{key}",
        "GET /me",
        "WS /ws",
        "GET /hidden/{path}",
        "GET /api/outer/inner/{ratio}",
        "GET /sub/day/{day}",
    }


def test_requests_for_a_fastapi_app_pass_its_validation() -> None:
    app = fastapi_app()
    answers = statuses(app, routes_of(app))
    assert set(answers.values()) == {200}
    assert len(answers) == 6


def test_what_is_not_driven_has_its_reason() -> None:
    routes = routes_of(fastapi_app())
    assert "delete data" in routes["DELETE /items/{key}"].reason
    assert "authorization (HTTPBearer)" in routes["GET /me"].reason
    assert "WebSocket" in routes["WS /ws"].reason
    assert all(bool(route.reason) is (route.request is None) for route in routes.values())


def test_a_handlers_place_is_the_line_of_its_def() -> None:
    lines = Path(HERE).read_text().splitlines()
    routes = routes_of(fastapi_app())
    for label, name, is_async in (("GET /items/{key}", "item", True), ("POST /orders", "order", False)):
        route = routes[label]
        assert f"def {name}(" in lines[route.line - 1]
        assert (route.source, route.is_async) == (HERE, is_async)


def test_a_document_that_cannot_be_made_leaves_the_routes_unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    app = fastapi_app()

    def broken() -> None:
        raise RuntimeError("model is wrong")

    monkeypatch.setattr(app, "openapi", broken)
    assert "model is wrong" in routes_of(app)["POST /orders"].reason


def starlette_app() -> Starlette:
    async def plain(request: Any) -> JSONResponse:
        return JSONResponse(dict(request.path_params, id=str(request.path_params.get("id"))))

    class Thing(HTTPEndpoint):
        def get(self, request: Any) -> JSONResponse:
            return JSONResponse(1)

        async def post(self, request: Any) -> JSONResponse:
            return JSONResponse(1)

    async def raw(scope: Any, receive: Any, send: Any) -> None: ...

    return Starlette(
        routes=[
            Route("/int/{id:int}", plain),
            Route("/uuid/{id:uuid}", plain, methods=["GET", "DELETE"]),
            Route("/float/{id:float}", plain),
            Route("/path/{id:path}", plain),
            Route("/thing", Thing),
            Route("/trace", plain, methods=["TRACE"]),
            Mount(
                "/v1",
                routes=[
                    Mount("/v2", routes=[Route("/deep", plain)], middleware=[Middleware(GZipMiddleware)])
                ],
            ),
            Mount("/raw", app=raw),
            Mount("/static", app=StaticFiles(directory=Path(HERE).parent)),
            Host("api.test", app=Starlette(routes=[Route("/", plain)])),
            WebSocketRoute("/ws", raw),
        ]
    )


def test_a_starlette_app_is_listed_through_its_mounts() -> None:
    app = starlette_app()
    routes = routes_of(app)
    driven = {label for label, route in routes.items() if route.request}
    assert driven == {
        "GET /int/{id}",
        "GET /uuid/{id}",
        "GET /float/{id}",
        "GET /path/{id}",
        "GET /thing",
        "GET /v1/v2/deep",
    }
    assert "TRACE" in routes["TRACE /trace"].reason
    assert set(routes) - driven == {
        "TRACE /trace",
        "DELETE /uuid/{id}",
        "POST /thing",
        "ANY /raw/",
        "ANY //api.test/",
        "WS /ws",
    }
    assert set(statuses(app, routes).values()) == {200}


def test_the_methods_of_a_class_are_its_handlers() -> None:
    routes = routes_of(starlette_app())
    assert routes["GET /thing"].is_async is False
    assert routes["POST /thing"].is_async is True
    assert "body" in routes["POST /thing"].reason


def flask_app() -> Flask:
    app = Flask(__name__)

    def view(**values: object) -> dict[str, str]:
        return {key: str(value) for key, value in values.items()}

    rules = (
        "/",
        "/int/<int:id>",
        "/digits/<int(fixed_digits=3):id>",
        "/range/<int(min=5, max=9):id>",
        "/float/<float:id>",
        "/uuid/<uuid:id>",
        "/path/<path:id>",
        "/any/<any(red, blue):id>",
        "/two/<a>/x/<b>",
        "/short/<string(length=2):id>",
        "/long/<string(minlength=20):id>",
    )
    for rule in rules:
        app.add_url_rule(rule, rule.replace(".", "_"), view)
    app.add_url_rule("/items", "create", view, methods=["POST", "DELETE", "GET", "PURGE"])
    app.add_url_rule("/elsewhere", "elsewhere", build_only=True)

    class Things(MethodView):
        def get(self) -> str:
            return "x"

        def post(self) -> str:
            return "x"

    app.add_url_rule("/things", view_func=Things.as_view("things"))
    shop = Blueprint("shop", __name__, url_prefix="/shop", static_folder=".")
    shop.add_url_rule("/cart", "cart", view)
    app.register_blueprint(shop)
    return app


def test_a_flask_app_is_listed_with_its_converters_and_answers() -> None:
    app = flask_app()
    routes = routes_of(app)
    answers = statuses(app, routes)
    assert {label for label, status in answers.items() if status != 200} == set()
    assert len(answers) == 14
    assert routes["GET /digits/{id}"].request is not None
    assert routes["GET /digits/{id}"].request.path == "/digits/001"
    assert set(routes) - set(answers) == {"PURGE /items", "POST /items", "DELETE /items", "POST /things"}
    assert "GET /shop/cart" in answers


def test_a_class_based_flask_view_is_located_at_its_method() -> None:
    lines = Path(HERE).read_text().splitlines()
    routes = routes_of(flask_app())
    assert "def post(self)" in lines[routes["POST /things"].line - 1]


def test_a_flask_route_of_a_subdomain_is_unmeasured() -> None:
    app = Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "shop.test"
    app.add_url_rule("/x", "x", lambda: "x", subdomain="api")
    assert "subdomain api" in routes_of(app)["GET /x"].reason


def test_detecting_an_app_imports_no_framework() -> None:
    # Classes are told by name: a stand-in from a module of that name is enough.
    assert detect(types.SimpleNamespace()) is None
    before = set(sys.modules)
    assert detect(Flask("x")) is not None
    assert {name.partition(".")[0] for name in set(sys.modules) - before} <= {"diag"}
