"""The first 100 bytes of a SQLite file: enough to tell a recording from anything else, without SQLite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diag.store.tables import APPLICATION_ID

_MAGIC = b"SQLite format 3\0"
_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header says (https://www.sqlite.org/fileformat.html, section 1.3).

    Attributes:
        size: of the whole file in bytes.
        is_sqlite: True if it begins as a SQLite file does.
        is_recording: True if it also carries diag's application id.
        schema_version: its ``user_version``.
        expected_size: pages times page size, 0 where the header does not say.
    """

    size: int
    is_sqlite: bool = False
    is_recording: bool = False
    schema_version: int = 0
    expected_size: int = 0


def read_header(path: Path) -> Header:
    """Read the header of a file; raises OSError."""
    with path.open("rb") as file:
        data = file.read(_LENGTH)
        size = file.seek(0, 2)
    if len(data) < _LENGTH or not data.startswith(_MAGIC):
        return Header(size=size)
    page_size = _number(data, 16, 2)
    pages_valid = data[24:28] == data[92:96]  # else the page count was not kept up to date
    return Header(
        size=size,
        is_sqlite=True,
        is_recording=_number(data, 68, 4) == APPLICATION_ID,
        schema_version=_number(data, 60, 4),
        expected_size=_number(data, 28, 4) * (65536 if page_size == 1 else page_size) if pages_valid else 0,
    )


def _number(data: bytes, offset: int, length: int) -> int:
    return int.from_bytes(data[offset : offset + length], "big")
