"""Bottle: its list of routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from diag.frameworks.told import Interface, ToldOnly, method_entry, template
from diag.inspection import RouteInfo


class BottleFramework(ToldOnly):
    """Handlers are called by the server's worker."""

    name = "bottle"
    classes: ClassVar[Mapping[str, Interface]] = {"bottle.Bottle": "wsgi"}

    def entries(self, app: Any) -> Iterator[RouteInfo]:
        """See `ToldOnly`."""
        for route in app.routes:
            path, kinds = template(route.rule, name_first=True)
            method = "GET" if route.method == "ANY" else route.method
            yield method_entry(method, path, route.callback, kinds)


FRAMEWORK = BottleFramework()
