"""The user's requests are read, and find the routes they belong to."""

from __future__ import annotations

import pytest

from diag.errors import UsageError
from diag.frameworks.requests import match_route, parse_request
from diag.inspection import RouteInfo


def route(method: str, path: str) -> RouteInfo:
    return RouteInfo(label=f"{method} {path}", method=method, path=path)


JSON = ("content-type", "application/json")

FORMS = {
    "GET /": ("GET", "/", (), b""),
    "get /items/3?x=1": ("GET", "/items/3?x=1", (), b""),
    "GET http://host:80/a?b=1#c": ("GET", "/a?b=1", (), b""),
    'POST /items {"name": "x y"}': ("POST", "/items", (JSON,), b'{"name": "x y"}'),
    "POST /items\n  [1,\n 2]": ("POST", "/items", (JSON,), b"[1,\n 2]"),
    """POST /a -H 'X-Key: a b' --header "Y: c" {}""": (
        "POST",
        "/a",
        (("x-key", "a b"), ("y", "c"), JSON),
        b"{}",
    ),
    'POST /a {"a": "-H \'b: c\'"} -H k:v': ("POST", "/a", (("k", "v"), JSON), b'{"a": "-H \'b: c\'"}'),
    "POST /a -H content-type:text/plain some {text": (
        "POST",
        "/a",
        (("content-type", "text/plain"),),
        b"some {text",
    ),
    "POST /f a=1&b=c%20d": (
        "POST",
        "/f",
        (("content-type", "application/x-www-form-urlencoded"),),
        b"a=1&b=c%20d",
    ),
    'POST /f {"ü": 1}': ("POST", "/f", (JSON,), '{"ü": 1}'.encode()),
    "DELETE /items/3": ("DELETE", "/items/3", (), b""),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.items(), ids=FORMS.keys())
def test_a_request_is_read(text: str, expected: tuple[object, ...]) -> None:
    request = parse_request(text)
    assert (request.method, request.path, request.headers, request.body) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/items",
        "FETCH /items",
        "GET",
        "GET items",
        "GET /ü",
        "POST /x {bad",
        'POST /x {"a": 1} trailing',
        "POST /x {\"a\": 1} -H 'k: v' trailing",
        "POST /x -H 'no colon' {}",
        "POST /x -H 'a: b\nc: d' {}",
    ],
)
def test_another_form_is_refused_with_the_form_it_has_to_have(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_request(text)
    assert "METHOD /path" in caught.value.cause
    assert "--request" in caught.value.next_step


ROUTES = (
    route("GET", "/items/{id}"),
    route("GET", "/items/latest"),
    route("GET", "/files/{path}"),
    route("POST", "/items"),
    route("GET", "/a.b/{x}/c"),
    route("ANY", "/sub/"),
)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("GET /items/3?x=/y", "GET /items/{id}"),
        ("GET /items/latest", "GET /items/latest"),
        ("GET /files/a/b/c", "GET /files/{path}"),
        ("POST /items {}", "POST /items"),
        ("GET /items", "GET /items"),
        ("GET /a.b/1/c", "GET /a.b/{x}/c"),
        ("GET /aXb/1/c", "GET /aXb/1/c"),
        ("PUT /sub/thing", "ANY /sub/"),
        ("GET /nowhere", "GET /nowhere"),
    ],
)
def test_a_request_belongs_to_the_route_that_would_answer_it(text: str, label: str) -> None:
    assert match_route(parse_request(text), ROUTES) == label
