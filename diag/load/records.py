"""The file of per-request records: fixed-size little-endian int64 rows, readable while it is written.

A row has `len(FIELDS)` numbers, in the order of `FIELDS`. There is no header: the first row starts at
byte 0, and a tail shorter than a row is a row still being written.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

if TYPE_CHECKING:
    import os
    from typing import Self


class ErrorCode(IntEnum):
    """Why a request has no HTTP status: the negative number in a record's `status`."""

    CONNECT_REFUSED = -1
    CONNECT_RESET = -2
    CONNECT_TIMEOUT = -3
    NO_LOCAL_PORT = -4
    NO_DESCRIPTOR = -5
    RESET = -6
    PREMATURE_CLOSE = -7
    MALFORMED = -8
    TIMED_OUT = -9
    UNFINISHED = -10
    OTHER = -11
    CLOSED_UNDER = -12

    @property
    def words(self) -> str:
        """What happened, as a phrase that follows a count: "3 refused the connection"."""
        return _WORDS[self]


_WORDS = {
    ErrorCode.CONNECT_REFUSED: "refused the connection (nothing listens on the port)",
    ErrorCode.CONNECT_RESET: "reset the connection while it was being opened",
    ErrorCode.CONNECT_TIMEOUT: "did not accept the connection in time (listen backlog full?)",
    ErrorCode.NO_LOCAL_PORT: "found no free local port (too many connections opened too fast)",
    ErrorCode.NO_DESCRIPTOR: "found no free file descriptor",
    ErrorCode.RESET: "were cut off by a connection reset",
    ErrorCode.PREMATURE_CLOSE: "were cut off: the server closed before the response was complete",
    ErrorCode.MALFORMED: "got an answer that is not valid HTTP",
    ErrorCode.TIMED_OUT: "got no complete answer within the request timeout",
    ErrorCode.UNFINISHED: "were unanswered when the run ended",
    ErrorCode.OTHER: "failed with another socket error",
    ErrorCode.CLOSED_UNDER: (
        "crossed the server's closing of a kept-alive connection, and may not be repeated; they count nowhere"
    ),
}


class Record(NamedTuple):
    """One request, from when it should have been sent to when it was over.

    Times are nanoseconds of CLOCK_MONOTONIC; 0 means that it never came so far.
    """

    stream: int
    """Index of the stream in `LoadSpec.streams`."""
    request: int
    """Index of the request in `Stream.requests`; it gives the route's label."""
    port: int
    """Local port of the connection, which the server sees as the client's port; 0 if never connected."""
    intended_ns: int
    """When it should have been sent. Latency counts from here."""
    sent_ns: int
    """When its bytes were given to the kernel; later than intended if it had to connect or to queue."""
    first_byte_ns: int
    """When the first bytes of the answer were read."""
    done_ns: int
    """When the answer was complete, or the request was given up."""
    status: int
    """HTTP status, or a negative `ErrorCode`."""
    body_bytes: int
    """Bytes of the response's body, chunk framing left out."""

    @property
    def latency_ns(self) -> int:
        """From the intended send time until the end."""
        return self.done_ns - self.intended_ns


FIELDS = Record._fields
WIDTH = len(FIELDS)
RECORD_BYTES = 8 * WIDTH


class Records(Sequence[Record]):
    """Records in 72 bytes each; a `Record` is made when one is asked for."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: array[int]) -> None:
        """Wrap an `array("q")` of whole rows."""
        self._numbers = numbers

    def __len__(self) -> int:
        """Count the records."""
        return len(self._numbers) // WIDTH

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Record | Self:
        """Give one record, or those of a slice."""
        if isinstance(index, slice):
            rows = array("q")
            for row in range(*index.indices(len(self))):
                rows.extend(self._numbers[row * WIDTH : (row + 1) * WIDTH])
            return type(self)(rows)
        row = range(len(self))[index]
        return Record._make(self._numbers[row * WIDTH : (row + 1) * WIDTH])

    def __iter__(self) -> Iterator[Record]:
        """Give the records in the order in which they were written."""
        numbers = iter(self._numbers)
        return map(Record._make, zip(*[numbers] * WIDTH, strict=True))

    def column(self, field: str) -> array[int]:
        """Give one field of all records, e.g. `column("done_ns")`."""
        return self._numbers[FIELDS.index(field) :: WIDTH]


def read_records(path: str | os.PathLike[str], *, skip: int = 0) -> Records:
    """Read what has been written so far; a truncated last record is left out.

    `skip` passes over that many records, so that a file still being written can be followed.
    """
    with Path(path).open("rb") as file:
        file.seek(skip * RECORD_BYTES)
        data = file.read()
    numbers = array("q")
    numbers.frombytes(data[: len(data) // RECORD_BYTES * RECORD_BYTES])
    if sys.byteorder == "big":
        numbers.byteswap()
    return Records(numbers)
