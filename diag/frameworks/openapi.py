"""Requests made from an OpenAPI document: path, query, headers, cookies and body of each operation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from diag.frameworks.examples import Examples, NoExampleError, authors_value
from diag.plan import HttpRequest

_BOUNDARY = "diag-boundary-7f3a9c"
_FILE = b"example\n"
_BODY_TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")


class OpenApi:
    """What an app's OpenAPI document says about its operations."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._examples = Examples(document)

    def has(self, method: str, path: str) -> bool:
        """True if the document describes the operation."""
        return method.lower() in self._document.get("paths", {}).get(path, {})

    def request(self, method: str, path: str, label: str, prefix: str = "") -> HttpRequest:
        """A request for an operation.

        Args:
            method: upper case.
            path: the template, as in the document.
            label: the route's label.
            prefix: where the app is mounted.

        Raises:
            NoExampleError: something that it needs could not be made up.
        """
        item = self._document["paths"][path]
        operation = item[method.lower()]
        self._require_no_authorization(operation)
        parts: dict[str, list[tuple[str, Any]]] = {"path": [], "query": [], "header": [], "cookie": []}
        for parameter in self._parameters(item, operation):
            place = parameter.get("in", "query")
            if parameter.get("required") or place == "path":
                parts.setdefault(place, []).append((parameter["name"], self._parameter(parameter)))
        headers = [(name.lower(), _plain(value)) for name, value in parts["header"]]
        if parts["cookie"]:
            headers.append(("cookie", "; ".join(f"{n}={quote(_plain(v))}" for n, v in parts["cookie"])))
        content_type, body = self._body(operation)
        if content_type:
            headers.append(("content-type", content_type))
        target = prefix + _filled(path, parts["path"])
        query = urlencode(list(_flattened(parts["query"])))
        return HttpRequest(
            route=label,
            method=method,
            path=f"{target}?{query}" if query else target,
            headers=tuple(headers),
            body=body,
        )

    def _require_no_authorization(self, operation: Mapping[str, Any]) -> None:
        alternatives = operation.get("security", self._document.get("security", []))
        if alternatives and not any(alternative == {} for alternative in alternatives):
            names = ", ".join(dict.fromkeys(name for alternative in alternatives for name in alternative))
            raise NoExampleError(f"it needs authorization ({names})")

    def _parameters(
        self, item: Mapping[str, Any], operation: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for parameter in (*item.get("parameters", ()), *operation.get("parameters", ())):
            resolved = self._examples.resolve(parameter)
            found[resolved["name"], resolved.get("in", "query")] = resolved
        yield from found.values()

    def _parameter(self, parameter: Mapping[str, Any]) -> Any:  # JSON
        given, found = authors_value(parameter)
        if found:
            return given
        try:
            return self._examples.value(parameter.get("schema", {}))
        except NoExampleError as error:
            raise NoExampleError(f"no value for its parameter {parameter['name']}: {error}") from None

    def _body(self, operation: Mapping[str, Any]) -> tuple[str, bytes]:
        """Content type and body; both empty where none is required."""
        body = self._examples.resolve(operation.get("requestBody", {}))
        content = body.get("content", {})
        if not content or not body.get("required"):
            return "", b""
        chosen = next((kind for kind in _BODY_TYPES if kind in content), next(iter(content)))
        media = content[chosen]
        value, found = authors_value(media)
        if not found:
            try:
                value = self._examples.value(media.get("schema", {}))
            except NoExampleError as error:
                raise NoExampleError(f"no value for its body: {error}") from None
        return _encoded(chosen, value, self._file_fields(media))

    def _file_fields(self, media: Mapping[str, Any]) -> frozenset[str]:
        """Names of the form fields that are files."""
        schema = self._examples.resolve(media.get("schema", {}))
        return frozenset(
            name
            for name, field in (schema.get("properties", {}) if isinstance(schema, Mapping) else {}).items()
            if self._is_file(field)
        )

    def _is_file(self, schema: Any) -> bool:  # JSON
        schema = self._examples.resolve(schema)
        if not isinstance(schema, Mapping):
            return False
        if schema.get("type") == "array":
            return self._is_file(schema.get("items", {}))
        options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        return (
            schema.get("format") == "binary"
            or "contentMediaType" in schema
            or any(self._is_file(option) for option in options)
        )


def _encoded(kind: str, value: Any, files: frozenset[str]) -> tuple[str, bytes]:  # JSON
    if kind == "application/x-www-form-urlencoded" and isinstance(value, Mapping):
        return kind, urlencode(list(_flattened(list(value.items())))).encode()
    if kind == "multipart/form-data" and isinstance(value, Mapping):
        return f"{kind}; boundary={_BOUNDARY}", _multipart(value, files)
    if kind == "application/json" or kind.endswith("+json"):
        return kind, json.dumps(value).encode()
    return kind, value.encode() if isinstance(value, str) else json.dumps(value).encode()


def _multipart(fields: Mapping[str, Any], files: frozenset[str]) -> bytes:
    lines: list[bytes] = []
    for name, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            lines += [f"--{_BOUNDARY}".encode()]
            if name in files:
                lines += [
                    f'Content-Disposition: form-data; name="{name}"; filename="example.txt"'.encode(),
                    b"Content-Type: text/plain",
                    b"",
                    _FILE,
                ]
            else:
                lines += [
                    f'Content-Disposition: form-data; name="{name}"'.encode(),
                    b"",
                    _plain(item).encode(),
                ]
    return b"\r\n".join([*lines, f"--{_BOUNDARY}--".encode(), b""])


def _flattened(pairs: list[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Query parameters in OpenAPI's default style: a list is repeated, an object's keys stand alone."""
    for name, value in pairs:
        if isinstance(value, list):
            yield from ((name, _plain(item)) for item in value)
        elif isinstance(value, Mapping):
            yield from ((key, _plain(item)) for key, item in value.items())
        else:
            yield name, _plain(value)


def _plain(value: Any) -> str:  # JSON
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list):
        return json.dumps(value)
    return "" if value is None else str(value)


def _filled(path: str, values: list[tuple[str, Any]]) -> str:
    for name, value in values:
        text = ",".join(map(_plain, value)) if isinstance(value, list) else _plain(value)
        path = path.replace(f"{{{name}}}", quote(text, safe=""))
    return path
