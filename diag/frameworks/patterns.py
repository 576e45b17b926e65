"""A short text that matches a regular expression, made from the expression's parse tree."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from typing import Any

_MAX_REPEAT = 1_000
_SAMPLES = "a0A_-. /@:"
_CATEGORIES = {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " "}
_NOT_CATEGORIES = {"CATEGORY_NOT_DIGIT": "a", "CATEGORY_NOT_WORD": "-", "CATEGORY_NOT_SPACE": "a"}


def matching_text(pattern: str, least: int = 0, most: int = 256) -> str | None:
    """A text of `least` to `most` characters in which the pattern is found; None if none was made.

    Every answer was checked with `re.search`. Look-around and back-references are not supported beyond
    what the check lets pass.
    """
    try:
        tree = importlib.import_module("re._parser").parse(pattern)
        compiled = re.compile(pattern)
        candidates = [_text(tree, extra) for extra in (0, 1, max(least, 1), max(least // 2, 1))]
    except (re.error, RecursionError, KeyError, ValueError, ImportError, OverflowError):
        return None
    candidates += [text + "a" * (least - len(text)) for text in candidates]
    for text in candidates:
        if least <= len(text) <= most and compiled.search(text):
            return text
    return None


def _text(tree: Iterable[Any], extra: int) -> str:
    """The tree's shortest text, each open repetition given `extra` rounds more than it needs (at most)."""
    return "".join(_part(str(operator), argument, extra) for operator, argument in tree)


def _part(operator: str, argument: Any, extra: int) -> str:  # a parse tree has no types
    if operator.endswith("_REPEAT"):
        low, high, body = argument
        times = int(low) + min(extra, int(high) - int(low))
        if times > _MAX_REPEAT:
            raise ValueError(times)
        return _text(body, extra) * times
    makers: dict[str, Callable[[], str]] = {
        "LITERAL": lambda: chr(argument),
        "NOT_LITERAL": lambda: next(c for c in _SAMPLES if ord(c) != argument),
        "ANY": lambda: "a",
        "IN": lambda: _one_of(argument),
        "BRANCH": lambda: _text(argument[1][0], extra),
        "SUBPATTERN": lambda: _text(argument[3], extra),
        "ATOMIC_GROUP": lambda: _text(argument, extra),
        "AT": lambda: "",
        "ASSERT": lambda: "",
        "ASSERT_NOT": lambda: "",
    }
    return makers[operator]()


def _one_of(members: list[tuple[Any, Any]]) -> str:
    first = str(members[0][0])
    if first == "NEGATE":
        return next(c for c in _SAMPLES if not any(_holds(member, c) for member in members[1:]))
    operator, argument = members[0]
    if str(operator) == "RANGE":
        return chr(argument[0])
    if str(operator) == "LITERAL":
        return chr(argument)
    return {**_CATEGORIES, **_NOT_CATEGORIES}[str(argument)]


def _holds(member: tuple[Any, Any], character: str) -> bool:
    operator, argument = str(member[0]), member[1]
    if operator == "LITERAL":
        return bool(ord(character) == argument)
    if operator == "RANGE":
        return bool(argument[0] <= ord(character) <= argument[1])
    shorthand = {"CATEGORY_DIGIT": r"\d", "CATEGORY_WORD": r"\w", "CATEGORY_SPACE": r"\s"}.get(str(argument))
    if shorthand is None:
        shorthand = {"CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_NOT_WORD": r"\W", "CATEGORY_NOT_SPACE": r"\S"}[
            str(argument)
        ]
    return re.match(shorthand, character) is not None
