"""Quart: Flask's URL map, with WebSockets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from diag.frameworks.flask import url_map_routes
from diag.frameworks.told import Interface, ToldOnly
from diag.inspection import RouteInfo


class QuartFramework(ToldOnly):
    """`async def` views run on the loop, `def` views in a thread."""

    name = "quart"
    classes: ClassVar[Mapping[str, Interface]] = {"quart.Quart": "asgi"}

    def entries(self, app: Any) -> Iterator[RouteInfo]:
        """See `ToldOnly`."""
        yield from url_map_routes(app)


FRAMEWORK = QuartFramework()
