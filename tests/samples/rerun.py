"""Recordings of presets made by hand: what their cells would have left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from compared import MS, S, recording, trial

from diag.analysis.comparison import Name, groups_of
from diag.comparison import ClaimVerdict, Comparison
from diag.presets import Preset, compare_recording, evidence_of, judge_claims, to_meta
from diag.presets.words import PresetCell
from diag.recording import Cell, Lane, LaneKind, ProcessSample, Recording, Run, RunStatus, Step

WOBBLE = (1.0, 1.01, 0.99, 1.005, 0.995)
"""How far the trials of a cell lie apart."""


def cell_of(one: PresetCell) -> Cell:
    """A preset's cell as it is recorded."""
    return Cell(
        label=one.key,
        target=f"{one.file}:{one.function}",
        framework=one.framework,
        server=one.server,
        loop=next(iter(one.loops), ""),
        strategy=one.strategy,
        workload=one.function,
        workers=one.workers,
        threads=one.threads,
        load=f"closed, {one.load.users} users",
    )


def run_of(
    one: PresetCell,
    number: int,
    *,
    rate: float,
    mean_ms: float = 2.0,
    max_ms: float = 10.0,
    cpu_ms: float = 400.0,
    rss: int = 60_000_000,
    utilisation: float = 0.2,
    counters: Mapping[str, int] | None = None,
    victims_ms: float = 3.0,
    held: float = 0.0,
    connect_p99_ms: float = 1.0,
) -> Run:
    """One trial of a cell: `rate` answers a second over a second, or over as long as its requests take.

    Args:
        one: the preset's cell.
        number: of the trial.
        rate: answers a second; a thousand are given, so that the rate need not be whole.
        mean_ms: of the latencies; the median as well.
        max_ms: of the latencies.
        cpu_ms: CPU time of the process tree within the second that it is looked at.
        rss: resident bytes.
        utilisation: of the load generator.
        counters: of the kernel.
        victims_ms: 99th percentile of innocent requests.
        held: part of the second that one step held the lane.
        connect_p99_ms: 99th percentile of the connect time.
    """
    made = trial(
        cell_of(one),
        number,
        1_000,
        victims_ms=victims_ms,
        utilisation=utilisation,
        counters=dict(counters or {}),
        own={
            "wall_ns": round(1_000 / rate * S),
            "mean_ns": round(mean_ms * MS),
            "max_ns": round(max_ms * MS),
            "connect_p50_ns": MS // 10,
            "connect_p99_ns": round(connect_p99_ms * MS),
        },
    )
    start = made.load_started_ns
    work = next(s for s in made.streams if s.stream == "work")
    percentiles = tuple(
        replace(p, ns=round(mean_ms * MS)) if p.percent == 50 else p for p in work.percentiles
    )
    return replace(
        made,
        samples=(
            ProcessSample(at_ns=start, cpu_ns=0, rss_bytes=rss, processes=1),
            ProcessSample(at_ns=start + S, cpu_ns=round(cpu_ms * MS), rss_bytes=rss, processes=1),
        ),
        streams=tuple(
            replace(s, percentiles=percentiles) if s is work else s
            for s in made.streams
            if not (one.load.total and s.stream == "ping")
        ),
        lanes=(Lane(lane_id=1, pid=10, tid=10, kind=LaneKind.ASYNCIO),),
        steps=(
            Step(
                lane_id=1,
                iteration=1,
                start_ns=start,
                end_ns=start + round(held * S),
                cpu_ns=0,
                run_queue_ns=0,
                gap_ns=0,
                request_key=0,
                label="handle",
                task="Task-1",
            ),
        )
        if held
        else (),
    )


def failed(one: PresetCell, number: int, why: str) -> Run:
    """A trial without figures."""
    return replace(run_of(one, number, rate=1), status=RunStatus.FAILED, failure=why, streams=())


def rerun(
    preset: Preset,
    values: Mapping[str, Mapping[str, float] | str],
    *,
    scale: float = 1.0,
    trials: int = 5,
    change: Callable[[Recording], Recording] = lambda one: one,
) -> Comparison:
    """All that is said of a preset whose cells gave these values.

    Args:
        preset: that was run.
        values: by the cell's key, what `run_of` takes, or why it failed; cells that are missing were not run.
        scale: of the preset.
        trials: of each cell.
        change: of the recording before it is judged.
    """
    return compare_recording(change(_recorded(preset, values, scale, trials)))


def claims(
    preset: Preset,
    values: Mapping[str, Mapping[str, float] | str],
    *,
    scale: float = 1.0,
    change: Callable[[Recording], Recording] = lambda one: one,
) -> tuple[ClaimVerdict, ...]:
    """Its claims only, which takes a fraction of the time; arguments as `rerun` has them."""
    made = change(_recorded(preset, values, scale, 5))
    names = {one.key: Name(title=one.contest, label=one.label) for one in preset.cells(scale)}
    return judge_claims(preset, evidence_of(made, groups_of(made, names), scale))


def _recorded(
    preset: Preset, values: Mapping[str, Mapping[str, float] | str], scale: float, trials: int
) -> Recording:
    runs = []
    for one in preset.cells(scale):
        for number in range(1, trials + 1):
            found = values.get(one.key)
            if isinstance(found, str):
                runs.append(failed(one, number, found))
            elif found is not None:
                wobble = WOBBLE[(number + len(one.key)) % len(WOBBLE)]
                scaled = {
                    name: value * wobble if name in _WOBBLING else value for name, value in found.items()
                }
                runs.append(run_of(one, number, **scaled))  # type: ignore[arg-type]
    return recording(runs, preset=to_meta(preset.name, scale))


_WOBBLING = ("rate", "mean_ms", "cpu_ms", "victims_ms")


def claim(every: Sequence[ClaimVerdict], words: str) -> ClaimVerdict:
    """The only claim with these words in it."""
    (found,) = (one for one in every if words in one.claim)
    return found
