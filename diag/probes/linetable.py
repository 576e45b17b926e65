"""Line numbers of CPython 3.11 and later, from a code object's location table (PEP 626, PEP 657).

The format is described in CPython's `Objects/locations.md`: entries of a first byte with its high bit set, a
kind in bits 3 to 6 and a length in code units in bits 0 to 2, followed by what the kind says.
"""

from __future__ import annotations

_NO_LOCATION, _LONG, _NO_COLUMNS = 15, 14, 13
_ONE_LINE = (10, 11, 12)
_UNIT = 2
"""Bytes of a code unit."""


def line_at(table: bytes, first_line: int, offset: int) -> int:
    """The line of the instruction at a byte offset, 0 if it has none.

    Args:
        table: `co_linetable`.
        first_line: `co_firstlineno`.
        offset: in bytes from the first instruction.

    Raises:
        IndexError: the table ends within an entry.
    """
    line, start, at = first_line, 0, 0
    while at < len(table):
        head = table[at]
        at += 1
        kind, end = (head >> 3) & 15, start + ((head & 7) + 1) * _UNIT
        here = 0
        if kind != _NO_LOCATION:
            delta, at = _entry(table, at, kind)
            line += delta
            here = line
        if start <= offset < end:
            return here
        start = end
    return 0


def _entry(table: bytes, at: int, kind: int) -> tuple[int, int]:
    """By how much the line changes, and where the next entry begins."""
    if kind in _ONE_LINE:
        return kind - _ONE_LINE[0], at + 2
    if kind not in {_LONG, _NO_COLUMNS}:
        return 0, at + 1
    delta, at = _signed(table, at)
    if kind == _LONG:
        for _ in range(3):  # end line, column, end column
            _, at = _number(table, at)
    return delta, at


def _number(table: bytes, at: int) -> tuple[int, int]:
    """A number of six bits a byte, least significant first; bit 6 says that another byte follows."""
    value = shift = 0
    while True:
        byte = table[at]
        at += 1
        value |= (byte & 63) << shift
        shift += 6
        if not byte & 64:
            return value, at


def _signed(table: bytes, at: int) -> tuple[int, int]:
    value, at = _number(table, at)
    return (-(value >> 1) if value & 1 else value >> 1), at
