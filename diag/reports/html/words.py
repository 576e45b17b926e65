"""Texts of the target as a page shows them: harmless, and no longer than a name or a sentence is."""

from __future__ import annotations

from typing import TypeVar

from diag.reports.text import clean, cut_middle, map_values, neutral

LONGEST = 240
"""Longer texts lose their middle: no sentence of diag's own is as long, and no name that is read."""

_SHORTENED = 160

_Value = TypeVar("_Value")


def short(text: str) -> str:
    """A text without anything that could do harm, and without its middle if it is very long."""
    return _cut(clean(text))


def shown(value: _Value) -> _Value:
    """A value with every text in it made `short`."""
    return map_values(neutral(value), lambda part: _cut(part) if isinstance(part, str) else None)


def _cut(text: str) -> str:
    return cut_middle(text, _SHORTENED) if len(text) > LONGEST else text
