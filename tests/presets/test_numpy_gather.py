"""The claims of `numpy-gather`, on made-up trials, in each outcome."""

from __future__ import annotations

import pytest
from rerun import claim, claims

from diag.comparison import ClaimVerdict, Ruling
from diag.presets.numpy_gather import (
    FASTAPI,
    FASTAPI_ARRAYS,
    FASTAPI_SERIAL,
    FLASK,
    FLASK_GATHERED,
    SIDE,
    NumpyGather,
    key,
)


def cell(seconds: float, *, cores: float = 1.0, faults: int = 450_000) -> dict[str, object]:
    """One request of so many seconds; its thousand answers make its CPU time a thousandth of `cpu_ms`."""
    return {
        "rate": 1 / seconds,
        "mean_ms": 1_000 * seconds,
        "cpu_ms": 1_000 * cores,
        "counters": {"minor_faults": faults * 1_000, "run_queue_ns": 10_000_000},
    }


def judged(*, flask: float = 1.5, fastapi: float = 1.5, **more: float) -> tuple[ClaimVerdict, ...]:
    """Cells that take so many seconds."""
    gathered = cell(fastapi, cores=more.get("cores", 1.0)) | {"rss": 1_400_000_000, "held": 0.99}
    return claims(
        NumpyGather(),
        {
            key(FLASK): cell(flask, cores=more.get("flask_cores", 1.0)),
            key(FASTAPI): gathered,
            key(FLASK_GATHERED): cell(1.5),
            key(FASTAPI_SERIAL): cell(1.5),
            key(FASTAPI_ARRAYS): cell(0.2, faults=500),
        },
        scale=0.1,
    )


def test_what_computes_on_one_core_does_not_run_in_parallel() -> None:
    found = claim(judged(), "in parallel")
    assert found.ruling is Ruling.FAILS
    assert "the five had work for 1.01 [" in found.because
    assert "overlapped 0 % of the time" in found.because
    assert any("its event loop was held 99 % of the time" in said for said in found.explained)


def test_what_computes_on_two_cores_does() -> None:
    assert claim(judged(cores=1.9), "in parallel").ruling is Ruling.HOLDS


@pytest.mark.parametrize(
    ("flask", "ruling"),
    [(1.5, Ruling.NO_DIFFERENCE), (3.4, Ruling.HOLDS), (2.0, Ruling.FAILS), (0.8, Ruling.FAILS)],
)
def test_the_times_are_judged_by_their_ratio(flask: float, ruling: Ruling) -> None:
    found = claim(judged(flask=flask), "71 s against 31.9 s")
    assert found.ruling is ruling
    told = "\n".join(found.explained)
    assert "450,000 page faults a request" in told
    assert "1.4 GB resident" in told
    assert "FastAPI with lists to FastAPI without: 1.5 s to 201 ms, 7." in told.replace("200 ms", "201 ms")


@pytest.mark.parametrize(
    ("flask_cores", "ruling"),
    [(1.0, Ruling.NO_DIFFERENCE), (0.89, Ruling.HOLDS), (0.5, Ruling.FAILS), (2.0, Ruling.FAILS)],
)
def test_slightly_more_cpu_is_neither_much_more_nor_less(flask_cores: float, ruling: Ruling) -> None:
    assert claim(judged(flask_cores=flask_cores), "slightly more CPU").ruling is ruling


def test_a_smaller_array_is_said_to_be_smaller_and_needs_less() -> None:
    preset = NumpyGather()
    assert preset.remark(0.1) == f"published for arrays of ({SIDE}, {SIDE}), measured for (1000, 1000)"
    assert preset.remark(1) == ""
    full, tenth = (max(one.needs_bytes for one in preset.cells(scale)) for scale in (1.0, 0.1))
    assert 15e9 < full < 20e9
    assert full == pytest.approx(100 * tenth)


def test_a_request_that_is_too_short_tells_nothing_of_cores() -> None:
    comparison = judged(flask=0.01, fastapi=0.01)
    for words in ("in parallel", "slightly more CPU"):
        found = claim(comparison, words)
        assert found.ruling is Ruling.CANNOT_TELL
        assert "a request of 10 ms is too short for its CPU time to be read" in found.because
