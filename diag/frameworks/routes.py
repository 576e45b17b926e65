"""Makes a route's entry: its label, its handler's place, and the request that drives it or why none does."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from diag.frameworks.endpoints import locate
from diag.frameworks.examples import NoExampleError
from diag.inspection import RouteInfo
from diag.plan import HttpRequest

GIVE_ONE = "give one with --request"
NO_WEBSOCKETS = "diag does not drive WebSockets"
_WITH_BODY = ("POST", "PUT", "PATCH")
_PLACEHOLDER = re.compile(r"{([^{}]+)}")
# A value for each kind of path parameter, by the names that Starlette and Werkzeug give them.
_VALUES = {
    "int": "1",
    "integer": "1",
    "float": "1.0",
    "uuid": "00000000-0000-4000-8000-000000000001",
}


def route_info(
    method: str, path: str, handler: object, make_request: Callable[[str], HttpRequest]
) -> RouteInfo:
    """The entry for one method of a route.

    Args:
        method: upper case.
        path: the template, with parameters in braces.
        handler: the user's function.
        make_request: makes a request for the route's label, or raises `NoExampleError`.
    """
    label = f"{method} {path}"
    request: HttpRequest | None = None
    reason = ""
    if not path.startswith("/"):
        reason = "its path does not begin with a slash, so that no request can reach it"
    elif method == "DELETE":
        reason = f"it would delete data; {GIVE_ONE}"
    else:
        try:
            request = make_request(label)
        except NoExampleError as error:
            reason = f"{error}; {GIVE_ONE}"
    place = locate(handler)
    return RouteInfo(
        label=label,
        method=method,
        path=path,
        source=place.source,
        line=place.line,
        is_async=place.is_async,
        request=request,
        reason=reason,
    )


def undriven(method: str, path: str, handler: object, reason: str) -> RouteInfo:
    """The entry of a route for which no request can be made at all."""
    place = locate(handler)
    return RouteInfo(
        label=f"{method} {path}",
        method=method,
        path=path,
        source=place.source,
        line=place.line,
        is_async=place.is_async,
        reason=reason,
    )


def other_method(method: str) -> str:
    """Why a route that answers to unusual methods only is not driven."""
    return f"{method} requests are not made up; {GIVE_ONE}"


def schemaless_request(
    method: str, path: str, label: str, values: dict[str, str], host: str = ""
) -> HttpRequest:
    """A request for a route that is known by its path alone.

    Args:
        method: upper case.
        path: the template.
        label: the route's label.
        values: a value for each parameter.
        host: the host name that it answers to, "" for any.

    Raises:
        NoExampleError: it takes a body, or has a parameter without value.
    """
    if method in _WITH_BODY:
        raise NoExampleError("it may need a body, of which nothing is known")
    filled = path
    for name in _PLACEHOLDER.findall(path):
        if name not in values:
            raise NoExampleError(f"no value for its parameter {name}")
        filled = filled.replace(f"{{{name}}}", quote(values[name], safe=""))
    headers = (("host", host),) if host else ()
    return HttpRequest(route=label, method=method, path=filled, headers=headers)


def value_for(kind: str) -> str:
    """A value for a path parameter of that kind (``int``, ``str``, ``path`` …)."""
    return _VALUES.get(kind, "example")
