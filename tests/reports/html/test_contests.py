"""The page of a comparison."""

from __future__ import annotations

import json

from compared import cell, recording, trial

from diag.analysis.comparison import compare
from diag.recording import Recording
from diag.reports.html import pieces
from diag.reports.html.charts import Ridges, Whiskers
from diag.reports.html.contests import build_comparison
from diag.reports.html.model import ComparisonReport


def three_cells() -> Recording:
    """One clearly better, one that the generator limited, one that was slow."""
    runs = []
    for number in range(1, 6):
        runs += [
            trial(cell("native"), number, 1_000 + number, p99_ms=5),
            trial(cell("blocking"), number, 100 + number, p99_ms=80, victims_ms=400),
            trial(cell("to-thread"), number, 2_000, utilisation=0.95),
        ]
    return recording(runs)


def built(found: Recording) -> ComparisonReport:
    return build_comparison(found, compare(found))


def test_charts_hold_every_cell() -> None:
    """Throughput, latencies and CPU time, in the order of the ranks."""
    (contest,) = built(three_cells()).contests
    throughput, latency, cpu = contest.charts
    assert isinstance(throughput, Whiskers)
    assert isinstance(latency, Ridges)
    assert isinstance(cpu, Whiskers)
    labels = [one.label for one in throughput.whiskers]
    assert labels == ["native", "blocking", "to-thread"]
    assert [one.label for one in latency.ridges] == labels
    assert [row[0] for row in contest.table.rows] == labels


def test_intervals_lie_around_their_medians() -> None:
    """And every trial is a dot on the same axis."""
    (contest,) = built(three_cells()).contests
    for one in contest.charts[0].whiskers:
        assert 0 <= one.low <= one.at <= one.high <= 100
        assert len(one.trials) == 5


def test_what_the_generator_limited_is_marked() -> None:
    """In the charts and among the remarks."""
    (contest,) = built(three_cells()).contests
    flags = {one.label: one.flags for one in contest.charts[0].whiskers}
    assert flags["to-thread"] == ("not ranked", "limited by the load generator")
    assert flags["native"] == ()
    assert ("not ranked", "to-thread") in {(one.word, one.name) for one in contest.remarks}


def test_percentiles_stand_in_where_requests_are_not_recorded() -> None:
    """As with another load generator: three values make a coarse distribution."""
    (contest,) = built(three_cells()).contests
    ridge = contest.charts[1].ridges[0]
    assert ridge.path
    assert {name: text for name, _, text in ridge.marks} == {"p50": "2.0 ms", "p99": "5.0 ms", "max": "10 ms"}


def test_nothing_measured() -> None:
    """There is a page all the same."""
    page = built(recording([]))
    assert page.head.status == "unmeasured"
    found = recording([])
    assert "The recording holds no run" in "".join(pieces(found, compare(found)))


def test_the_data_is_in_it() -> None:
    """The same that `--json` prints."""
    page = built(three_cells())
    assert json.loads(page.raw)["contests"][0]["cells"][0]["label"] == "native"
