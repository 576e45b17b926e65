"""A small valid value for a JSON schema, as OpenAPI 3.0 and 3.1 write it.

What the author gave comes first (example, examples, const, default, enum); otherwise the smallest value
that the keywords allow. Method: JSON Schema 2020-12, sections 6 to 7 of its validation vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from diag.frameworks.patterns import matching_text

Schema = Mapping[str, Any]

_MAX_DEPTH = 12
_TEXT = "example"
_FORMATS = {
    "date": "2024-01-31",
    "date-time": "2024-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1S",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "uuid4": "00000000-0000-4000-8000-000000000001",
    "uuid1": "a8098c1a-f86e-11da-bd1a-00112444be1e",
    "email": "user@example.com",
    "idn-email": "user@example.com",
    "name-email": "User <user@example.com>",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uri-reference": "/example",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "ipvanyaddress": "192.0.2.1",
    "ipvanynetwork": "192.0.2.0/24",
    "ipvanyinterface": "192.0.2.1/24",
    "byte": "ZXhhbXBsZQ==",
    "base64": "ZXhhbXBsZQ==",
    "json-string": "{}",
    "json-pointer": "/example",
    "regex": "example",
    "color": "#336699",
}


class NoExampleError(Exception):  # never reaches a user; becomes a route's reason
    """No value could be made up; the message says why, as a fragment."""


class Examples:
    """Makes values for the schemas of one OpenAPI document.

    Attributes:
        document: the whole document, in which ``$ref`` is looked up.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def resolve(self, node: Any) -> Any:  # JSON
        """The node itself, or what its ``$ref`` points to (keywords beside the reference are kept).

        Raises:
            NoExampleError: the reference leads nowhere.
        """
        hops = 0
        while isinstance(node, Mapping) and "$ref" in node:
            hops += 1
            target: Any = self.document
            for part in str(node["$ref"]).removeprefix("#/").split("/"):
                key = part.replace("~1", "/").replace("~0", "~")
                if not isinstance(target, Mapping) or key not in target:
                    raise NoExampleError(f"its schema refers to {node['$ref']}, which is not there")
                target = target[key]
            if hops > _MAX_DEPTH or not isinstance(target, Mapping):
                raise NoExampleError(f"its schema refers to {node['$ref']}, which leads nowhere")
            node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        return node

    def value(self, schema: Any, depth: int = 0) -> Any:  # JSON
        """A valid value.

        Raises:
            NoExampleError: none could be made up.
        """
        if depth > _MAX_DEPTH:
            raise NoExampleError("its schema contains itself")
        if not isinstance(schema, Mapping):
            return _TEXT
        schema = self._merged(self.resolve(schema), depth)
        given, found = authors_value(schema)
        if found:
            return given
        for keyword in ("anyOf", "oneOf"):
            if schema.get(keyword):
                return self._first_that_works(schema, keyword, depth)
        return self._by_type(schema, depth)

    def _merged(self, schema: Schema, depth: int) -> Schema:
        """The schema with the members of its ``allOf`` folded in."""
        if not schema.get("allOf"):
            return schema
        merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            member = self._merged(self.resolve(part), depth)
            for key, value in member.items():
                if key == "properties":
                    merged[key] = {**value, **merged.get(key, {})}
                elif key == "required":
                    merged[key] = [*merged.get(key, []), *value]
                else:
                    merged.setdefault(key, value)
        return merged

    def _first_that_works(self, schema: Schema, keyword: str, depth: int) -> Any:
        beside = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "title")}
        reason = NoExampleError(f"none of its schema's {keyword} could be satisfied")
        # null is valid, but a value exercises more of the handler
        for option in sorted(
            schema[keyword], key=lambda o: isinstance(o, Mapping) and o.get("type") == "null"
        ):
            try:
                resolved = self.resolve(option)
                return self.value(
                    {**beside, **resolved} if isinstance(resolved, Mapping) else option, depth + 1
                )
            except NoExampleError as error:
                reason = error
        raise reason

    def _by_type(self, schema: Schema, depth: int) -> Any:
        makers: dict[str, Callable[[], Any]] = {
            "string": lambda: _string(schema),
            "integer": lambda: int(_number(schema, step=1)),
            "number": lambda: float(_number(schema, step=0.5)),
            "boolean": lambda: False,
            "array": lambda: self._array(schema, depth),
            "object": lambda: self._object(schema, depth),
            "null": lambda: None,
        }
        maker = makers.get(_type_of(schema))
        if maker is None:
            raise NoExampleError(f"its schema has a type that is not JSON's: {schema.get('type')}")
        return maker()

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        prefix = [self.value(item, depth + 1) for item in schema.get("prefixItems", ())]
        least = int(schema.get("minItems", 0))
        most = int(schema.get("maxItems", max(least, 1)))
        wanted = min(max(least, 1), most) - len(prefix)
        items = schema.get("items", {})
        if wanted <= 0 or items is False:
            return prefix
        try:
            first = self.value(items, depth + 1)
        except NoExampleError:
            if least > len(prefix):
                raise
            return prefix
        if not schema.get("uniqueItems"):
            return [*prefix, *[first] * wanted]
        return [*prefix, *self._distinct(items, first, wanted)]

    def _distinct(self, items: Any, first: Any, wanted: int) -> list[Any]:
        if wanted == 1:
            return [first]
        choices = self.resolve(items).get("enum", ()) if isinstance(items, Mapping) else ()
        if len(choices) >= wanted:
            return list(choices[:wanted])
        if isinstance(first, bool) or not isinstance(first, int | float | str):
            raise NoExampleError(f"it needs {wanted} different items")
        return [f"{first}{i}" if isinstance(first, str) else first + i for i in range(wanted)]

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = dict.fromkeys(schema.get("required", ()))
        made = {name: self.value(properties.get(name, {}), depth + 1) for name in required}
        for name in properties:
            if len(made) >= int(schema.get("minProperties", 0)):
                break
            made.setdefault(name, self.value(properties[name], depth + 1))
        return made


def authors_value(node: Schema) -> tuple[Any, bool]:
    """The value that the author of a schema, parameter or media type gave, and whether there is one."""
    if "example" in node:
        return node["example"], True
    examples = node.get("examples")
    if isinstance(examples, Mapping):  # of a parameter or media type: by name
        for example in examples.values():
            if isinstance(example, Mapping) and "value" in example:
                return example["value"], True
    elif isinstance(examples, Sequence) and not isinstance(examples, str) and examples:
        return examples[0], True
    if "const" in node:
        return node["const"], True
    if node.get("default") is not None:
        return node["default"], True
    if node.get("enum"):
        return node["enum"][0], True
    return None, False


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind:
        return str(kind)
    if "properties" in schema or "required" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    numeric = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
    return "number" if any(keyword in schema for keyword in numeric) else "string"


def _string(schema: Schema) -> str:
    least = int(schema.get("minLength", 0))
    most = int(schema.get("maxLength", max(least, 64)))
    if schema.get("pattern"):
        text = matching_text(str(schema["pattern"]), least, most)
        if text is None:
            raise NoExampleError(f"it needs a text that matches {schema['pattern']}")
        return text
    text = _FORMATS.get(str(schema.get("format", "")).lower(), _TEXT)
    if text is _TEXT or len(text) > most:
        text = (text + "x" * (least - len(text)))[:most]
    return text


def _number(schema: Schema, *, step: float) -> float:
    """1 if it is allowed, else the allowed number next to it."""
    low, high = _bounds(schema, step)
    multiple = float(schema.get("multipleOf", 0)) or (1.0 if step == 1 else 0.0)
    value = min(max(1.0, low), high)
    if multiple:
        value = math.ceil(value / multiple - 1e-9) * multiple
        if value > high:
            value = math.floor(high / multiple + 1e-9) * multiple
    if not low <= value <= high:
        raise NoExampleError("its schema's minimum and maximum leave no number")
    return value


def _bounds(schema: Schema, step: float) -> tuple[float, float]:
    """Inclusive bounds; OpenAPI 3.0 writes exclusive ones as a boolean, 3.1 as a number."""
    low = float(schema.get("minimum", -math.inf))
    high = float(schema.get("maximum", math.inf))
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is True:
        low += step
    elif above is not None and above is not False:
        low = max(low, float(above) + step)
    if below is True:
        high -= step
    elif below is not None and below is not False:
        high = min(high, float(below) - step)
    if low > high and step != 1:  # an open interval narrower than the step: its middle
        low = high = (low - step + high + step) / 2
    return low, high
