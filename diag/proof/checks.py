"""What else a trial shows: where the bottleneck went, the pool's own queue, the GIL, pickling, memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from diag.analysis.causes import amounts
from diag.analysis.cells import blocked_time
from diag.analysis.statistics import median, percentile
from diag.finding import Finding, Severity
from diag.proof.trials import Trials, is_innocent, loaded
from diag.recording import LaneKind, Run
from diag.remedy import Move, Remedy
from diag.units import count, duration, percent, plural, size

MOVED_SHARE = 0.05
"""A lane that is held for this share of its time by something new is the bottleneck's new place."""

GIL_SHARE = 0.05
"""A loop that waits for the GIL for this share of its time waits for a thread that computes."""

RESIDUE_FACTOR = 2
RESIDUE_NS = 5_000_000
"""Beyond what innocent requests take alone: one switch interval of the GIL, and noise."""

QUEUE_SHARE = 0.1
"""A pool that is full for less of the time makes few wait."""


def moved_to(original: Trials, tried: Trials, remedy: Remedy) -> str:
    """What the lanes are held by now that did not hold them before, "" if nothing."""
    known = _keys(original)
    seen: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for case, findings in zip(tried.cases, tried.findings, strict=True):
        start, end = case.timeline.window
        for one in findings:
            if one.severity is not Severity.ERROR or not one.location or _key(one) in known:
                continue
            words = f"{one.location.path}:{one.location.line} ({one.location.text.strip()})"
            if one.total_ns >= MOVED_SHARE * max(1, end - start):
                seen[words] += 1
                held[words] += one.total_ns
    often = [words for words, times in seen.items() if 2 * times > len(tried.runs)]
    if often:
        return f"{max(often, key=lambda words: held[words])} holds the loop now"
    return _to_the_gil(original, tried, remedy)


def _to_the_gil(original: Trials, tried: Trials, remedy: Remedy) -> str:
    """Whether innocent requests wait for a thread that computes, now that it is not the loop's own."""
    if remedy.move is not Move.THREAD:
        return ""
    share = _gil_share(tried)
    if share >= GIL_SHARE and share >= 2 * _gil_share(original):
        return f"the loop waits for the GIL {percent(share)} of the time, for a thread that computes"
    alone = percentile(tried.about.alone_ns, 0.99)
    left = median([tried.p99(run) for run in tried.runs])
    if not remedy.expected and alone and left > RESIDUE_FACTOR * alone + RESIDUE_NS:
        words = f"innocent requests wait {duration(round(left))}, and {duration(round(alone))} without it"
        return f"the thread holds the GIL in the loop's stead; {words}"
    return ""


def held(trials: Trials, original: Trials) -> float:
    """For what share of their time the lanes are held by what held them in the original as well."""
    known = _keys(original)
    held_ns = window = 0
    for case, findings in zip(trials.cases, trials.findings, strict=True):
        window += max(1, blocked_time(case)[1])
        held_ns += sum(
            one.total_ns for one in findings if one.severity is Severity.ERROR and _key(one) in known
        )
    return held_ns / window if window else 0.0


def _keys(trials: Trials) -> set[tuple[str, str, str]]:
    return {key for findings in trials.findings for one in findings if (key := _key(one))}


def _key(one: Finding) -> tuple[str, str, str] | None:
    """What stays the same when other lines of the file change."""
    if one.location is None:
        return None
    return one.location.absolute, one.location.function, one.location.text.strip()


def _gil_share(trials: Trials) -> float:
    """How much of their time the loops waited for the GIL, as far as it shows: in steps from 1 ms on."""
    waited = window = 0
    for case in trials.cases:
        start, end = case.timeline.window
        lanes = {lane.lane_id for lane in case.run.lanes if lane.kind is not LaneKind.WORKER_THREAD}
        window += (end - start) * max(1, len(lanes))
        waited += sum(
            amounts(one).gil_wait_ns
            for one in case.timeline.held
            if one.lane.lane_id in lanes and not one.canary and not one.starting
        )
    return waited / window if window else 0.0


def checks(original: Trials, tried: Trials, remedy: Remedy) -> Iterator[str]:
    """What else was measured, in sentences."""
    if remedy.move in (Move.THREAD, Move.PROCESS) and remedy.pool:
        most, share = _crowd(tried, remedy.pool)
        kind = "threads" if remedy.move is Move.THREAD else "processes"
        if share >= QUEUE_SHARE:
            yield f"Its {remedy.pool} {kind} were all taken {percent(share)} of the time, by up to {most}."
        else:
            yield f"Up to {most} of these requests at once, for {remedy.pool} {kind}."
    if remedy.move is Move.THREAD:
        yield f"The loop waited for the GIL {percent(_gil_share(tried))} of the time."
    sent = [one for run in tried.runs for one in run.pickling]
    messages = sum(one.messages for one in sent)
    if messages:
        each = sum(one.ns for one in sent) // messages
        octets = sum(one.octets for one in sent) // messages
        yield f"Pickling: {duration(each)} and {size(octets)} a message, {count(messages)} messages."
    before, after = _memory(original.runs), _memory(tried.runs)
    if before and after:
        processes = max((s.processes for run in tried.runs for s in run.samples), default=1)
        many = plural(processes, "process", "processes")
        yield f"Memory: {size(after)} in {many}, {size(before)} as written."


def _crowd(trials: Trials, pool: int) -> tuple[int, float]:
    """Most requests of the culprit's routes at once, and how long they were more than a pool takes."""
    most, over, window = 0, 0, 0
    for run in trials.runs:
        changes = []
        for one in loaded(run):
            if not is_innocent(one, trials.about):
                changes += [(one.sent_ns or one.intended_ns, 1), (one.done_ns, -1)]
        inside = last = 0
        for at, change in sorted(changes):
            over += (at - last) if inside > pool else 0
            inside, last = inside + change, at
            most = max(most, inside)
        window += max(1, run.load_ended_ns - run.load_started_ns)
    return most, over / window if window else 0.0


def _memory(runs: Sequence[Run]) -> int:
    return round(median([max((s.rss_bytes for s in run.samples), default=0) for run in runs]))
