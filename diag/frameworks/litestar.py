"""Litestar: its routes, and requests from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

from diag.frameworks import names_of_class
from diag.frameworks.openapi import OpenApi
from diag.frameworks.routes import NO_WEBSOCKETS, route_info, undriven
from diag.frameworks.told import Interface, ToldOnly, method_entry
from diag.inspection import RouteInfo


class LitestarFramework(ToldOnly):
    """Handlers run on the loop unless they say ``sync_to_thread=True``."""

    name = "litestar"
    classes: ClassVar[Mapping[str, Interface]] = {"litestar.Litestar": "asgi"}

    def entries(self, app: Any) -> Iterator[RouteInfo]:
        """See `ToldOnly`."""
        document = _document(app)
        for route in app.routes:
            names = names_of_class(type(route))
            if "litestar.WebSocketRoute" in names:
                handler = getattr(route, "route_handler", None)
                yield undriven("WS", route.path_format, _function(handler), NO_WEBSOCKETS)
            elif "litestar.HTTPRoute" in names:
                yield from _of_route(route, document)


def _of_route(route: Any, document: OpenApi | None) -> Iterator[RouteInfo]:
    path = route.path_format
    kinds = {name: _kind(definition) for name, definition in route.path_parameters.items()}
    for method, (handler, *_) in route.route_handler_map.items():
        function = _function(handler)
        if method in {"OPTIONS", "HEAD"} or _is_built_in(function):
            continue
        if document is not None and document.has(method, path):
            yield route_info(method, path, function, partial(document.request, method, path))
        else:
            yield method_entry(method, path, function, kinds)


def _function(handler: Any) -> Any:
    function = getattr(handler, "fn", handler)
    return getattr(function, "value", function)  # as versions before 2.8 wrapped it


def _is_built_in(handler: Any) -> bool:
    return str(getattr(handler, "__module__", "")).partition(".")[0] == "litestar"


def _kind(definition: Any) -> str:
    return str(getattr(getattr(definition, "type", None), "__name__", "")).lower()


def _document(app: Any) -> OpenApi | None:
    try:
        return OpenApi(app.openapi_schema.to_schema())
    except Exception:  # noqa: BLE001  # switched off, or the app's own types cannot be described
        return None


FRAMEWORK = LitestarFramework()
