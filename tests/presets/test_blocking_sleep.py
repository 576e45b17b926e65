"""The claims of `blocking-sleep`, on made-up trials, in each outcome."""

from __future__ import annotations

import pytest
from rerun import claim, claims

from diag.comparison import ClaimVerdict, Ruling
from diag.presets.blocking_sleep import (
    ASYNC_SLEEP,
    AWAITED,
    COMPUTING,
    DEF,
    GEVENT,
    IN_PROCESS,
    IN_THREAD,
    SLEEPING,
    THREADS,
    BlockingSleep,
)


def judged(scale: float = 1.0, **at_once: float) -> tuple[ClaimVerdict, ...]:
    """Cells in which so many sleeps go on at a time."""
    labels = {"held": ASYNC_SLEEP, "awaited": AWAITED, "threads": THREADS, "gevent": GEVENT, "in_def": DEF}
    values: dict[str, object] = {
        f"{SLEEPING}: {label}": {
            "rate": at_once.get(name, 4.0) / (10 * scale),
            "held": 0.99 if label == ASYNC_SLEEP else 0.0,
        }
        for name, label in labels.items()
    }
    values |= {
        f"{COMPUTING}: {IN_THREAD}": {"rate": 10, "victims_ms": at_once.get("thread_ms", 90)},
        f"{COMPUTING}: {IN_PROCESS}": {"rate": at_once.get("answered", 18), "victims_ms": 5},
    }
    return claims(BlockingSleep(), values, scale=scale)


@pytest.mark.parametrize("scale", [1.0, 0.05])
def test_what_everybody_says_holds(scale: float) -> None:
    comparison = judged(scale, held=1.0)
    assert [one.ruling for one in comparison] == [Ruling.HOLDS] * 5
    held = claim(comparison, "serialises")
    assert f"4 requests that sleep {'10.0 s' if scale == 1 else '500 ms'} took" in held.because
    assert held.because.endswith(" at a time")
    assert "its event loop was held 99 % of the time" in held.explained[0]
    assert "def endpoint, which FastAPI runs in its thread pool: 4 [" in held.explained[1]


def test_requests_that_overlap_are_not_serialised_and_the_other_way_round() -> None:
    comparison = judged(held=4.0, awaited=1.0, threads=1.0, gevent=1.0)
    assert [one.ruling for one in comparison][:4] == [Ruling.FAILS] * 4


def test_something_between_cannot_be_told() -> None:
    """Its interval reaches over the limit."""
    assert claim(judged(threads=3.2), "in a thread").ruling is Ruling.CANNOT_TELL


def test_a_process_that_helps_nobody_refutes_the_claim() -> None:
    assert claim(judged(thread_ms=5), "CPU work").ruling is Ruling.NO_DIFFERENCE
    slower = claim(judged(thread_ms=90, answered=4), "CPU work")
    assert slower.ruling is Ruling.FAILS
    assert "requests answered, process to thread: 0.4 × [" in slower.because


def test_a_sleep_that_is_too_short_refutes_nothing() -> None:
    """What a request costs beside it would pass for waiting in turn."""
    found = claim(judged(0.01, awaited=1.5), "lets them overlap")
    assert found.ruling is Ruling.CANNOT_TELL
    assert "as short as this" in found.because
