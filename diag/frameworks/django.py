"""Django: the views that its URL configuration names."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from diag.frameworks.routes import GIVE_ONE, undriven
from diag.frameworks.told import METHODS, Interface, ToldOnly, method_entry, template
from diag.inspection import RouteInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """One entry of the configuration, the prefixes of those around it included.

    Attributes:
        path: the template.
        kinds: of each parameter.
        expression: True if a part of it is a regular expression, for which no path is made up.
        callback: the view.
    """

    path: str = "/"
    kinds: dict[str, str]
    expression: bool = False
    callback: Any = None


class DjangoFramework(ToldOnly):
    """`async def` views run on the loop under ASGI, `def` views in a thread; under WSGI all in the worker."""

    name = "django"
    classes: ClassVar[Mapping[str, Interface]] = {"django.ASGIHandler": "asgi", "django.WSGIHandler": "wsgi"}

    def entries(self, app: Any) -> Iterator[RouteInfo]:  # noqa: ARG002  # the configuration is the process'
        """See `ToldOnly`."""
        for view in _views(sys.modules["django.urls"].get_resolver().url_patterns, _View(kinds={})):
            owner = getattr(view.callback, "view_class", None) or getattr(view.callback, "cls", None)
            for method in _methods(owner):
                handler = getattr(owner, method.lower(), view.callback)
                if view.expression:
                    yield undriven(
                        method, view.path, handler, f"its path is a regular expression; {GIVE_ONE}"
                    )
                else:
                    yield method_entry(method, view.path, handler, view.kinds)


def _views(patterns: Any, around: _View) -> Iterator[_View]:
    for entry in patterns:
        route = getattr(entry.pattern, "_route", None)
        text = str(entry.pattern if route is None else route)
        path, kinds = (text, {}) if route is None else template(text)
        here = _View(
            path=around.path + path,
            kinds={**around.kinds, **kinds},
            expression=around.expression or (route is None and bool(text)),
            callback=getattr(entry, "callback", None),
        )
        inner = getattr(entry, "url_patterns", None)
        if inner is None:
            yield here
        else:
            yield from _views(inner, here)


def _methods(owner: Any) -> tuple[str, ...]:
    """Those of a class-based view; a function may answer to any, of which only GET is harmless."""
    return tuple(m for m in METHODS if hasattr(owner, m.lower())) if owner is not None else ("GET",)


FRAMEWORK = DjangoFramework()
