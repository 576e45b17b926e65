"""From what a generator counted to the sums that a recording keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.load.histogram import Histogram
from diag.load.records import ErrorCode
from diag.recording import Percentile, StreamTotals

if TYPE_CHECKING:
    from diag.load.records import Records
    from diag.load.result import LoadResult, StreamResult

PERCENTS = (50.0, 66.0, 75.0, 80.0, 90.0, 95.0, 98.0, 99.0, 99.9, 100.0)
"""ApacheBench's table, and 99.9."""

_TIMEOUTS = (ErrorCode.TIMED_OUT, ErrorCode.CONNECT_TIMEOUT, ErrorCode.UNFINISHED)


def totals_of(
    result: LoadResult, records: Records | None = None, *, connecting: bool = False
) -> tuple[StreamTotals, ...]:
    """The sums of each stream.

    Args:
        result: what the generator counted.
        records: its records, for the times to connect; None where none were kept.
        connecting: True if the load opened a connection for each request.
    """
    wall = max(0, max(result.ended_ns, result.stopped_ns) - result.started_ns)
    return tuple(
        _totals(stream, wall, _connects(records, index) if connecting and records else Histogram())
        for index, stream in enumerate(result.streams)
    )


def _totals(stream: StreamResult, wall_ns: int, connects: Histogram) -> StreamTotals:
    latency = stream.latency
    server_errors = sum(count for status, count in stream.statuses.items() if status >= 500)
    below, above = latency.mean - latency.sd, latency.mean + latency.sd
    outside = latency.count_at_most(int(below) - 1) if below >= 1 else 0
    return StreamTotals(
        stream=stream.name,
        generator="diag",
        wall_ns=wall_ns,
        answered=stream.answered - server_errors,
        failed=stream.failed + server_errors - stream.errors.get(ErrorCode.CLOSED_UNDER, 0),
        timeouts=sum(stream.errors.get(code, 0) for code in _TIMEOUTS),
        body_bytes=sum(request.body_bytes for request in stream.requests),
        min_ns=latency.min,
        mean_ns=round(latency.mean),
        sd_ns=round(latency.sd),
        max_ns=latency.max,
        within_sd=latency.count_at_most(int(above)) - outside,
        percentiles=tuple(Percentile(percent=p, ns=latency.percentile(p)) for p in PERCENTS)
        if len(latency)
        else (),
        connect_p50_ns=connects.percentile(50),
        connect_p99_ns=connects.percentile(99),
        connect_max_ns=connects.max,
    )


def _connects(records: Records, stream: int) -> Histogram:
    """From when a request should have been sent until its bytes were: the opening of its connection."""
    columns = [records.column(name) for name in ("stream", "intended_ns", "sent_ns")]
    times = [
        sent - intended for which, intended, sent in zip(*columns, strict=True) if which == stream and sent
    ]
    connects = Histogram()
    if times:
        connects.record_many(times)
    return connects
