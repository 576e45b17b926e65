"""Flask: routes from its URL map."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, cast

from diag.frameworks import class_names, missing
from diag.frameworks.examples import NoExampleError
from diag.frameworks.routes import (
    NO_WEBSOCKETS,
    other_method,
    route_info,
    schemaless_request,
    undriven,
    value_for,
)
from diag.inspection import RouteInfo
from diag.plan import HttpRequest

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


class FlaskFramework:
    """Handlers are called by the server's worker; there is no event loop."""

    name = "flask"
    interface: Literal["asgi", "wsgi"] = "wsgi"
    handlers: tuple[Literal["async", "def"], ...] = ("def",)

    def unavailable(self) -> str | None:
        """See `diag.frameworks.Framework`."""
        return missing("flask", "flask")

    def detects(self, app: object) -> bool:
        """An instance of Flask."""
        return "flask.Flask" in class_names(app)

    def interface_of(self, app: object) -> Literal["asgi", "wsgi"]:  # noqa: ARG002  # all alike
        """See `diag.frameworks.Teller`."""
        return self.interface

    def routes(self, app: object) -> tuple[RouteInfo, ...]:
        """See `diag.frameworks.Framework`."""
        return tuple(url_map_routes(app))

    def build(self, handlers: Mapping[str, Callable[[], object]]) -> object:
        """See `diag.frameworks.Framework`."""

        def ping() -> dict[str, bool]:
            return {"pong": True}

        return flask_app({**handlers, "/ping": ping})


def flask_app(views: Mapping[str, Callable[[], object]]) -> object:
    """A Flask app with a view at each path."""
    from flask import Flask  # noqa: PLC0415  # only where an app is built

    app = Flask("diag_workload", static_folder=None)
    for path, view in views.items():
        app.add_url_rule(path, path, cast("Callable[[], dict[str, bool]]", view))
    return app


def url_map_routes(app: Any) -> Iterator[RouteInfo]:  # of a package that is not imported here
    """Entries of every rule in a Werkzeug URL map, static files left out."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.rpartition(".")[2] == "static" or rule.build_only:
            continue
        view = app.view_functions.get(rule.endpoint)
        path = _ARGUMENT.sub(r"{\1}", rule.rule)
        if getattr(rule, "websocket", False):  # Quart's
            yield undriven("WS", path, view, NO_WEBSOCKETS)
            continue
        declared = (rule.methods or {"GET"}) - {"HEAD", "OPTIONS"}  # which Flask answers by itself
        for method in sorted(declared.difference(_METHODS)):
            yield undriven(method, path, view, other_method(method))
        for method in (m for m in _METHODS if m in declared):

            def request(label: str, method: str = method, rule: Any = rule, path: str = path) -> HttpRequest:
                return _request(app, rule, method, path, label)

            yield route_info(method, path, _handler(view, method), request)


def _handler(view: Any, method: str) -> object:
    """The method of a class-based view, or the view function itself."""
    owner = getattr(view, "view_class", None)
    return getattr(owner, method.lower(), None) or getattr(owner, "dispatch_request", None) or view


def _request(app: Any, rule: Any, method: str, path: str, label: str) -> HttpRequest:
    if getattr(rule, "host", None) and app.url_map.host_matching:
        raise NoExampleError(f"it answers to the host {rule.host} only")
    converters = rule._converters  # noqa: SLF001  # nothing public says how a converter was configured
    values = {name: _value(converter) for name, converter in converters.items()}
    if rule.subdomain:
        raise NoExampleError(f"it answers to the subdomain {rule.subdomain} only")
    return schemaless_request(method, path, label, values)


def _value(converter: Any) -> str:
    """A value that the converter's own regular expression and bounds accept."""
    kind = type(converter).__name__.removesuffix("Converter").lower()
    items = getattr(converter, "items", None)
    if kind == "any" and items:
        return str(min(items))
    if kind in ("integer", "float"):
        low, high = getattr(converter, "min", None), getattr(converter, "max", None)
        number = min(max(1, low if low is not None else 1), high if high is not None else 10**9)
        digits = getattr(converter, "fixed_digits", 0)
        return str(int(number)).zfill(digits) if kind == "integer" else f"{float(number)}"
    text = value_for(kind)
    if kind == "unicode":
        length = re.search(r"\{(\d+)(?:,(\d*))?\}", getattr(converter, "regex", ""))
        if length:
            least = int(length[1])
            most = least if length[2] is None else int(length[2] or max(least, len(text)))
            text = (text + "x" * least)[: max(least, min(most, len(text)))]
    return text


FRAMEWORK = FlaskFramework()
