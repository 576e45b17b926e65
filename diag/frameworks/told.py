"""Frameworks that diag meets in a target only, and never builds an app with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from diag.frameworks import class_names
from diag.frameworks.routes import other_method, route_info, schemaless_request, undriven, value_for
from diag.inspection import RouteInfo
from diag.plan import HttpRequest

Interface = Literal["asgi", "wsgi"]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_KIND_FIRST = re.compile(r"<(?:(?P<kind>[^:<>]+):)?(?P<name>[^:<>]+)>")
_NAME_FIRST = re.compile(r"<(?P<name>[^:<>]+)(?::(?P<kind>[^:<>]+)(?::[^<>]*)?)?>")


class ToldOnly:
    """What it has to say is which routes an app has.

    Attributes:
        name: as in a recording.
        classes: how apps are served, by top package and name of their class.
    """

    name: ClassVar[str]
    classes: ClassVar[Mapping[str, Interface]]

    def detects(self, app: object) -> bool:
        """An instance of one of its classes."""
        return not class_names(app).isdisjoint(self.classes)

    def interface_of(self, app: object) -> Interface:
        """How a server calls an app of it."""
        return next(interface for name, interface in self.classes.items() if name in class_names(app))

    def routes(self, app: object) -> tuple[RouteInfo, ...]:
        """See `diag.frameworks.Framework`."""
        return tuple(self.entries(app))

    def entries(self, app: Any) -> Iterator[RouteInfo]:  # of a package that is not imported here
        """The routes, one by one."""
        raise NotImplementedError


def template(rule: str, *, name_first: bool = False) -> tuple[str, dict[str, str]]:
    """A rule as a template with parameters in braces, and the kind of each parameter.

    Args:
        rule: with parameters like ``<int:page>``.
        name_first: they are like ``<page:int>``.
    """
    kinds: dict[str, str] = {}

    def braced(found: re.Match[str]) -> str:
        kinds[found["name"]] = (found["kind"] or "").lower()
        return f"{{{found['name']}}}"

    return (_NAME_FIRST if name_first else _KIND_FIRST).sub(braced, rule), kinds


def method_entry(method: str, path: str, handler: object, kinds: Mapping[str, str]) -> RouteInfo:
    """The entry for one method of a route that is known by its path alone.

    Args:
        method: upper case.
        path: the template.
        handler: the user's function.
        kinds: of each parameter.
    """
    if method not in METHODS:
        return undriven(method, path, handler, other_method(method))

    def request(label: str) -> HttpRequest:
        return schemaless_request(
            method, path, label, {name: value_for(kind) for name, kind in kinds.items()}
        )

    return route_info(method, path, handler, request)
