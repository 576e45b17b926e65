"""The claims of `h2load-container`, on made-up trials, in each outcome, and Amdahl's law behind one of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rerun import claim, claims, rerun

from diag.comparison import ClaimVerdict, Ruling
from diag.presets.h2load_container import FASTAPI, FASTAPI_ONE, FLASK, LIMITED, ROOMY, H2loadContainer, key
from diag.recording import Limit, LimitedResource, Recording

AMDAHL = "20 % of the end-to-end latency"


def judged(fastapi_ms: float | None, roomy_ms: float = 9.0) -> tuple[ClaimVerdict, ...]:
    """FastAPI with this mean latency beside Flask's 12.5 ms; None if it was killed under the limit."""
    fast: object = {"rate": 900, "mean_ms": fastapi_ms, "cpu_ms": 100}
    if fastapi_ms is None:
        fast = "the kernel killed 1 process for memory: limit 100 MiB, peak 100 MiB"
    return claims(
        H2loadContainer(),
        {
            key(LIMITED, FLASK): {"rate": 640, "mean_ms": 12.5, "cpu_ms": 300},
            key(LIMITED, FASTAPI): fast,
            key(LIMITED, FASTAPI_ONE): {"rate": 900, "mean_ms": 9},
            key(ROOMY, FLASK): {"rate": 640, "mean_ms": 12.5, "cpu_ms": 300},
            key(ROOMY, FASTAPI): {"rate": 900, "mean_ms": roomy_ms, "cpu_ms": 100},
        },
        change=limited,
    )


def limited(recording: Recording) -> Recording:
    """With the limits that were in force under 100 MiB."""
    limit = Limit(
        resource=LimitedResource.MEMORY,
        amount=100 << 20,
        mechanism="cgroup v2",
        peak_bytes=97 << 20,
        killed=1,
    )
    return replace(
        recording,
        runs=tuple(
            replace(run, limits=(limit,)) if run.cell.label.startswith(LIMITED) else run
            for run in recording.runs
        ),
    )


def test_three_times_faster_confirms_both_claims() -> None:
    comparison = judged(4.1)
    assert claim(comparison, "3× faster").ruling is Ruling.HOLDS
    found = claim(comparison, AMDAHL)
    assert found.ruling is Ruling.HOLDS
    assert found.because.startswith(f"with {LIMITED}, serving is 3.05 × [")
    assert "which saves 13 % [13 %–" in found.because


def test_a_smaller_factor_refutes_both() -> None:
    comparison = judged(9.0)
    assert claim(comparison, "3× faster").ruling is Ruling.FAILS
    assert claim(comparison, AMDAHL).ruling is Ruling.FAILS


def test_figures_of_a_client_are_put_beside_those_published() -> None:
    comparison = rerun(H2loadContainer(), {key(LIMITED, FASTAPI): {"rate": 900, "mean_ms": 9}}, trials=2)
    figures = {(one.cell, one.figure): one for one in comparison.published}
    assert figures[FLASK, "mean latency"].published == 12.56e6
    assert figures[FLASK, "mean latency"].measured is None
    client = figures[FASTAPI, "req/s a client"].measured
    assert client is not None
    assert client.value == pytest.approx(900 / 40, rel=0.02)


def test_equal_servers_show_no_difference() -> None:
    comparison = judged(12.5)
    assert claim(comparison, "3× faster").ruling is Ruling.NO_DIFFERENCE
    assert claim(comparison, AMDAHL).ruling is Ruling.NO_DIFFERENCE


def test_a_killed_cell_leaves_the_claim_open_and_the_roomy_one_says_what_is_known() -> None:
    """Being killed for memory is a result: it is the reason why the claim cannot be judged."""
    comparison = judged(None)
    found = claim(comparison, "3× faster")
    assert found.ruling is Ruling.CANNOT_TELL
    assert "gave no figures: the kernel killed 1 process for memory" in found.because
    told = "\n".join(found.explained)
    assert "peak 97 MiB of 100 MiB, 5 processes killed in 5 trials" in told
    assert "without the limit of memory: mean latency" in told
    assert "CPU time a request: 0.30 ms with Flask, 0.10 ms with FastAPI, 3 × [" in told
    law = claim(comparison, AMDAHL)
    assert law.ruling is Ruling.FAILS
    assert law.because.startswith(f"with {ROOMY}, serving is 1.39 × [")
    assert "given the published 3 ×, about 15 % is right" in law.explained[0]
