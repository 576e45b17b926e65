"""FastAPI: routes from its routing table, requests from its OpenAPI document."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from diag.frameworks import class_names, missing
from diag.frameworks.examples import NoExampleError
from diag.frameworks.openapi import OpenApi
from diag.frameworks.starlette import Leaf, MakeRequest, plain_request, walk
from diag.inspection import RouteInfo
from diag.plan import HttpRequest


class FastApiFramework:
    """Serves the handler as it is: an `async def` on the loop, a `def` in the thread pool."""

    name = "fastapi"
    interface: Literal["asgi", "wsgi"] = "asgi"
    handlers: tuple[Literal["async", "def"], ...] = ("async", "def")

    def unavailable(self) -> str | None:
        """See `diag.frameworks.Framework`."""
        return missing("fastapi", "fastapi")

    def detects(self, app: object) -> bool:
        """An instance of FastAPI."""
        return "fastapi.FastAPI" in class_names(app)

    def interface_of(self, app: object) -> Literal["asgi", "wsgi"]:  # noqa: ARG002  # all alike
        """See `diag.frameworks.Teller`."""
        return self.interface

    def routes(self, app: object) -> tuple[RouteInfo, ...]:
        """See `diag.frameworks.Framework`."""
        return tuple(walk(_flat(getattr(app, "routes", ())), "", _request_maker(app)))

    def build(self, handlers: Mapping[str, Callable[[], object]]) -> object:
        """See `diag.frameworks.Framework`."""
        from fastapi import FastAPI  # noqa: PLC0415  # only where an app is built

        async def ping() -> dict[str, bool]:
            return {"pong": True}

        app = FastAPI(openapi_url=None)
        for path, handler in handlers.items():
            app.add_api_route(path, handler, methods=["GET"], response_model=None)
        app.add_api_route("/ping", ping, methods=["GET"], response_model=None)
        return app


def _flat(routes: Iterable[Any]) -> Iterator[Any]:
    """Routes with included routers resolved, which newer versions keep as a tree."""
    routing = sys.modules.get("fastapi.routing")
    contexts = getattr(routing, "iter_route_contexts", None)
    if contexts is None:
        yield from routes
        return
    for context in contexts(list(routes)):
        yield _Included(context)


class _Included:
    """A route as its including routers changed it; `route_class` says what it was written as."""

    def __init__(self, context: Any) -> None:  # of a package that is not imported here
        self._context = context
        self.path = context.path
        self.route_class = type(context.original_route)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


def _request_maker(app: object) -> MakeRequest:
    document, trouble = _document(app)

    def make(method: str, leaf: Leaf, prefix: str, label: str) -> HttpRequest:
        path = leaf.path
        if document is not None and document.has(method, path):
            return document.request(method, path, label, prefix)
        if trouble:
            raise NoExampleError(f"the app's OpenAPI document could not be made ({trouble})")
        return plain_request(method, leaf, prefix, label)

    return make


def _document(app: object) -> tuple[OpenApi | None, str]:
    """The app's OpenAPI document, or why there is none; an app may switch it off for its clients only."""
    make = getattr(app, "openapi", None)
    if make is None:
        return None, ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return OpenApi(make()), ""
    except Exception as error:  # noqa: BLE001  # the app's own models run here
        return None, f"{type(error).__name__}: {error}"


FRAMEWORK = FastApiFramework()
