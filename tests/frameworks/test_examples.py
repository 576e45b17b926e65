"""Values made from JSON schemas are valid, and the author's own come first."""

from __future__ import annotations

import re
import uuid
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter

from diag.frameworks.examples import Examples, NoExampleError
from diag.frameworks.patterns import matching_text


def value(schema: dict[str, Any], **definitions: Any) -> Any:
    return Examples({"components": {"schemas": definitions}}).value(schema)


GIVEN = [
    ({"type": "string", "example": "mine", "default": "other"}, "mine"),
    ({"type": "string", "examples": ["mine", "other"]}, "mine"),
    ({"type": "integer", "default": 7}, 7),
    ({"const": "x"}, "x"),
    ({"enum": ["b", "a"]}, "b"),
    ({"type": "boolean", "default": False}, False),
]


@pytest.mark.parametrize(("schema", "expected"), GIVEN)
def test_the_authors_value_comes_first(schema: dict[str, Any], expected: object) -> None:
    assert value(schema) == expected


class Address(BaseModel):
    zip: str = Field(pattern=r"^\d{5}(-\d{4})?$")
    country: Literal["DE", "FR"]


class Node(BaseModel):
    name: str
    children: list[Node] = []
    parent: Node | None = None


class Person(BaseModel):
    id: uuid.UUID
    name: str = Field(min_length=20, max_length=21)
    age: int = Field(gt=17, le=18)
    height: float = Field(gt=0.5, lt=0.6)
    even: int = Field(multiple_of=7, ge=10)
    addresses: list[Address] = Field(min_length=3)
    tags: Annotated[set[str], Field(min_length=2)]
    pair: tuple[int, str]
    mapping: dict[str, int]
    maybe: int | None
    either: Address | int
    node: Node
    kind: Annotated[Literal["a"], Field(title="Kind")]


PYDANTIC: list[Any] = [
    Person,
    Node,
    Address,
    list[Person],
    int | None,
    Annotated[str, Field(pattern="^(yes|no)$")],
    Annotated[str, Field(pattern="[A-Z]{2,}", min_length=9)],
    Annotated[float, Field(ge=-3, lt=-2.5)],
    Annotated[int, Field(lt=0)],
    bool,
    bytes,
]


@pytest.mark.parametrize("model", PYDANTIC, ids=str)
def test_what_is_made_for_a_pydantic_type_passes_its_own_validation(model: Any) -> None:
    adapter = TypeAdapter(model)
    schema = adapter.json_schema()
    adapter.validate_python(Examples(schema).value(schema), strict=False)


FORMATS = ["datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "uuid.UUID",
           "decimal.Decimal", "ipaddress.IPv4Address", "ipaddress.IPv6Address", "pathlib.Path"]  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_met(name: str) -> None:
    module, _, attribute = name.partition(".")
    adapter: TypeAdapter[Any] = TypeAdapter(getattr(__import__(module), attribute))
    schema = adapter.json_schema()
    adapter.validate_json(__import__("json").dumps(Examples(schema).value(schema)))


def test_openapi_30_spellings_are_understood() -> None:
    assert value({"type": "integer", "minimum": 5, "exclusiveMinimum": True}) == 6
    assert value({"type": ["null", "integer"]}) == 1
    assert value({"properties": {"a": {"type": "integer"}}, "required": ["a"]}) == {"a": 1}


def test_all_of_is_merged_and_references_are_followed() -> None:
    base = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    made = value(
        {
            "allOf": [{"$ref": "#/components/schemas/Base"}],
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
        },
        Base=base,
    )
    assert made == {"id": 1, "name": "example"}


def test_an_array_of_itself_is_left_empty() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}},
        "required": ["next"],
    }
    made = value({"$ref": "#/components/schemas/Node"}, Node=node)
    while made["next"]:
        made = made["next"][0]
    assert made == {"next": []}


IMPOSSIBLE = [
    {"$ref": "#/components/schemas/Missing"},
    {"$ref": "#/components/schemas/Loop"},
    {"$ref": "#/components/schemas/Circle"},
    {"type": "integer", "minimum": 3, "maximum": 2},
    {"type": "string", "pattern": "(?=a)b"},
    {"type": "string", "pattern": "("},
    {"type": "file"},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True},
]


@pytest.mark.parametrize("schema", IMPOSSIBLE, ids=str)
def test_what_cannot_be_made_says_why(schema: dict[str, Any]) -> None:
    loop = {"$ref": "#/components/schemas/Loop"}
    circle = {"properties": {"c": {"$ref": "#/components/schemas/Circle"}}, "required": ["c"]}
    with pytest.raises(NoExampleError, match=r"schema|needs"):
        value(schema, Loop=loop, Circle=circle)


PATTERNS = [
    r"^[A-Z]{3}-\d{4}$",
    r"^\w+@\w+\.\w{2,}$",
    "a|b",
    r"^[^a0]+$",
    r"\S{10}",
    "^(ab)*?c+$",
    r"^\+?\d{7,15}$",
    r"^[\w.-]+/[\w.-]+$",
    "(?i)hello",
    r"^(?P<y>\d{4})$",
    r"\bword\b",
    r"^#(?:[0-9a-f]{3}){1,2}$",
    "^(?>ab)c++$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_matches_its_pattern(pattern: str) -> None:
    text = matching_text(pattern)
    assert text is not None
    assert re.search(pattern, text)


def test_a_text_keeps_to_its_length_as_well() -> None:
    text = matching_text("^[a-c]+$", 10, 12)
    assert text is not None
    assert 10 <= len(text) <= 12
    assert matching_text("^a{3}$", 5, 9) is None
    assert matching_text("a{100000}") is None


@settings(max_examples=200, deadline=None)
@given(
    low=st.integers(-50, 50),
    width=st.integers(0, 60),
    multiple=st.sampled_from([0, 2, 3, 5]),
    exclusive=st.booleans(),
)
def test_a_number_lies_within_its_bounds_or_none_is_made(
    low: int, width: int, multiple: int, exclusive: bool
) -> None:
    schema: dict[str, Any] = {"type": "integer", "maximum": low + width}
    schema["exclusiveMinimum" if exclusive else "minimum"] = low
    if multiple:
        schema["multipleOf"] = multiple
    least = low + exclusive
    possible = [n for n in range(least, low + width + 1) if not multiple or n % multiple == 0]
    if possible:
        assert value(schema) in possible
    else:
        with pytest.raises(NoExampleError):
            value(schema)
