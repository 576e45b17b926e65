"""The claims of `apachebench`, on made-up trials, in each outcome."""

from __future__ import annotations

from rerun import claim, claims, rerun

from diag.comparison import Ruling
from diag.presets.apachebench import (
    BACKLOG,
    DEVELOPMENT,
    GUNICORN,
    MANY,
    MORE,
    ONE,
    RELOAD,
    SYNC,
    WAITRESS,
    WORKERS,
    ApacheBench,
    key,
)

OVERFLOW = {"listen_overflows": 1_800, "listen_drops": 1_800, "syn_retransmits": 2_100}
CLAIM = "48×"


def values() -> dict[str, object]:
    """As measured on a machine with 2 cores."""
    return two() | {
        key(MANY, RELOAD): {"rate": 2_300, "cpu_ms": 300},
        key(MANY, BACKLOG): {"rate": 1_080, "cpu_ms": 950},
        key(MANY, SYNC): {"rate": 6_200, "cpu_ms": 500},
        key(ONE, GUNICORN): {"rate": 1_500},
        key(ONE, DEVELOPMENT): {"rate": 430},
        key(MORE, WAITRESS): {"rate": 1_400},
        key(MORE, GUNICORN): {"rate": 6_800},
        key(MORE, WORKERS): {"rate": 6_850},
    }


def two(fast: object = None, slow: object = None) -> dict[str, object]:
    """Those that the claim is about; others were not run."""
    measured = {"rate": 600, "cpu_ms": 950, "max_ms": 7_793, "connect_p99_ms": 1_030, "counters": OVERFLOW}
    return {
        key(MANY, GUNICORN): fast or {"rate": 6_900, "cpu_ms": 190},
        key(MANY, DEVELOPMENT): slow or measured,
    }


def test_a_smaller_factor_refutes_the_claim_with_what_the_recording_shows() -> None:
    """The ratio with its interval; overflowing backlog, CPU a request, and the controls explain it."""
    found = claim(claims(ApacheBench(), values()), CLAIM)
    assert (found.ruling, found.quoted) == (Ruling.FAILS, True)
    assert "11.5 × [" in found.because
    assert found.because.endswith("not 48.1 ×")
    told = "\n".join(found.explained)
    assert "ListenOverflows 1,800 a trial, ListenDrops 1,800" in told
    assert "1 in 100 took 1.0 s or longer, and the slowest answer 7.8 s" in told
    assert "0.95 ms with Flask-RESTful, 0.19 ms with FastAPI, 5 × [" in told
    assert "backlog of 4,096: 1,080 req/s [" in told
    assert "Flask-RESTful with 4 processes too (gunicorn, sync): 6,200 req/s [" in told


def test_the_published_factor_confirms_it() -> None:
    found = claim(claims(ApacheBench(), two(fast={"rate": 28_000}, slow={"rate": 580})), CLAIM)
    assert found.ruling is Ruling.HOLDS
    assert "its listen backlog never overflowed" in found.explained[0]


def test_equal_cells_are_not_called_different() -> None:
    found = claim(claims(ApacheBench(), two(fast={"rate": 600})), CLAIM)
    assert found.ruling is Ruling.NO_DIFFERENCE
    assert "1 × [" in found.because


def bound(rate: float, cpu_ms: float) -> dict[str, object]:
    """Of a cell that the load generator limited."""
    return {"rate": rate, "cpu_ms": cpu_ms, "utilisation": 0.93}


def test_a_generator_at_its_limit_is_named_and_nothing_ranked() -> None:
    """What explains the difference without the generator, CPU a request, is still said."""
    comparison = rerun(ApacheBench(), two(fast=bound(18_000, 30)))
    found = claim(comparison.claims, CLAIM)
    assert found.ruling is Ruling.CANNOT_TELL
    assert "the load generator was the limit, not the server: it used 93 % of its core" in found.because
    assert "at least 30 × [" in found.because
    assert "at most 40." in found.because
    assert any(said.startswith("CPU time a request: ") for said in found.explained)
    (contest, *_) = comparison.contests
    assert [one.rank for one in contest.cells if one.label == GUNICORN] == [0]


def test_what_a_limited_cell_can_do_at_least_and_at_most_may_settle_a_claim() -> None:
    """Two cores at 0.05 + 0.13 ms a request serve 10,800 a second, not 48 times 600; 30,000 are that many."""
    refuted = claim(claims(ApacheBench(), two(fast=bound(6_900, 50))), CLAIM)
    assert refuted.ruling is Ruling.FAILS
    assert "at most 18" in refuted.because
    assert claim(claims(ApacheBench(), two(fast=bound(30_000, 30))), CLAIM).ruling is Ruling.HOLDS


def test_a_cell_that_was_not_measured_leaves_its_claims_open() -> None:
    found = claim(claims(ApacheBench(), two(slow="the server died")), CLAIM)
    assert found.ruling is Ruling.CANNOT_TELL
    assert found.because == "Flask-RESTful, development server gave no figures: the server died"


def test_figures_stand_beside_those_published() -> None:
    """At each concurrency its own contest, in the order of the preset."""
    comparison = rerun(ApacheBench(), values())
    assert [one.title for one in comparison.contests] == [MANY, ONE, MORE]
    assert len(comparison.published) == 9
    first, *_, last = comparison.published
    assert (first.cell, first.published, first.figure) == (GUNICORN, 8_665, "req/s")
    assert first.measured is not None
    assert first.measured.low <= first.measured.value <= first.measured.high
    assert first.generator_share is not None
    assert (last.contest, last.cell) == (MORE, WORKERS)
    assert next(one for one in comparison.published if one.cell == RELOAD).measured is not None
    assert [one.measured for one in comparison.published if one.contest == ONE and one.cell == RELOAD] == [
        None
    ]


def test_fewer_requests_come_from_as_many_users() -> None:
    """Concurrency is what the comparison is about: it is not scaled."""
    (one, *_) = ApacheBench().cells(0.01)
    assert (one.load.users, one.load.total, one.load.keep_alive, one.load.http) == (500, 500, False, "1.0")
