"""Sanic: its router's routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from diag.frameworks.routes import NO_WEBSOCKETS, undriven
from diag.frameworks.told import Interface, ToldOnly, method_entry, template
from diag.inspection import RouteInfo


class SanicFramework(ToldOnly):
    """Every handler runs on the loop, `def` handlers too."""

    name = "sanic"
    classes: ClassVar[Mapping[str, Interface]] = {"sanic.Sanic": "asgi"}

    def entries(self, app: Any) -> Iterator[RouteInfo]:
        """See `ToldOnly`."""
        for route in app.router.routes:
            path, kinds = template("/" + route.path.lstrip("/"), name_first=True)
            if getattr(route.extra, "websocket", False):
                yield undriven("WS", path, route.handler, NO_WEBSOCKETS)
                continue
            view = getattr(route.handler, "view_class", None)
            for method in sorted(set(route.methods) - {"HEAD", "OPTIONS"}):
                yield method_entry(method, path, getattr(view, method.lower(), route.handler), kinds)


FRAMEWORK = SanicFramework()
