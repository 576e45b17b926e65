"""Recordings of comparisons made by hand: what the trials of some cells would have left behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from diag.recording import (
    Cell,
    Counter,
    LoadSummary,
    Machine,
    Meta,
    Percentile,
    ProcessSample,
    Recording,
    Run,
    RunStatus,
    StreamTotals,
)

MS = 1_000_000
S = 1_000_000_000
META = Meta(
    schema_version=2,
    diag_version="0.1.0",
    argv=("diag", "compare", "work.py"),
    target="work.py",
    target_kind="comparison",
    roots=("/srv",),
    created_utc="2026-11-20T08:00:00Z",
    seed=3,
    threshold_ns=10 * MS,
    machine=Machine(
        python="3.11.7", implementation="CPython", platform="Linux", cores=2, memory_bytes=8 << 30
    ),
    finished=True,
)


def cell(strategy: str = "native", **changes: object) -> Cell:
    """A cell of one workload."""
    values = {
        "label": f"fastapi uvicorn (asyncio) {strategy}",
        "target": "work.py",
        "framework": "fastapi",
        "server": "uvicorn",
        "loop": "asyncio",
        "strategy": strategy,
        "workload": "work",
        "load": "closed, 4 users",
    }
    return Cell(**(values | changes))  # type: ignore[arg-type]


def totals(stream: str, answered: int, p99_ms: float, **changes: object) -> StreamTotals:
    """A stream of one second."""
    values = {
        "stream": stream,
        "generator": "diag",
        "wall_ns": S,
        "answered": answered,
        "min_ns": MS,
        "mean_ns": 2 * MS,
        "sd_ns": MS,
        "max_ns": round(2 * p99_ms * MS),
        "within_sd": answered * 7 // 10,
        "percentiles": (
            Percentile(percent=50.0, ns=2 * MS),
            Percentile(percent=99.0, ns=round(p99_ms * MS)),
            Percentile(percent=100.0, ns=round(2 * p99_ms * MS)),
        ),
    }
    return StreamTotals(**(values | changes))  # type: ignore[arg-type]


def trial(
    of: Cell,
    number: int,
    answered: int,
    *,
    p99_ms: float = 5,
    victims_ms: float = 3,
    utilisation: float = 0.1,
    counters: dict[str, int] | None = None,
    own: dict[str, object] | None = None,
) -> Run:
    """One trial, a second long, of a process that computes for 40 % of it."""
    start = number * 10 * S
    return Run(
        run_id=0,
        cell=of,
        trial=number,
        status=RunStatus.DONE,
        started_ns=start,
        ended_ns=start + 3 * S,
        load_started_ns=start + S,
        load_ended_ns=start + 2 * S,
        samples=(
            ProcessSample(at_ns=start + S, cpu_ns=0, rss_bytes=50_000_000, processes=1),
            ProcessSample(at_ns=start + 2 * S, cpu_ns=400 * MS, rss_bytes=60_000_000, processes=1),
        ),
        load=LoadSummary(
            wall_ns=S,
            cpu_ns=round(utilisation * S),
            lag_p99_ns=0,
            reconnects=0,
            generator_bound=utilisation > 0.8,
        ),
        streams=(
            totals("warm-up", 20, 5),
            totals("work", answered, p99_ms, **(own or {})),
            totals("ping", 50, victims_ms),
        ),
        counters=tuple(Counter(name=name, amount=amount) for name, amount in (counters or {}).items()),
    )


def recording(runs: Iterable[Run], **changes: object) -> Recording:
    """A recording of some runs."""
    numbered = tuple(replace(run, run_id=number) for number, run in enumerate(runs, start=1))
    return Recording(meta=replace(META, **changes), runs=numbered)  # type: ignore[arg-type]
