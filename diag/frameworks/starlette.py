"""Starlette: routes with convertors, mounts, class-based endpoints. FastAPI builds on it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from diag.frameworks import class_names, detect, missing, names_of_class
from diag.frameworks.routes import (
    GIVE_ONE,
    NO_WEBSOCKETS,
    other_method,
    route_info,
    schemaless_request,
    undriven,
    value_for,
)
from diag.frameworks.wrappers import unwrapped
from diag.inspection import RouteInfo
from diag.plan import HttpRequest

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "QUERY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A route that answers, without the mounts around it.

    Attributes:
        path: its own template, with parameters in braces.
        methods: those worth driving.
        handler: the user's function or class.
        kinds: kind of each path parameter.
    """

    path: str
    methods: tuple[str, ...]
    handler: object
    kinds: dict[str, str]


MakeRequest = Callable[[str, Leaf, str, str], HttpRequest]
"""Makes a request from method, leaf, mount prefix and label."""


class StarletteFramework:
    """Reads its routing table; serves handlers with a plain `Route`."""

    name = "starlette"
    interface: Literal["asgi", "wsgi"] = "asgi"
    handlers: tuple[Literal["async", "def"], ...] = ("async", "def")

    def unavailable(self) -> str | None:
        """See `diag.frameworks.Framework`."""
        return missing("starlette", "starlette")

    def detects(self, app: object) -> bool:
        """An instance of Starlette."""
        return "starlette.Starlette" in class_names(app)

    def interface_of(self, app: object) -> Literal["asgi", "wsgi"]:  # noqa: ARG002  # all alike
        """See `diag.frameworks.Teller`."""
        return self.interface

    def routes(self, app: object) -> tuple[RouteInfo, ...]:
        """See `diag.frameworks.Framework`."""
        return tuple(walk(getattr(app, "routes", ()), "", plain_request))

    def build(self, handlers: Mapping[str, Callable[[], object]]) -> object:
        """See `diag.frameworks.Framework`."""
        from starlette.applications import Starlette  # noqa: PLC0415  # only where an app is built
        from starlette.responses import JSONResponse  # noqa: PLC0415
        from starlette.routing import Route  # noqa: PLC0415

        async def ping(_request: object) -> object:
            return JSONResponse({"pong": True})

        def endpoint(handler: Callable[[], object]) -> Callable[[object], object]:
            if inspect.iscoroutinefunction(handler):

                async def work(_request: object) -> object:
                    return JSONResponse(await handler())

                return work

            def sync_work(_request: object) -> object:
                return JSONResponse(handler())

            return sync_work

        routes = [Route(path, endpoint(handler)) for path, handler in handlers.items()]
        return Starlette(routes=[*routes, Route("/ping", ping)])


def walk(routes: Iterable[Any], prefix: str, make_request: MakeRequest) -> Iterator[RouteInfo]:
    """Entries of all routes, mounted apps included."""
    for route in routes:
        names = names_of_class(getattr(route, "route_class", type(route)))
        if "starlette.WebSocketRoute" in names:
            yield undriven("WS", prefix + route.path, route.endpoint, NO_WEBSOCKETS)
        elif "starlette.Mount" in names:
            yield from _mounted(route, prefix, make_request)
        elif "starlette.Host" in names:
            yield undriven(
                "ANY", f"//{route.host}/", None, f"it answers to the host {route.host} only; {GIVE_ONE}"
            )
        elif hasattr(route, "endpoint") and hasattr(route, "path") and not _is_built_in(route.endpoint):
            yield from leaf_infos(route, prefix, make_request)


def leaf_infos(route: Any, prefix: str, make_request: MakeRequest) -> Iterator[RouteInfo]:
    """Entries of one route: one a method."""
    leaf = _leaf(route)
    for method in leaf.methods:

        def request(label: str, method: str = method) -> HttpRequest:
            return make_request(method, leaf, prefix, label)

        handler = getattr(leaf.handler, method.lower(), leaf.handler)
        yield route_info(method, prefix + leaf.path, handler, request)
    for method in () if leaf.methods else sorted(getattr(route, "methods", None) or ()):
        yield undriven(method, prefix + leaf.path, leaf.handler, other_method(method))


def _leaf(route: Any) -> Leaf:  # a route of a package that is not imported here
    endpoint = route.endpoint
    declared = getattr(route, "methods", None)
    if declared is None and inspect.isclass(endpoint):
        declared = {method for method in _METHODS if hasattr(endpoint, method.lower())}
    kinds = {
        name: type(convertor).__name__.removesuffix("Convertor").removesuffix("Converter").lower()
        for name, convertor in (getattr(route, "param_convertors", None) or {}).items()
    }
    return Leaf(
        path=getattr(route, "path_format", None) or route.path,
        methods=tuple(m for m in _METHODS if m in (declared or {"GET"})),
        handler=endpoint,
        kinds=kinds,
    )


def plain_request(method: str, leaf: Leaf, prefix: str, label: str) -> HttpRequest:
    """A request made from the path alone."""
    values = {name: value_for(kind) for name, kind in leaf.kinds.items()}
    return schemaless_request(method, prefix + leaf.path, label, values)


def _is_built_in(endpoint: object) -> bool:
    """The framework's own pages: the schema and its viewers."""
    return getattr(endpoint, "__module__", "").partition(".")[0] in ("fastapi", "starlette")


def _mounted(mount: Any, prefix: str, make_request: MakeRequest) -> Iterator[RouteInfo]:
    path = prefix + mount.path
    inner = unwrapped(getattr(mount, "app", None))
    if "starlette.StaticFiles" in class_names(inner):
        return
    framework = detect(inner)
    if framework is not None:
        yield from (_moved(info, path) for info in framework.routes(inner))
    elif getattr(mount, "routes", None):
        yield from walk(mount.routes, path, make_request)
    else:
        reason = f"the app mounted there is of no known framework; {GIVE_ONE}"
        yield undriven("ANY", f"{path}/", inner, reason)


def _moved(info: RouteInfo, prefix: str) -> RouteInfo:
    """An entry of a mounted app, as it is reached from outside."""
    label = f"{info.method} {prefix}{info.path}"
    request = info.request and HttpRequest(
        route=label,
        method=info.request.method,
        path=prefix + info.request.path,
        headers=info.request.headers,
        body=info.request.body,
    )
    return RouteInfo(
        label=label,
        method=info.method,
        path=prefix + info.path,
        source=info.source,
        line=info.line,
        is_async=info.is_async,
        request=request,
        reason=info.reason,
    )


FRAMEWORK = StarletteFramework()
