"""Which of a test's long steps its code is to blame for, and what is to be said of them. Pure functions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from diag.analysis.case import Case, examine
from diag.analysis.causes import amounts
from diag.analysis.doubt import silence
from diag.analysis.timeline import Held
from diag.finding import Cause, Finding, Location
from diag.guarding.meanwhile import Meanwhile
from diag.recording import Recording
from diag.rules import find_all
from diag.units import whole_percent

FIRM = 4
"""From this multiple of the budget on, a pause of the whole machine is not the likelier explanation: the
longest that was seen took 88 ms (see `diag.analysis.doubt`)."""

LEAST_SHARE = 0.03
"""Of a cause; what is less is what going to sleep and waking up take."""

_LINE_RULES = frozenset({"blocked-loop", "gil-contention"})


class Judgement(StrEnum):
    """Whether a long step counts against a test, and why not if it does not."""

    BLOCKED = "blocked"
    STARVED = "starved"
    GARBAGE = "garbage-collection"
    OTHERS_STARVED = "other-threads-starved"
    PAUSED = "machine-paused"
    DEBUGGER = "debugger"
    SHARED = "shared-fixture"
    EARLIER = "began-earlier"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """One step that held a loop for longer than a test's budget; plain values that travel between processes.

    Attributes:
        test: the test's node id.
        when: ``setup``, ``call`` or ``teardown``.
        fixture, scope: the fixture that was being set up or torn down, "" if none was.
        judgement: a value of `Judgement`.
        budget_ns: what the test may hold a loop for.
        wall_ns: how long the step lasted.
        own_ns: of that, what is neither run-queue wait nor garbage collection.
        run_queue_ns, gc_ns: those two.
        causes: the split in words, largest first.
        label: the coroutine or callback.
        path, line, function, text: the culprit, "" and 0 where no stack was taken in time.
        via: callers in the user's code, outermost first, as ``path:line function``.
        why, advice: one sentence each, "" where there is none.
    """

    test: str
    when: str
    fixture: str = ""
    scope: str = ""
    judgement: str = Judgement.BLOCKED.value
    budget_ns: int
    wall_ns: int
    own_ns: int
    run_queue_ns: int = 0
    gc_ns: int = 0
    causes: str = ""
    label: str = ""
    path: str = ""
    line: int = 0
    function: str = ""
    text: str = ""
    via: tuple[str, ...] = ()
    why: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One long step and its judgement, not yet told whose test it was in.

    Attributes:
        start_ns, end_ns: when.
        blocked: all else.
    """

    start_ns: int
    end_ns: int
    blocked: Blocked


def judge_steps(recording: Recording, meanwhile: Mapping[tuple[int, int], Meanwhile]) -> tuple[Seen, ...]:
    """Judge every step of a recording's one run that lasted longer than its threshold, in order.

    Args:
        recording: what was seen during one phase of a test; its threshold is the test's budget.
        meanwhile: what else is known of its steps, by lane and end.
    """
    case = examine(recording, recording.runs[0])
    budget = recording.meta.threshold_ns
    long = [held for held in case.timeline.held if not held.canary and held.wall_ns >= budget]
    if not long:
        return ()
    findings = [finding for finding in find_all(case) if finding.rule in _LINE_RULES]
    return tuple(
        _seen(case, held, findings, meanwhile.get((held.lane.lane_id, held.step.end_ns), Meanwhile()))
        for held in long
    )


def _seen(case: Case, held: Held, findings: Iterable[Finding], meanwhile: Meanwhile) -> Seen:
    budget = case.threshold_ns
    blocked = Blocked(
        test="",
        when="",
        judgement=judgement(held, budget, meanwhile).value,
        budget_ns=budget,
        wall_ns=held.wall_ns,
        own_ns=_own(held),
        run_queue_ns=held.run_queue_ns,
        gc_ns=held.gc_ns,
        label=held.step.label,
    )
    mine = [(share, finding) for finding in findings if (share := _share(finding, held))]
    if mine:
        blocked = _explained(blocked, max(mine, key=lambda one: one[0])[1])
    return Seen(start_ns=held.step.start_ns, end_ns=held.step.end_ns, blocked=blocked)


def judgement(held: Held, budget_ns: int, meanwhile: Meanwhile) -> Judgement:
    """Whether the code blocked, or the machine (or the collector) made it look so.

    A step that waits for another thread (to start, to let the GIL go) does so longer if the machine has no
    CPU for that one: so much of its waiting is the machine's. And what was not on the CPU without ever having
    gone to sleep was taken off it.

    Args:
        held: the step.
        budget_ns: what it may last.
        meanwhile: what else is known of it.
    """
    own = _own(held)
    if own + held.gc_ns < budget_ns:
        return Judgement.STARVED
    if own < budget_ns:
        return Judgement.GARBAGE
    split = amounts(held)
    waited = min(own, split.waiting_ns + split.gil_wait_ns)
    if not meanwhile.slept and own - waited < budget_ns:
        return Judgement.PAUSED
    if own - min(waited, meanwhile.others_ns) < budget_ns:
        return Judgement.OTHERS_STARVED
    # While the thread stood in the run queue, the watcher may have stood there as well.
    if own < FIRM * budget_ns and own - max(0, silence(held) - held.run_queue_ns) < budget_ns:
        return Judgement.PAUSED
    return Judgement.BLOCKED


def _own(held: Held) -> int:
    return max(0, held.own_ns - held.gc_ns)


def _share(finding: Finding, held: Held) -> int:
    """How much of a step a finding is about."""
    return sum(
        block.own_ns
        for block in finding.blocks
        if block.lane_id == held.lane.lane_id
        and block.start_ns < held.step.end_ns
        and block.end_ns > held.step.start_ns
    )


def _explained(blocked: Blocked, finding: Finding) -> Blocked:
    place = finding.location
    return dataclasses.replace(
        blocked,
        causes=_causes(finding),
        path=place.path if place else "",
        line=place.line if place else 0,
        function=place.function if place else "",
        text=place.text if place else "",
        via=tuple(map(_caller, finding.path)),
        why=finding.why,
        advice=finding.advice,
    )


def _causes(finding: Finding) -> str:
    """Its causes in words, without run-queue wait, which does not count, and what is hardly there."""
    own = [share for share in finding.causes if share.cause is not Cause.RUN_QUEUE]
    whole = sum(share.ns for share in own) or 1
    kept = [share for share in own if share.ns >= LEAST_SHARE * whole]
    if len(kept) == 1:
        return kept[0].cause.words
    return ", ".join(f"{share.cause.words} {whole_percent(share.ns / whole)}" for share in kept)


def _caller(place: Location) -> str:
    return f"{place.path}:{place.line} {place.function}"
