"""From a diagnosis and its remedies to the runs that try them. Nothing here measures anything.

All runs against one culprit get the same arrivals: those that were recorded when it was found, with the
routes of other culprits left out, so that what is seen is this one's doing.
"""

from __future__ import annotations

import ast
import dataclasses
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from diag.finding import Finding, Severity, Verdict
from diag.plan import Schedule, ServePlan, StreamPlan
from diag.recording import Attempt, Run
from diag.remedy import Move, Remedy

TRIAL_NS = 1_500_000_000
"""Of the load of a trial: the arrivals of the first so many seconds."""

LEAST_TRIALS = 3
MOST_TRIALS = 5
MORE_TRIALS = 3
"""Of each, where noise hides what a remedy does."""

BUDGET_NS = 34_000_000_000
"""For the trials against one culprit; with more remedies there are fewer trials, but not below the least."""

OVERHEAD_NS = 1_300_000_000
"""What a trial takes beside its load: a server's start, its survey, its end."""

MOST_CULPRITS = 3
MOST_REMEDIES = 3
"""Against one culprit, unless they are asked for by name."""

RULES = ("blocked-loop", "convoy", "held-worker")
"""Whose findings have remedies."""

FLOOR = "innocent requests alone"
"""In place of a remedy's id: the arrivals without those of the culprit, as the original serves them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """A finding that is to be remedied.

    Attributes:
        number: from 1.
        finding: what was found.
        routes: those that its blocks worked for.
        left_out: routes of other culprits, which its trials are without.
    """

    number: int
    finding: Finding
    routes: frozenset[str]
    left_out: frozenset[str]


def culprits(verdict: Verdict) -> tuple[Culprit, ...]:
    """The findings that need a remedy, most costly first."""
    found = [
        one
        for one in verdict.findings
        if one.severity is Severity.ERROR and one.rule in RULES and one.location is not None
    ]
    routes = [frozenset(block.route for block in one.blocks if block.route) for one in found]
    every: frozenset[str] = frozenset().union(*routes)
    return tuple(
        Culprit(number=number, finding=one, routes=own, left_out=every - own)
        for number, (one, own) in enumerate(zip(found, routes, strict=True), start=1)
    )


def choose(remedies: Sequence[Remedy], names: Sequence[str]) -> tuple[tuple[Remedy, ...], tuple[str, ...]]:
    """Those to try, and the names of the others.

    Unless names are given: the most promising ones, and one that the cause says will not help, to show that.

    Args:
        remedies: as proposed, most promising first.
        names: that were asked for, () for diag's own choice.
    """
    if names:
        chosen = [one for one in remedies if one.name in names]
    else:
        doubtful = [one for one in remedies if not one.expected][:1]
        hopeful = [one for one in remedies if one.expected][: MOST_REMEDIES - len(doubtful)]
        chosen = [*hopeful, *doubtful]
    others = dict.fromkeys(one.name for one in remedies if one not in chosen)
    return tuple(chosen), tuple(others)


def trials(remedies: int) -> int:
    """How many trials of each there is time for."""
    each = (remedies + 1) * (TRIAL_NS + OVERHEAD_NS)
    return max(LEAST_TRIALS, min(MOST_TRIALS, BUDGET_NS // each))


def original(plan: ServePlan, run: Run, culprit: Culprit) -> ServePlan:
    """The plan of a run again, with the arrivals that it recorded.

    Args:
        plan: that the run was made by.
        run: that found the culprit.
        culprit: what the trials are about.
    """
    asked = {one.route for one in run.requests if one.intended_ns >= run.load_started_ns}
    unasked = {request.route for stream in plan.streams for request in stream.requests} - asked
    streams = [_again(stream, run).without(culprit.left_out | unasked) for stream in plan.streams]
    return dataclasses.replace(
        plan,
        streams=tuple(one for one in streams if one.schedule is not None and one.schedule.order),
        duration_ns=min(TRIAL_NS, run.load_ended_ns - run.load_started_ns),
        required=frozenset(request.route for stream in streams for request in stream.requests),
        unmeasured=(),
        overlay={},
        attempt=Attempt(culprit=culprit.number),
    )


def _again(stream: StreamPlan, run: Run) -> StreamPlan:
    """A stream with its arrivals as they were recorded, as far as they are within a trial."""
    numbers: dict[str, int] = {}
    for number, request in enumerate(stream.requests):
        numbers.setdefault(request.route, number)
    offsets = [
        (one.intended_ns - run.load_started_ns, numbers[one.route])
        for one in run.requests
        if one.stream == stream.name and one.route in numbers
    ]
    pairs = sorted((max(0, at), number) for at, number in offsets if at < TRIAL_NS)
    schedule = Schedule(offsets_ns=tuple(at for at, _ in pairs), order=tuple(number for _, number in pairs))
    return dataclasses.replace(stream, users=0, rate=0.0, schedule=schedule)


def innocent_alone(plan: ServePlan, culprit: Culprit) -> ServePlan | None:
    """The innocent requests of an original plan alone; None where there are none, or no others."""
    if not culprit.routes:
        return None
    streams = [stream.without(culprit.routes) for stream in plan.streams]
    kept = tuple(one for one in streams if one.schedule is not None and one.schedule.order)
    attempt = Attempt(culprit=culprit.number, remedy=FLOOR)
    return dataclasses.replace(plan, streams=kept, attempt=attempt) if kept else None


def remedied(plan: ServePlan, remedy: Remedy) -> ServePlan:
    """An original plan with a remedy: other texts in place of files, or another way to serve."""
    texts = {edit.path: edit.after for edit in remedy.edits}
    changed = dataclasses.replace(
        plan, overlay=texts, attempt=dataclasses.replace(plan.attempt or Attempt(culprit=0), remedy=remedy.id)
    )
    if remedy.move is Move.PROCESS:  # whose pool starts its processes one by one, as calls come
        changed = dataclasses.replace(changed, shape=dataclasses.replace(plan.shape, burst=2 * remedy.pool))
    if plan.app.kind == "workload":
        awaited = _coroutines(texts.values())
        units = tuple(
            dataclasses.replace(unit, strategy="native") if unit.function in awaited else unit
            for unit in plan.app.units
        )
        changed = dataclasses.replace(changed, app=dataclasses.replace(plan.app, units=units))
    if remedy.server is not None:
        server = remedy.server
        options = dataclasses.replace(
            plan.server, server=server.server, workers=server.workers, threads=server.threads
        )
        cell = dataclasses.replace(
            plan.cell, server=server.server, workers=server.workers, threads=server.threads
        )
        changed = dataclasses.replace(changed, server=options, cell=cell)
    return changed


def _coroutines(texts: Iterable[str]) -> frozenset[str]:
    """Names of the `async def` functions at the top of some files: workloads that diag then awaits."""
    found: set[str] = set()
    for text in texts:
        found.update(node.name for node in ast.parse(text).body if isinstance(node, ast.AsyncFunctionDef))
    return frozenset(found)


def schedule(first: ServePlan, others: Sequence[ServePlan], count: int, seed: int) -> Iterator[ServePlan]:
    """Every plan once a round, each round in a seeded order of its own.

    Args:
        first: the original.
        others: with a remedy each.
        count: rounds.
        seed: of the orders.
    """
    draw = random.Random(seed)  # noqa: S311  # an order, not a secret
    for trial in range(1, count + 1):
        plans = [first, *others]
        draw.shuffle(plans)
        for plan in plans:
            yield dataclasses.replace(plan, trial=trial)
