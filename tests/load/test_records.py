"""The record file is read while it is written, and codes have words."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from diag.load.records import FIELDS, RECORD_BYTES, ErrorCode, Record, read_records

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [tuple(range(start, start + 9)) for start in (0, 100, -50)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "records.bin"
    file.write_bytes(b"".join(struct.pack("<9q", *row) for row in ROWS))
    return file


def test_records_come_back_as_written(path: Path) -> None:
    records = read_records(path)
    assert list(records) == [Record._make(row) for row in ROWS]
    assert records[1].port == 102
    assert records[-1] == ROWS[-1]
    assert list(records[1:]) == list(records)[1:]
    assert list(records.column("status")) == [7, 107, -43]
    assert records[0].latency_ns == 6 - 3
    with pytest.raises(IndexError):
        records[3]


@pytest.mark.parametrize("missing", [1, 8, RECORD_BYTES - 1])
def test_a_truncated_tail_is_left_out(path: Path, missing: int) -> None:
    path.write_bytes(path.read_bytes()[:-missing])
    assert len(read_records(path)) == 2


def test_a_growing_file_can_be_followed(path: Path) -> None:
    assert list(read_records(path, skip=2)) == [ROWS[2]]
    assert len(read_records(path, skip=9)) == 0


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert list(read_records(tmp_path / "empty")) == []


def test_the_layout_is_fixed() -> None:
    assert FIELDS == (
        "stream",
        "request",
        "port",
        "intended_ns",
        "sent_ns",
        "first_byte_ns",
        "done_ns",
        "status",
        "body_bytes",
    )
    assert RECORD_BYTES == 72


def test_every_error_code_has_words_and_is_negative() -> None:
    assert all(code.words and code < 0 for code in ErrorCode)
