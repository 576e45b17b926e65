"""What is kept of each request: rows in the file, and per request of the spec counts and histograms."""

from __future__ import annotations

import os
from collections import Counter
from itertools import chain, starmap
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING

from diag.load.histogram import Histogram
from diag.load.records import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from diag.load.wire import Row, WireRequest

_pack = Struct(f"<{WIDTH}q").pack
_done_of = itemgetter(6)
_status_of = itemgetter(7)
_body_of = itemgetter(8)


class _Tally:
    """What has been counted of one request of the spec."""

    __slots__ = ("body_bytes", "failed_after", "latency", "statuses")

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.body_bytes = 0
        self.latency = Histogram()
        self.failed_after = Histogram()

    def add(self, rows: list[Row]) -> None:
        statuses = Counter(map(_status_of, rows))
        self.statuses.update(statuses)
        self.body_bytes += sum(map(_body_of, rows))
        if min(statuses) > 0:
            self.latency.record_many([row[6] - row[3] for row in rows])
            return
        self.latency.record_many([row[6] - row[3] for row in rows if row[7] > 0])
        self.failed_after.record_many([row[6] - row[3] for row in rows if row[7] < 0])


class Recorder:
    """Takes the rows that requests have gathered, in batches.

    A batch costs the loop some tenths of a microsecond a row, so `flush` is called every few
    milliseconds under load: seldom enough to be cheap, often enough that no request waits long for it.
    """

    def __init__(self, requests: Sequence[WireRequest], path: str | None) -> None:
        """Write to a new file at `path`, or keep only counts and histograms."""
        self._requests = requests
        self._tallies = [_Tally() for _ in requests]
        self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)

    def flush(self) -> None:
        """Write, in the order of completion, and count all rows gathered since the last time."""
        batches = [
            (request.rows, tally)
            for request, tally in zip(self._requests, self._tallies, strict=True)
            if request.rows
        ]
        if self._file is not None and batches:
            self._write([rows for rows, _ in batches])
        for rows, tally in batches:
            tally.add(rows)
            rows.clear()

    def _write(self, batches: list[list[Row]]) -> None:
        assert self._file is not None
        rows: Iterable[Row] = batches[0]
        if len(batches) > 1:
            # Each batch is in order, and sorting runs that are in order is merging them.
            rows = sorted(chain.from_iterable(batches), key=_done_of)
        # A third of the time that an array needs, and the byte order is the file's on any machine.
        left = memoryview(b"".join(starmap(_pack, rows)))
        while left:
            left = left[os.write(self._file, left) :]

    def close(self) -> None:
        """Write what is left and close the file."""
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def summary(self) -> list[dict[str, object]]:
        """Give what was counted, one object for each request of the spec."""
        return [
            {
                "stream": request.stream,
                "request": request.index,
                "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
                "body_bytes": tally.body_bytes,
                "latency": tally.latency.to_json(),
                "failed_after": tally.failed_after.to_json(),
            }
            for request, tally in zip(self._requests, self._tallies, strict=True)
        ]
