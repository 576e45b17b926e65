"""Requests that the user gives, and which of the app's routes they belong to.

request = parse_request('POST /items -H "x-token: abc" {"name": "x"}')
requests, unmeasured = choose_requests(inspection.routes, (request,))
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from diag.errors import UsageError
from diag.inspection import RouteInfo
from diag.plan import HttpRequest

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY")
_EXAMPLE = """diag explain app.main:app --request 'POST /items -H "x-token: abc" {"name": "x"}'"""
_START = re.compile(r"\s*(?P<method>[A-Za-z]+)\s+(?P<path>\S+)\s*(?P<rest>.*)", re.DOTALL)
_HEADER = re.compile(
    r"""\s*(?:-H|--header)(?:\s+|=)(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<plain>[^\s:]+:\S+))\s*"""
)
_FORM = re.compile(r"^[^\s=&{\[\"]+=[^\s]*$")
_PARAMETER = re.compile(r"\\{[^{}]*\\}")  # in text that re.escape has been over


def parse_request(text: str) -> HttpRequest:
    """A request from ``METHOD /path [-H 'Name: value'] [body]``.

    A body of JSON, or of ``a=1&b=2``, sets the content type unless a header does.

    Raises:
        UsageError: it has another form; the message names this one.
    """
    match = _START.fullmatch(text)
    method = match["method"].upper() if match else ""
    if match is None or method not in _METHODS:
        raise _bad(
            text,
            f"It has to begin with one of {', '.join(_METHODS)}, followed by a path.",
        )
    path = _path(text, match["path"])
    headers, body = _headers_and_body(text, match["rest"])
    content_type = next((value for name, value in headers if name == "content-type"), "")
    if body and not content_type:
        content_type = _guessed_type(text, body)
        headers = (*headers, ("content-type", content_type))
    return HttpRequest(
        route=f"{method} {path.partition('?')[0]}",
        method=method,
        path=path,
        headers=headers,
        body=body.encode(),
    )


def _path(text: str, path: str) -> str:
    if path.startswith(("http://", "https://")):
        parts = urlsplit(path)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.startswith("/"):
        raise _bad(text, f"The path {path} has to begin with a slash.")
    if not path.isascii():
        raise _bad(text, f"The path {path} holds characters that have to be percent-encoded.")
    return path.partition("#")[0]


def _headers_and_body(text: str, rest: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """Headers may stand before the body or behind a JSON body."""
    before, rest = _take_headers(text, rest)
    body, behind = _split_json(rest)
    after, left = _take_headers(text, behind)
    if left.strip():
        raise _bad(text, f"Something is left over behind the body: {left.strip()[:40]}")
    return (*before, *after), body.strip()


def _take_headers(text: str, rest: str) -> tuple[tuple[tuple[str, str], ...], str]:
    headers: list[tuple[str, str]] = []
    while match := _HEADER.match(rest):
        given = match["single"] or match["double"] or match["plain"] or ""
        name, colon, value = given.partition(":")
        if not colon or not name.strip() or not given.isprintable():
            raise _bad(text, f"The header {given!r} has to have the form 'Name: value'.")
        headers.append((name.strip().lower(), value.strip()))
        rest = rest[match.end() :]
    return tuple(headers), rest


def _split_json(rest: str) -> tuple[str, str]:
    """A JSON body and what follows it; a body of another kind goes to the end."""
    body = rest.lstrip()
    try:
        _, end = json.JSONDecoder().raw_decode(body)
    except ValueError:
        return body, ""
    behind = body[end:]
    return (body[:end], behind) if not behind.strip() or _HEADER.match(behind) else (body, "")


def _guessed_type(text: str, body: str) -> str:
    try:
        json.loads(body)
    except ValueError as error:
        if _FORM.match(body):
            return "application/x-www-form-urlencoded"
        raise _bad(
            text, f"Its body is not JSON ({error}), and no content-type header says what it is."
        ) from None
    return "application/json"


def _bad(text: str, cause: str) -> UsageError:
    return UsageError(
        f"{text.strip()!r} is not a request",
        cause=f"{cause} The form is METHOD /path [-H 'Name: value'] [body].",
        next_step=_EXAMPLE,
        slug="bad-request",
    )


def match_route(request: HttpRequest, routes: Sequence[RouteInfo]) -> str:
    """The label of the route that a request belongs to; ``METHOD /path`` if it belongs to none.

    As frameworks do, a literal path goes before one with parameters, and a parameter that spans several
    segments comes last.
    """
    path = request.path.partition("?")[0]
    candidates = [r for r in routes if r.method in (request.method, "ANY")]
    candidates.sort(key=lambda r: r.path.count("{"))
    for segment in ("[^/]+", ".+"):
        for route in candidates:
            below = ".*" if route.method == "ANY" else ""
            if re.fullmatch(_PARAMETER.sub(segment, re.escape(route.path)) + below, path):
                return route.label
    return f"{request.method} {path}"
