"""The parent's side says what went wrong, and judges the generator itself."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from diag.load.client import LoadError, LoadProcess
from diag.load.histogram import Histogram
from diag.load.result import LoadResult, StreamResult
from diag.load.spec import Closed

S = 1_000_000_000
RESULT = LoadResult(
    streams=(
        StreamResult(
            name="a",
            requests=(),
            connects=1,
            reconnects=0,
            retries=0,
            idle_closes=0,
            longest_queue=0,
            lag=Histogram(range(1, 101)),
        ),
    ),
    started_ns=0,
    stopped_ns=S,
    ended_ns=S,
    cpu_ns=int(0.9 * S),
    spun_ns=int(0.05 * S),
    runqueue_ns=0,
    notes=(),
)


def test_over_80_percent_of_its_core_the_generator_is_the_bottleneck() -> None:
    assert RESULT.utilisation == pytest.approx(0.85)
    assert RESULT.generator_bound
    rested = dataclasses.replace(RESULT, spun_ns=int(0.2 * S))
    assert not rested.generator_bound
    assert dataclasses.replace(rested, runqueue_ns=int(0.2 * S)).generator_bound


def test_its_own_lag_is_reported() -> None:
    assert RESULT.lag_p99_ns == 99


def test_waiting_has_an_end(server: Any, make_spec: Any) -> None:
    with LoadProcess(make_spec(server.port, load=Closed(users=1))) as load:
        load.begin()
        with pytest.raises(LoadError, match=r"did not finish within 0\.1 s"):
            load.result(timeout_s=0.1)


def test_a_generator_that_dies_is_reported_with_what_it_said(server: Any, make_spec: Any) -> None:
    with LoadProcess(make_spec(server.port)) as load:
        load.begin()
        load._process.kill()
        with pytest.raises(LoadError, match="ended unexpectedly.*exit status -9"):
            load.result(5)
        load.stop()


def test_a_path_that_cannot_be_written_is_refused(server: Any, make_spec: Any) -> None:
    spec = dataclasses.replace(make_spec(server.port), records_path="/nowhere/records.bin")
    with LoadProcess(spec) as load, pytest.raises(LoadError, match="/nowhere/records.bin"):
        load.wait_connected()


def test_closing_twice_does_nothing(server: Any, make_spec: Any) -> None:
    load = LoadProcess(make_spec(server.port))
    load.close()
    load.close()
