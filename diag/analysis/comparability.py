"""Whether two recordings can be compared at all, and how far the comparison can be trusted."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from dataclasses import dataclass

from diag.finding import DataQuality, Status, Verdict
from diag.recording import LimitedResource, Recording, Run
from diag.units import duration, percent, size

MEMORY_TOLERANCE = 0.05
"""Machines that are the same but for firmware and kernel show up to some percent less or more memory."""

MOST_NAMED = 5
NOTABLE_FACTOR = 1.1
"""From here on it is said that the machine was busier in one run than in the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A recording with its verdict.

    Attributes:
        recording: what was seen.
        verdict: what was concluded, by the rules of today.
    """

    recording: Recording
    verdict: Verdict


def obstacles(before: Judged, after: Judged) -> tuple[str, ...]:
    """Why two recordings cannot be compared, full sentences; () if they can."""
    return tuple(_obstacles(before, after))


def _obstacles(first: Judged, second: Judged) -> Iterator[str]:
    for name, one in (("before", first), ("after", second)):
        if one.recording.meta.target_kind == "comparison":
            yield f"The recording {name} holds a comparison of many cells, not one run of a target."
        elif one.verdict.status is Status.UNMEASURED:
            yield f"The recording {name} could not be judged: {one.verdict.reason}."
    yield from _circumstances(first.recording, second.recording)


def _circumstances(before: Recording, after: Recording) -> Iterator[str]:
    if before.meta.target_kind != after.meta.target_kind:
        kinds = f"{_kind(before)} before and {_kind(after)} after"
        yield f"They are of different things: {kinds}."
    if not (before.runs and after.runs):
        return
    yield from _machines(before, after)
    first, second = before.runs[0], after.runs[0]
    if first.cell.load != second.cell.load:
        yield _differ("The load differs", first.cell.load, second.cell.load)
    if _limits(first) != _limits(second):
        yield _differ("The limits in force differ", _limits(first), _limits(second))
    driven = [{request.route for request in run.requests} for run in (first, second)]
    if all(driven) and not driven[0] & driven[1]:
        yield "No route was driven in both."


def _machines(before: Recording, after: Recording) -> Iterator[str]:
    first, second = before.meta.machine, after.meta.machine
    pythons = [f"{one.implementation} {one.python}" for one in (first, second)]
    if pythons[0] != pythons[1]:
        yield _differ("They ran on different Pythons", *pythons)
    if first.platform != second.platform:
        yield _differ("They were made on different machines", first.platform, second.platform)
    if first.cores != second.cores:
        yield _differ("The machines had different cores", str(first.cores), str(second.cores))
    largest = max(first.memory_bytes, second.memory_bytes)
    if abs(first.memory_bytes - second.memory_bytes) > MEMORY_TOLERANCE * largest:
        sizes = size(first.memory_bytes), size(second.memory_bytes)
        yield _differ("The machines had different memory", *sizes)


def machine_factor(fast: DataQuality, slow: DataQuality) -> float:
    """By what factor the machine alone may have made a run faster than another, 1 or more.

    A loop that waits for a CPU for a share r of its busy time takes 1 / (1 - r) times as long for everything.

    Args:
        fast: of the run that was faster.
        slow: of the run that was slower.
    """
    speeds = [1 - min(0.99, one.run_queue_share or 0.0) for one in (fast, slow)]
    return max(1.0, speeds[0] / speeds[1])


def remarks(before: Judged, after: Judged, *, windows: int, least_ratio: float) -> tuple[str, ...]:
    """How far the comparison of two comparable recordings can be trusted, full sentences."""
    weak = (
        "There is one run each, which is weak evidence: intervals hold what varied within a run, not what "
        f"varies from run to run, and nothing below a factor of {least_ratio:g} is claimed. Record both "
        "again, or measure both with diag compare."
    )
    busy = _busy(before.verdict.quality, after.verdict.quality, least_ratio)
    return (weak, *busy, *_remarks(before.recording, after.recording, windows))


def _busy(before: DataQuality, after: DataQuality, least_ratio: float) -> Iterator[str]:
    better, worse = machine_factor(after, before), machine_factor(before, after)
    if max(better, worse) >= NOTABLE_FACTOR:
        shares = [percent(one.run_queue_share or 0.0) for one in (before, after)]
        word, factor = ("better", better) if better > worse else ("worse", worse)
        yield (
            f"The machine was busy with something else: the loops waited for a CPU for {shares[0]} of their "
            f"busy time before, and {shares[1]} after. That alone makes latencies {word}, so that only what "
            f"is {word} by a factor of {least_ratio * factor:.1f} is claimed."
        )


def _remarks(before: Recording, after: Recording, windows: int) -> Iterator[str]:
    if 0 < windows < 10:
        yield (
            f"The runs were short for how far their delays reach ({windows} independent windows of time). "
            "Record for longer, with --duration, for narrower intervals."
        )
    first, second = before.runs[0], after.runs[0]
    if os.path.basename(before.meta.target) != os.path.basename(after.meta.target):
        yield _differ("The targets have different names", before.meta.target, after.meta.target)
    yield from _other_routes(first, second)
    setup = [
        (name, str(getattr(first.cell, name)), str(getattr(second.cell, name)))
        for name in ("framework", "server", "loop", "strategy", "workers", "threads")
    ]
    changed = [
        f"{name} {old or 'none'} before, {new or 'none'} after" for name, old, new in setup if old != new
    ]
    if changed:
        yield f"Not only the code differs, and the difference may be due to it: {'; '.join(changed)}."
    if before.meta.threshold_ns != after.meta.threshold_ns:
        largest = duration(max(before.meta.threshold_ns, after.meta.threshold_ns))
        yield f"They were made with different thresholds; both are judged by the larger, {largest}."
    if before.meta.diag_version != after.meta.diag_version:
        yield _differ("Different diags made them", before.meta.diag_version, after.meta.diag_version)
    for name, one in (("before", before), ("after", after)):
        if not one.meta.finished:
            yield f"The run {name} was broken off."


def _other_routes(before: Run, after: Run) -> Iterator[str]:
    driven = [{request.route for request in run.requests} for run in (before, after)]
    for name, only in (("before", driven[0] - driven[1]), ("after", driven[1] - driven[0])):
        if only:
            named = ", ".join(sorted(only)[:MOST_NAMED])
            yield f"Driven {name} only, and not compared: {named}{_more(only)}."


def _more(names: set[str]) -> str:
    rest = len(names) - MOST_NAMED
    return f" and {rest} more" if rest > 0 else ""


def _differ(what: str, before: str, after: str) -> str:
    return f"{what}: {before or 'none'} before, {after or 'none'} after."


def _kind(recording: Recording) -> str:
    return {"app": "an app", "workload": "a workload", "script": "a script"}.get(
        recording.meta.target_kind, f"a {recording.meta.target_kind}"
    )


def _limits(run: Run) -> str:
    return ", ".join(
        size(limit.amount) if limit.resource is LimitedResource.MEMORY else f"{limit.amount / 1000:g} CPUs"
        for limit in run.limits
    )
