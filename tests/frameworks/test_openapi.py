"""Requests are made from an OpenAPI document, or it is said what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from diag.frameworks.examples import NoExampleError
from diag.frameworks.openapi import OpenApi
from diag.plan import HttpRequest


def made(
    operation: dict[str, Any], *, method: str = "post", path: str = "/x", **document: Any
) -> HttpRequest:
    api = OpenApi({"paths": {path: {method: operation}}, **document})
    return api.request(method.upper(), path, f"{method.upper()} {path}")


def parameter(name: str, place: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "schema": schema, **more}


def body(content: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"requestBody": {"required": required, "content": content}}


OBJECT = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["a", "n"],
}


def test_parameters_go_where_they_belong() -> None:
    request = made(
        {
            "parameters": [
                parameter("id", "path", {"type": "string", "example": "a b/c"}),
                parameter("tags", "query", {"type": "array", "items": {"enum": ["x"]}, "minItems": 2}),
                parameter("flag", "query", {"type": "boolean", "default": True}),
                parameter("X-Token", "header", {"type": "string"}),
                parameter("session", "cookie", {"const": "1;2"}),
                {"name": "optional", "in": "query", "schema": {"type": "string"}},
            ]
        },
        path="/items/{id}",
    )
    assert request.path == "/items/a%20b%2Fc?tags=x&tags=x&flag=true"
    assert dict(request.headers) == {"x-token": "example", "cookie": "session=1%3B2"}


def test_a_parameter_of_the_path_item_is_overridden_by_the_operations() -> None:
    document = {
        "paths": {
            "/x": {
                "parameters": [parameter("q", "query", {"const": "outer"})],
                "get": {"parameters": [{"$ref": "#/components/parameters/Q"}]},
            }
        },
        "components": {"parameters": {"Q": parameter("q", "query", {"const": "inner"})}},
    }
    assert OpenApi(document).request("GET", "/x", "GET /x").path == "/x?q=inner"


def test_an_example_of_the_parameter_goes_before_its_schema() -> None:
    given = {"first": {"summary": "one", "value": 7}}
    operation = {"parameters": [parameter("q", "query", {"type": "integer"}, examples=given)]}
    assert made(operation).path == "/x?q=7"


def test_a_json_body_is_made() -> None:
    request = made(
        body({"application/json": {"schema": {"$ref": "#/components/schemas/O"}}}),
        components={"schemas": {"O": OBJECT}},
    )
    assert request.headers == (("content-type", "application/json"),)
    assert json.loads(request.body) == {"a": "example", "n": 1}


def test_the_bodys_own_example_is_sent_as_it_is() -> None:
    content = {"application/json": {"schema": OBJECT, "examples": {"one": {"value": {"a": "mine"}}}}}
    assert json.loads(made(body(content)).body) == {"a": "mine"}


def test_json_is_preferred_among_the_kinds_of_body() -> None:
    content = {"application/xml": {"schema": OBJECT}, "application/json": {"schema": OBJECT}}
    assert made(body(content)).headers == (("content-type", "application/json"),)


def test_a_body_that_is_not_required_is_left_out() -> None:
    request = made(body({"application/json": {"schema": OBJECT}}, required=False))
    assert (request.headers, request.body) == ((), b"")


def test_a_form_is_encoded() -> None:
    request = made(body({"application/x-www-form-urlencoded": {"schema": OBJECT}}))
    assert request.headers == (("content-type", "application/x-www-form-urlencoded"),)
    assert request.body == b"a=example&n=1"


@pytest.mark.parametrize(
    "file",
    [
        {"type": "string", "format": "binary"},
        {"type": "string", "contentMediaType": "application/octet-stream"},
        {"type": "array", "items": {"type": "string", "format": "binary"}},
    ],
)
def test_a_file_is_uploaded_as_one(file: dict[str, Any]) -> None:
    schema = {
        "type": "object",
        "properties": {"f": file, "note": {"type": "string"}},
        "required": ["f", "note"],
    }
    request = made(body({"multipart/form-data": {"schema": schema}}))
    content_type = dict(request.headers)["content-type"]
    boundary = content_type.partition("boundary=")[2].encode()
    parts = request.body.split(b"--" + boundary)
    assert parts[-1].strip() == b"--"
    assert b'name="f"; filename="example.txt"' in parts[1]
    assert b'name="note"\r\n\r\nexample\r\n' in parts[2]


def test_a_body_of_text_is_sent_plain() -> None:
    assert made(body({"text/plain": {"schema": {"type": "string"}}})).body == b"example"


@pytest.mark.parametrize("where", ["operation", "document"])
def test_an_operation_behind_authorization_is_not_driven(where: str) -> None:
    security = {"security": [{"OAuth2": ["read"]}, {"ApiKey": []}]}
    with pytest.raises(NoExampleError, match=r"authorization \(OAuth2, ApiKey\)"):
        made(security, method="get") if where == "operation" else made({}, method="get", **security)


def test_optional_authorization_is_left_out() -> None:
    assert made({"security": [{}, {"ApiKey": []}]}, method="get").path == "/x"


def test_a_value_that_cannot_be_made_is_named() -> None:
    impossible = {"type": "string", "pattern": "(?=a)b"}
    with pytest.raises(NoExampleError, match="parameter code"):
        made({"parameters": [parameter("code", "query", impossible)]})
    with pytest.raises(NoExampleError, match="body"):
        made(body({"application/json": {"schema": impossible}}))


def test_an_operation_is_known_by_its_method_and_path() -> None:
    api = OpenApi({"paths": {"/a": {"get": {}, "post": {}, "parameters": []}}})
    assert api.has("POST", "/a")
    assert not api.has("PUT", "/a")
    assert not api.has("GET", "/b")
