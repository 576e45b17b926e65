"""Text of others made safe to show: the one place that stands between the target and a terminal.

Source lines, paths, labels and messages come from the target, which may be hostile or merely odd: escape
sequences, bidirectional marks, NUL, tabs, lines of a megabyte. What cannot be printed is shown as an
escape, so that it is seen and has no effect.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

from rich.cells import cell_len

_Value = TypeVar("_Value")

# Longer texts are cut before anything looks at each of their characters.
LONGEST_TEXT = 4_000
_TAB = 4
# More marks on one letter than any orthography has (Vietnamese has two) climb over the lines above.
_MOST_MARKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """Symbols, as the output's encoding can show them."""

    cross: str = "✗"
    check: str = "✓"
    pointer: str = "▸"
    dot: str = "·"
    bar: str = "│"
    arrow: str = "→"
    times: str = "×"
    ellipsis: str = "…"
    levels: str = "·▁▂▃▄▅▆▇█"  # of a sparkline, from nothing to all


UNICODE = Glyphs()
ASCII = Glyphs(
    cross="x",
    check="+",
    pointer=">",
    dot="-",
    bar="|",
    arrow="->",
    times="x",
    ellipsis="...",
    levels="._:-=+*#@",
)
_ASCII_FOR = {"µ": "u", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"'} | {
    getattr(UNICODE, field.name): getattr(ASCII, field.name) for field in dataclasses.fields(Glyphs)
}


def glyphs_for(encoding: str) -> Glyphs:
    """The symbols that an encoding can show."""
    every = "".join(getattr(UNICODE, field.name) for field in dataclasses.fields(Glyphs))
    return UNICODE if _encodes(every, encoding) else ASCII


@lru_cache(maxsize=4_096)
def clean(text: str, *, encoding: str = "utf-8", lines: bool = False) -> str:
    r"""`text` with nothing in it that could do more than be read.

    Args:
        text: anything.
        encoding: of the output; what it cannot encode becomes an escape.
        lines: True keeps line ends (``\n``) and removes those of DOS.
    """
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT] + UNICODE.ellipsis
    if lines:
        text = text.replace("\r\n", "\n")
    if not text.isprintable():
        text = "".join(_printable(letter, lines=lines) for letter in text)
    if not text.isascii():
        text = _fewer_marks(text)
        if not _encodes(text, encoding):
            text = "".join(_encodable(letter, encoding) for letter in text)
    return text


def neutral(value: _Value, *, encoding: str = "utf-8") -> _Value:
    """`value` with every text in it made `clean`: dataclasses, tuples and what they hold."""
    return _neutral(value, encoding)  # type: ignore[no-any-return]


def _neutral(value: Any, encoding: str) -> Any:
    if isinstance(value, Enum) or value is None or isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return clean(value, encoding=encoding)
    if isinstance(value, tuple):
        return tuple(_neutral(item, encoding) for item in value)
    changes = {
        field.name: _neutral(getattr(value, field.name), encoding) for field in dataclasses.fields(value)
    }
    return dataclasses.replace(value, **changes)


def map_values(value: _Value, change: Callable[[object], object | None]) -> _Value:
    """`value` with those parts replaced for which `change` gives another, in dataclasses and tuples."""
    return _mapped(value, change)  # type: ignore[no-any-return]


def _mapped(value: Any, change: Callable[[object], object | None]) -> Any:
    changed = change(value)
    if changed is not None:
        return changed
    if isinstance(value, tuple):
        return tuple(_mapped(item, change) for item in value)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    changes = {field.name: _mapped(getattr(value, field.name), change) for field in dataclasses.fields(value)}
    return dataclasses.replace(value, **changes)


def cut(text: str, width: int, ellipsis: str = UNICODE.ellipsis) -> str:
    """`text` in at most `width` cells (a wide character is two), the end replaced by an ellipsis."""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room <= 0:
        return ellipsis[: max(width, 0)]
    return _head(text, room) + ellipsis


def cut_middle(text: str, width: int, ellipsis: str = UNICODE.ellipsis) -> str:
    """`text` in at most `width` cells, the middle replaced; a path keeps its file name and line."""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room <= 1:
        return cut(text, width, ellipsis)
    name = text[text.rfind("/") :] if "/" in text else ""
    tail = name if name and cell_len(name) <= room else _tail(text, room * 2 // 3)
    return _head(text, room - cell_len(tail)) + ellipsis + tail


def _head(text: str, width: int) -> str:
    """As many letters of the beginning as fit `width` cells."""
    end = min(len(text), width)
    while cell_len(text[:end]) > width:
        end -= 1
    return text[:end]


def _tail(text: str, width: int) -> str:
    """As many letters of the end as fit `width` cells."""
    start = max(0, len(text) - width)
    while cell_len(text[start:]) > width:
        start += 1
    return text[start:]


def _printable(letter: str, *, lines: bool) -> str:
    if letter.isprintable() or (lines and letter == "\n"):
        return letter
    if letter == "\t" or unicodedata.category(letter) == "Zs":
        return " " * (_TAB if letter == "\t" else 1)
    return _escape(letter)


def _escape(letter: str) -> str:
    r"""``\x1b``, ``\u202e``, ``\U000e0001``."""
    return (
        letter.encode("ascii", "backslashreplace").decode() if ord(letter) > 127 else f"\\x{ord(letter):02x}"
    )


def _fewer_marks(text: str) -> str:
    """`text` with no more combining marks in a row than any orthography has."""
    if not re.search(r"[^\x00-\x7f]{4}", text):
        return text
    kept: list[str] = []
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.category(letter) in {"Mn", "Me"} else 0
        if marks <= _MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _encodable(letter: str, encoding: str) -> str:
    if _encodes(letter, encoding):
        return letter
    return _ASCII_FOR.get(letter) or _escape(letter)
