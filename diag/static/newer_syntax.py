"""Python's newer syntax written in the older one: a project may be newer than the Python that diag runs on.

What is written is parsed and never run. Lines stay as they are, and columns up to what is changed.
"""

from __future__ import annotations

import re

_TYPE = re.compile(rb"^(?P<before>[ \t]*)type(?P<gap>[ \t]+)(?=[A-Za-z_]\w*[ \t]*(\[|=))", re.MULTILINE)
_NAMED = re.compile(rb"^[ \t]*(?:(?:async[ \t]+)?def|class|type)[ \t]+\w+[ \t]*\[", re.MULTILINE)
_EXCEPT = re.compile(
    rb"^(?P<before>[ \t]*except[ \t]*\*?[ \t]+)(?P<names>[\w.]+(?:[ \t]*,[ \t]*[\w.]+)+)[ \t]*:", re.MULTILINE
)
_TEXT = re.compile(
    rb"#[^\n]*|(?P<prefix>\b(?:[rR]?[fFtT]|[fFtT][rR]|[rRbBuU]|[bB][rR]|[rR][bB]))?(?P<quote>\"\"\"|'''|\"|')"
)
_OPEN, _CLOSE = b"([{", b")]}"


def in_older_syntax(data: bytes) -> bytes:
    """The source with type parameters left out, and so on; the same if there is nothing to change."""
    data = _without_parameters(data)
    data = _TYPE.sub(rb"\g<before>", data)
    data = _EXCEPT.sub(rb"\g<before>(\g<names>):", data)
    return _plain_texts(data)


def _without_parameters(data: bytes) -> bytes:
    """``def f[T](x)`` as ``def f   (x)``."""
    parts, end = [], 0
    for match in _NAMED.finditer(data):
        start = match.end() - 1
        close = _closing(data, start)
        if close < 0 or start < end:
            continue
        parts += [data[end:start], re.sub(rb"[^\n]", b" ", data[start : close + 1])]
        end = close + 1
    return b"".join([*parts, data[end:]])


def _closing(data: bytes, start: int) -> int:
    depth = 0
    for place in range(start, len(data)):
        one = data[place]
        if one in _OPEN:
            depth += 1
        elif one in _CLOSE:
            depth -= 1
            if not depth:
                return place
    return -1


def _plain_texts(data: bytes) -> bytes:
    """Formatted texts whose expressions hold their own quote or a backslash, with others in their place."""
    parts, end, place = [], 0, 0
    while match := _TEXT.search(data, place):
        if not match["quote"]:
            place = match.end()
            continue
        formatted = bool(match["prefix"]) and match["prefix"].lower().strip(b"r") in (b"f", b"t")
        close, changed = _formatted(data, match) if formatted else _unchanged(data, match)
        if close < 0:
            break
        if changed is not None:
            parts += [data[end : match.end()], changed]
            end = close
        place = close + len(match["quote"])
    return b"".join([*parts, data[end:]])


def _unchanged(data: bytes, match: re.Match[bytes]) -> tuple[int, None]:
    return _plain_end(data, match.end(), match["quote"]), None


def _plain_end(data: bytes, place: int, quote: bytes) -> int:
    while place < len(data):
        if data[place] == 0x5C:
            place += 2
        elif data.startswith(quote, place):
            return place
        else:
            place += 1
    return -1


def _formatted(data: bytes, match: re.Match[bytes]) -> tuple[int, bytes | None]:
    """Where a formatted text ends, and what stands in it if that must change."""
    quote = match["quote"]
    other = b"'" if quote[:1] == b'"' else b'"'
    place, depth, changed = match.end(), 0, False
    written = bytearray()
    while place < len(data):
        one = data[place : place + 1]
        if not depth and one == b"\\":
            written += data[place : place + 2]
            place += 2
        elif not depth and data.startswith(quote, place):
            return place, bytes(written) if changed else None
        elif one == b"{" and data[place + 1 : place + 2] == b"{" and not depth:
            written += b"{{"
            place += 2
        elif depth and one in (b'"', b"'"):
            end = _plain_end(data, place + 1, one)
            if end < 0:
                return -1, None
            inner = data[place + 1 : end]
            if one == quote[:1] or b"\\" in inner:
                changed = True
                inner = re.sub(rb"[\\\"']", b".", inner)
                one = other
            written += one + inner + one
            place = end + 1
        else:
            depth += (one == b"{") - (one == b"}" and depth > 0)
            written += one
            place += 1
    return -1, None
