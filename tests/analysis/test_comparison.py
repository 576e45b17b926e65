"""What a comparison claims, and what it does not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from compared import MS, cell, recording, totals, trial

from diag.analysis.comparison import compare, differences_of, ranks_of
from diag.comparison import By, Contest
from diag.recording import Cell, Recording, Run, RunStatus

EQUAL = (
    (2694.1, 2716.0), (2880.5, 4897.9), (4036.0, 4696.5), (6179.5, 3646.9), (4962.7, 4122.4), (5528.3, 6283.4),
    (5528.0, 6762.6), (5813.3, 6545.1), (6952.6, 6650.8), (6547.3, 6708.6), (9225.6, 8451.6), (9522.5, 8926.6),
    (7151.6, 7930.9), (9373.0, 6960.8), (9349.1, 9459.0), (8514.6, 7640.9), (9641.0, 8795.1), (7615.2, 7978.1),
    (7017.2, 6009.8), (4397.8, 4678.0), (4852.4, 4901.7), (7605.5, 9803.5), (5756.9, 9907.0), (7303.9, 7219.6),
)  # fmt: skip
"""Recorded: requests per second of two copies of one FastAPI app, in 24 interleaved trials of a second each, on
a machine with 2 cores whose other work tripled and ceased meanwhile."""


def trials(of: Cell, values: Sequence[int], **options: object) -> list[Run]:
    """Trials with these throughputs."""
    return [trial(of, number, value, **options) for number, value in enumerate(values, start=1)]  # type: ignore[arg-type]


def contest(*runs: Sequence[Run], by: By | None = None) -> Contest:
    """The only contest of some cells' trials."""
    (only,) = compare(recording(run for some in runs for run in some), by).contests
    return only


@pytest.mark.parametrize("trials_", [3, 5, 8])
def test_two_recorded_equal_cells_are_called_different_in_at_most_5_percent(trials_: int) -> None:
    """200 resamplings: some of the recorded trials, and in each of them either copy may be the first."""
    draw = random.Random(11)
    claimed = 0
    for _ in range(200):
        pairs = [draw.sample(pair, 2) for pair in draw.choices(EQUAL, k=trials_)]
        first, second = ({n: pair[side] for n, pair in enumerate(pairs)} for side in (0, 1))
        (found,) = differences_of([("first", first), ("second", second)])
        claimed += found.seen
    assert claimed <= 10


def test_eight_equal_cells_are_all_of_one_rank_in_95_percent() -> None:
    """The correction is for the family: any claim among 28 pairs would count."""
    draw = random.Random(5)
    clean = 0
    for _ in range(200):
        drift = [draw.gauss(0, 0.2) for _ in range(5)]
        cells = [
            (str(n), {t: 100 * 2.718 ** (drift[t] + draw.gauss(0, 0.05)) for t in range(5)}) for n in range(8)
        ]
        clean += not any(one.seen for one in differences_of(cells))
    assert clean >= 190


def test_a_clear_difference_is_ranked_with_its_ratio() -> None:
    found = contest(
        trials(cell("blocking"), [100, 104, 98, 101]), trials(cell("native"), [401, 409, 396, 404])
    )
    assert [(one.label, one.rank) for one in found.cells] == [("native", 1), ("blocking", 2)]
    (difference,) = found.differences
    assert difference.seen
    assert 3.5 < difference.low < difference.ratio < difference.high < 4.5
    assert found.verdict[0].startswith("Use native: 402 req/s [396–409], 4 × [")
    assert found.verdict[0].endswith("as many as blocking.")


def test_without_a_difference_none_is_claimed() -> None:
    found = contest(trials(cell("to-thread"), [100, 104, 98]), trials(cell("native"), [101, 103, 99]))
    assert {one.rank for one in found.cells} == {1}
    assert found.verdict[0].startswith("No difference seen between ")
    assert "--trials" in found.verdict[1]


def test_what_the_load_generator_limited_is_named_and_not_ranked() -> None:
    fast = trials(cell("native"), [9000, 9100, 9050], utilisation=0.9)
    found = contest(fast, trials(cell("blocking"), [100, 101, 99]))
    assert [(one.label, one.rank) for one in found.cells] == [("blocking", 1), ("native", 0)]
    assert "native cannot be ranked: the load generator was the limit there." in found.verdict
    assert found.cells[1].generator_share is not None
    assert found.cells[1].generator_share.value == pytest.approx(0.9)
    assert "in all of them" in contest(fast).verdict[0]


def test_an_unstable_cell_is_marked_with_the_reason_that_the_recording_shows() -> None:
    calm = trials(cell("blocking"), [100, 101, 99, 100, 102])
    shaken = trials(cell("native"), [100, 101, 99, 100])
    shaken.append(trial(cell("native"), 5, 50, counters={"run_queue_ns": 600 * MS}))
    first, second = sorted(contest(calm, shaken).cells, key=lambda one: one.label)
    assert not first.unstable
    assert second.unstable
    assert second.unstable_reason == "wait for a core: 60 % in the trial farthest off, 0 % in the middle one"


def test_what_a_slow_trial_had_less_of_is_no_reason() -> None:
    """The others waited longer for a core, and were faster all the same."""
    waited = {"run_queue_ns": 600 * MS}
    runs = [*trials(cell(), [100, 101, 99, 100], counters=waited), trial(cell(), 5, 50)]
    (found,) = contest(runs).cells
    assert (found.unstable, found.unstable_reason) == (True, "")


def test_an_overflowing_backlog_explains_latency() -> None:
    runs = trials(cell(), [100, 101, 99], counters={"listen_overflows": 2_590})
    found = contest(runs, trials(cell("blocking"), [300, 301, 302]))
    (slow,) = [one for one in found.cells if one.label == "native"]
    assert "the listen backlog overflowed 2,590 times: such clients waited 1, 3, 7 s to retry" in slow.reasons
    assert any(sentence.startswith("native: the listen backlog") for sentence in found.why)


def test_a_process_that_computes_all_the_time_is_at_its_limit() -> None:
    busy = [
        replace(run, samples=tuple(replace(one, cpu_ns=one.cpu_ns * 5 // 2) for one in run.samples))
        for run in trials(cell(), [100, 101, 99])
    ]
    assert contest(busy).cells[0].reasons == ("its processes computed all the time: 1.00 of one core",)


def test_failures_are_counted_and_a_cell_without_figures_says_why() -> None:
    bad = [trial(cell(), n, 90, own={"failed": 10, "timeouts": 4}) for n in (1, 2)]
    dead = [
        replace(trial(cell("blocking"), n, 1), status=RunStatus.FAILED, failure="the server died", streams=())
        for n in (1, 2)
    ]
    found = contest(bad, dead)
    assert (found.cells[0].failed, found.cells[0].timeouts, found.cells[0].warmed_up) == (20, 8, 40)
    assert "10 requests failed" in found.cells[0].reasons
    assert (found.cells[1].rank, found.cells[1].unranked, found.cells[1].trials) == (0, "the server died", 0)
    assert "nothing to compare it with" in found.verdict[0]


def test_a_cell_that_answered_nothing_is_not_ranked() -> None:
    found = contest(trials(cell(), [0, 0]), trials(cell("blocking"), [5, 5]))
    assert [one.rank for one in found.cells] == [1, 0]
    assert found.cells[1].unranked == "its requests per second is not known"


def test_an_open_load_is_ranked_by_its_latency() -> None:
    """Throughput is given there; less is better, and the ratio says so."""
    slow = trials(cell("blocking", load="open, 50/s"), [50, 50, 50], p99_ms=300)
    fast = [trial(cell("native", load="open, 50/s"), n, 50, p99_ms=3 + n / 100) for n in (1, 2, 3)]
    found = contest(slow, fast)
    assert found.by is By.P99
    assert [one.label for one in found.cells] == ["native", "blocking"]
    assert " × [" in found.verdict[0]
    assert found.verdict[0].endswith("less than blocking.")
    victims = contest(trials(cell("a"), [9, 9], victims_ms=8), trials(cell("b"), [9, 9]), by=By.VICTIMS)
    assert victims.cells[0].label == "b"


def test_equal_throughput_with_unequal_victims_is_told() -> None:
    found = contest(
        trials(cell("blocking"), [101, 100, 102], victims_ms=300), trials(cell("native"), [100, 101, 99])
    )
    assert "Other requests wait least with native: p99 3.0 ms, against 300 ms." in found.verdict


def test_workloads_are_contests_of_their_own_and_apps_compete() -> None:
    runs = [
        *trials(cell(workload="cpu"), [1, 1]),
        *trials(cell(workload="io"), [1, 1]),
        *trials(cell("", target="a:app", workload=""), [1, 2]),
        *trials(cell("", target="b:app", workload=""), [1, 2]),
    ]
    found = compare(recording(runs)).contests
    assert [one.title for one in found] == ["cpu", "io", "the same requests"]
    assert [one.label for one in found[2].cells] == ["a:app", "b:app"]


def test_labels_say_what_differs_and_the_head_what_does_not() -> None:
    found = contest(
        trials(cell(), [1, 2]),
        trials(cell(server="granian", loop="uvloop"), [1, 2]),
        trials(cell(server="h"), [1, 2]),
    )
    assert {one.label for one in found.cells} == {"uvicorn (asyncio)", "granian (uvloop)", "h (asyncio)"}
    assert found.common == "fastapi, native, 1 worker, closed, 4 users"


def test_a_recording_that_was_broken_off_is_compared_as_far_as_it_goes() -> None:
    runs = [*trials(cell(), [1, 2]), replace(trial(cell(), 3, 1), status=RunStatus.RUNNING, streams=())]
    broken = Recording(meta=replace(recording([]).meta, finished=False), runs=tuple(runs))
    found = compare(broken)
    assert not found.finished
    assert (found.contests[0].cells[0].trials, found.contests[0].cells[0].failure) == (2, "it was broken off")
    assert compare(recording([])).exit_code == 2


def test_ranks_begin_anew_where_a_cell_differs_from_the_first_of_a_group() -> None:
    cells = [("a", [100, 101, 99]), ("b", [98, 100, 99]), ("c", [50, 51, 49]), ("d", [49, 51, 50])]
    values = [(label, dict(enumerate(map(float, some)))) for label, some in cells]
    assert ranks_of(list("abcd"), differences_of(values)) == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_connecting_and_the_median_trial_are_kept() -> None:
    runs = [
        trial(cell(), n, 10 * n, own={"connect_p50_ns": MS * n, "connect_p99_ns": 2 * MS * n})
        for n in (1, 2, 3)
    ]
    (one,) = contest(runs).cells
    assert one.connect_p50_ns is not None
    assert one.connect_p50_ns.value == 2 * MS
    assert one.median_trial is not None
    assert (one.median_trial.trial, one.median_trial.answered) == (2, 20)
    assert one.median_trial.percentiles == tuple((p.percent, p.ns) for p in totals("x", 1, 5).percentiles)
