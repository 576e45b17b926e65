"""Sentences that explain a difference, each said only where the recording shows it."""

from __future__ import annotations

from collections.abc import Iterator

from diag import units
from diag.analysis.comparison import Measured
from diag.analysis.trials import HELD_SHARE, NOTABLE_SHARE
from diag.presets.evidence import Evidence, Value, rates, throughput, times
from diag.recording import LimitedResource

MORE = 1.1
"""Of something that is this many times as much, a sentence is worth its place."""

FAULTS_SEEN = 1_000
"""Page faults a request: 4 MB of fresh memory."""


def counted(name: str) -> Value:
    """A counter of the kernel."""
    return lambda trial: float(trial.counters.get(name, 0))


def of_connecting(evidence: Evidence, key: str, name: str) -> Iterator[str]:
    """Whether connections were lost on the way to a server, and what that did to its clients."""
    if not evidence.trials(key):
        return
    overflows = round(evidence.typical(key, counted("listen_overflows")))
    drops = round(evidence.typical(key, counted("listen_drops")))
    again = round(evidence.typical(key, counted("syn_retransmits")))
    slowest = units.duration(round(evidence.typical(key, lambda trial: trial.totals.max_ns)))
    half = units.duration(round(evidence.typical(key, lambda trial: trial.connect_p50)))
    few = units.duration(round(evidence.typical(key, lambda trial: trial.connect_p99)))
    if overflows or drops:
        yield (
            f"{name}: its listen backlog overflowed (ListenOverflows {overflows:,} a trial, ListenDrops "
            f"{drops:,}, connection attempts sent again {again:,}); half of the connections took {half}, 1 "
            f"in 100 took {few} or longer, and the slowest answer {slowest}: clients retry after 1, 3, 7 … s"
        )
    else:
        yield (
            f"{name}: its listen backlog never overflowed (ListenOverflows 0, ListenDrops 0); "
            f"1 in 100 connections took {few} or longer, and the slowest answer {slowest}"
        )


def of_cpu(evidence: Evidence, first: str, second: str, names: tuple[str, str]) -> Iterator[str]:
    """How much CPU time a request costs in the first cell, compared with the second."""
    if evidence.missing(first, second, ranked=False) or not all(
        evidence.typical(key, lambda trial: trial.cpu) for key in (first, second)
    ):
        return
    ratio = evidence.ratio(first, second, lambda trial: trial.cpu)
    here, there = (
        units.duration(round(evidence.typical(key, lambda trial: trial.cpu))) for key in (first, second)
    )
    yield (
        f"CPU time a request: {here} with {names[0]}, {there} with {names[1]}, {times(ratio)}: "
        "all that frameworks and servers compute is in it"
    )


def of_cores(evidence: Evidence, *keys: str) -> Iterator[str]:
    """How many processes each cell had, and how many cores it used."""
    parts = []
    for key in keys:
        trials = evidence.trials(key)
        if trials:
            number = units.plural(
                round(evidence.typical(key, lambda trial: trial.processes)), "process", "processes"
            )
            used = evidence.typical(key, lambda trial: trial.cores)
            parts.append(f"{name_of(evidence.cells[key])} used {used:.2f} cores with {number} in all")
    if len(parts) > 1:
        yield f"{'; '.join(parts)}; the machine has {units.cores(evidence.cores)}"


def of_control(evidence: Evidence, key: str, against: str, what: str) -> Iterator[str]:
    """What a control cell shows: its throughput, and how the claim's first cell compares with it."""
    if not evidence.trials(key):
        return
    shown = rates(evidence.estimate(key, throughput))
    missing = evidence.missing(key, against)
    if missing:
        bound = any(one in evidence.cells and evidence.cells[one].bound for one in (key, against))
        yield f"{what}: {shown}; no ratio, because {'the load generator was the limit' if bound else missing}"
        return
    ratio = evidence.ratio(against, key, throughput)
    seen = "" if ratio.low > 1 or ratio.high < 1 else ", no difference seen"
    yield f"{what}: {shown}, so that the ratio is {times(ratio)}{seen}"


def of_holding(evidence: Evidence, key: str, name: str) -> Iterator[str]:
    """Whether the lanes were held, and where."""
    trials = evidence.trials(key)
    share = evidence.typical(key, lambda trial: trial.blocked)
    if trials and share >= HELD_SHARE:
        held = next((trial.held for trial in trials if trial.held), "")
        lane = "event loop was" if evidence.cells[key].cell.loop else "workers were"
        yield f"{name}: its {lane} held {units.percent(share)} of the time{held and ' ' + held}"


def of_memory(evidence: Evidence, *keys: str, lead: str = "") -> Iterator[str]:
    """Resident memory and page faults a request of each cell, with `lead` in front."""
    parts = []
    for key in keys:
        if evidence.trials(key):
            size = units.size(round(evidence.typical(key, lambda trial: trial.memory)))
            faults = round(evidence.typical(key, lambda trial: trial.faults))
            said = f", {faults:,} page faults a request" if faults >= FAULTS_SEEN else ""
            parts.append(f"{name_of(evidence.cells[key])} {size} resident{said}")
    if parts:
        yield lead + "; ".join(parts)


def of_limits(evidence: Evidence, key: str) -> Iterator[str]:
    """What a cell's limit of memory came to: its peak, and processes that were killed."""
    one = evidence.cells.get(key)
    for limit in one.limits if one else ():
        if one and limit.resource is LimitedResource.MEMORY:
            peak = f"peak {units.memory(limit.peak_bytes)} of {units.memory(limit.amount)}"
            killed = units.plural(limit.killed, "process", "processes") if limit.killed else "no process"
            trials = units.plural(len(one.trials) + len(one.failures), "trial")
            yield f"{one.label}: memory as its limit counts it: {peak}, {killed} killed in {trials}"


def of_starving(evidence: Evidence, *keys: str) -> Iterator[str]:
    """Cells whose threads had to wait for a core."""
    for key in keys:
        share = evidence.typical(key, lambda trial: trial.run_queue)
        if share >= NOTABLE_SHARE:
            yield f"{name_of(evidence.cells[key])}: its threads waited for a core {share:.2f} s a second"


def of_collecting(evidence: Evidence, *keys: str) -> Iterator[str]:
    """Cells that spent a notable part of their time on garbage collection."""
    for key in keys:
        share = evidence.typical(key, lambda trial: trial.collecting)
        if share >= NOTABLE_SHARE:
            said = f"garbage collection took {units.percent(share)} of the time"
            yield f"{name_of(evidence.cells[key])}: {said}"


def name_of(one: Measured) -> str:
    """A cell's name in a sentence."""
    return one.label
