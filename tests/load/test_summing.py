"""Sums over streams: what a recording keeps of a load."""

from __future__ import annotations

from array import array

import pytest

from diag.load.histogram import Histogram
from diag.load.records import ErrorCode, Records
from diag.load.result import LoadResult, RequestResult, StreamResult
from diag.load.summing import PERCENTS, totals_of

MS = 1_000_000


def result(latencies: list[int], statuses: dict[int, int], errors: dict[ErrorCode, int]) -> LoadResult:
    """One stream of one route."""
    route = RequestResult(
        label="GET /",
        statuses=statuses,
        errors=errors,
        body_bytes=77,
        latency=Histogram(latencies),
        failed_after=Histogram(),
    )
    stream = StreamResult(
        name="work",
        requests=(route,),
        connects=1,
        reconnects=0,
        retries=0,
        idle_closes=0,
        longest_queue=0,
        lag=Histogram(),
    )
    return LoadResult(
        streams=(stream,),
        started_ns=5,
        stopped_ns=1005,
        ended_ns=2005,
        cpu_ns=0,
        spun_ns=0,
        runqueue_ns=0,
        notes=(),
    )


def test_answers_of_500_and_more_are_failures_and_timeouts_are_among_them() -> None:
    errors = {ErrorCode.TIMED_OUT: 2, ErrorCode.RESET: 1}
    (totals,) = totals_of(result([MS], {200: 5, 404: 1, 503: 4}, errors))
    assert (totals.answered, totals.failed, totals.timeouts) == (6, 7, 2)
    assert (totals.wall_ns, totals.body_bytes, totals.generator) == (2000, 77, "diag")


def test_latencies_are_summed_up() -> None:
    """One to a hundred milliseconds: 58 of them lie within one standard deviation (28.9) of the mean (50.5)."""
    (totals,) = totals_of(result([n * MS for n in range(1, 101)], {200: 100}, {}))
    assert (totals.min_ns, totals.max_ns, totals.mean_ns) == (MS, 100 * MS, 50_500_000)
    assert totals.sd_ns == pytest.approx(28_866_070, rel=1e-6)
    assert totals.within_sd == 58
    assert tuple(one.percent for one in totals.percentiles) == PERCENTS
    assert {one.percent: one.ns / MS for one in totals.percentiles}[90.0] == pytest.approx(90, rel=1e-3)


def test_a_stream_without_answers_has_no_percentiles() -> None:
    (totals,) = totals_of(result([], {}, {ErrorCode.CONNECT_REFUSED: 3}))
    assert (totals.answered, totals.failed, totals.percentiles, totals.within_sd) == (0, 3, (), 0)


def test_connecting_is_from_wanting_to_send_until_sending() -> None:
    """Of the stream's own records that were sent; kept connections have no such time."""
    rows = [
        (0, 0, 1, 100, 150, 0, 0, 200, 0),
        (0, 0, 1, 100, 190, 0, 0, 200, 0),
        (1, 0, 1, 0, 9000, 0, 0, 200, 0),
    ]
    rows.append((0, 0, 0, 100, 0, 0, 900, -1, 0))
    records = Records(array("q", [number for row in rows for number in row]))
    (totals,) = totals_of(result([1], {200: 1}, {}), records, connecting=True)
    assert (totals.connect_p50_ns, totals.connect_p99_ns, totals.connect_max_ns) == (50, 90, 90)
    (kept,) = totals_of(result([1], {200: 1}, {}), records)
    assert kept.connect_max_ns == 0
