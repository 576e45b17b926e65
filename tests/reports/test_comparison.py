"""A comparison as people read it: fits the page, leaves nothing out, and does no harm."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from compared import MS, cell, recording, trial
from rich.cells import cell_len

from diag.analysis.comparison import compare
from diag.comparison import Comparison
from diag.recording import RunStatus
from diag.reports.comparison import cell_list, render
from diag.reports.generators import as_ab, as_h2load
from diag.reports.json import comparison_to_json


def comparison() -> Comparison:
    """Four cells: two alike, one bound by the generator, one that failed; with connect times and failures."""
    runs = []
    for number in (1, 2, 3):
        own = {"connect_p50_ns": MS, "connect_p99_ns": 9 * MS}
        runs += [
            trial(cell("native"), number, 400 + number, own=own),
            trial(
                cell("run-in-executor"), number, 200 + 100 * number, own=own | {"failed": 3, "timeouts": 1}
            ),
            trial(cell("blocking"), number, 100 - number, victims_ms=310, counters={"listen_overflows": 12}),
            trial(cell("gather"), number, 9_000, utilisation=0.93),
            replace(
                trial(cell("process-pool"), number, 1),
                status=RunStatus.FAILED,
                failure="the server died",
                streams=(),
            ),
        ]
    return replace(compare(recording(runs)), recording="/tmp/a b.diag")


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_it_fits_and_says_everything_at_every_width(width: int, encoding: str) -> None:
    text = render(comparison(), width=width, encoding=encoding)
    lines = text.splitlines()
    assert max(map(cell_len, lines)) <= width
    text.encode(encoding)
    told = " ".join(text.split())
    for words in (
        "3 trials, interleaved, seed 3",
        "req/s [95 %]",
        "victims' p99",
        "310 ms",
        "generator",
        "93 %",
        "CPU/req",
        "memory",
        "60 MB",
        "connect p50",
        "timeouts",
        "not seen to differ",
        "better",
        "requests of warm-up left out",
        "gather is not ranked: the load generator was the limit",
        "process-pool is not ranked: the server died",
        "run-in-executor is unstable",
        "Use native",
        "the listen backlog overflowed 12 times",
        "recording: /tmp/a b.diag",
    ):
        assert words in told, words


def test_wide_pages_have_one_table_and_narrow_ones_more() -> None:
    def heads(width: int) -> int:
        return sum(" cell  " in line for line in render(comparison(), width=width).splitlines())

    assert heads(80) > heads(120) >= 1


def test_verbose_shows_every_pair() -> None:
    text = render(comparison(), verbose=True)
    assert "native / blocking: 4" in text
    assert "no difference seen" in text


def test_what_the_target_is_called_does_no_harm() -> None:
    runs = [trial(cell("x\x1b[2J\u202e", target="a\x1b]0;b"), n, 5) for n in (1, 2)]
    text = render(compare(recording(runs, target="a\x1b]0;b")))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_json_has_the_same_and_no_infinity() -> None:
    document = json.loads(comparison_to_json(comparison()))
    assert (document["format"], document["exit_code"], document["trials"]) == (1, 0, 3)
    (contest,) = document["contests"]
    assert [one["rank"] for one in contest["cells"]] == [1, 1, 2, 0, 0]
    assert contest["cells"][0]["throughput"]["trials"] == [401, 402, 403]
    assert contest["verdict"][0].startswith("Use native")
    once = compare(recording([trial(cell(), 1, 5), trial(cell("blocking"), 1, 6)]))
    assert json.loads(comparison_to_json(once))["contests"][0]["differences"][0]["high"] is None


def test_apachebench_and_h2load_are_recognised() -> None:
    """The lines that people compare, of the trial in the middle."""
    ab = as_ab(comparison())
    assert "Requests per second:    402.00 [#/sec] (mean)\n" in ab
    assert "   99%      5.0\n  100%     10.0 (longest request)" in ab
    assert "# no figures: the server died" in ab
    h2load = as_h2load(comparison())
    assert "finished in 1.00s, 402.00 req/s, 0.00KB/s\n" in h2load
    assert "                         min         max        mean          sd      +/- sd\n" in h2load
    assert "time for request:     1.00ms     10.00ms      2.00ms      1.00ms      69.90%\n" in h2load


def test_a_list_of_cells_has_the_reasons() -> None:
    values = {
        "target": "w.py",
        "workload": "w",
        "framework": "flask",
        "server": "s",
        "loop": "",
        "strategy": "native",
    }
    lines = cell_list(
        [
            (values, ""),
            (values | {"loop": "uvloop"}, "uvloop is not installed"),
            (values | {"strategy": "b"}, ""),
        ],
        60,
    )
    assert lines == [
        "w.py w: 2 cells can be measured here",
        "  flask s: native, b",
        "1 cell cannot:",
        "  - uvloop is not installed:",
        "      flask s (uvloop): native",
    ]
