"""Which kind of finding each part of a culprit belongs to, so that none is told twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from diag.analysis.blocks import SLIGHTLY_LONGER
from diag.analysis.case import Case
from diag.analysis.culprits import Culprit
from diag.analysis.parts import Part
from diag.finding import Cause

RARE_EXECUTIONS = 20
RARE_SHARE = 0.005
RARE_FACTOR = 2.5
"""A hypervisor takes its CPU away for one or two time slices, which no counter inside the guest shows: a
block on the CPU below 25 ms (at a threshold of 10 ms) that comes once, or in 1 of 200 requests, may be
that."""
FAR_BELOW = 0.5
USUALLY = 0.95
_ON_CPU = (Cause.CPU, Cause.CPU_GIL, Cause.CPU_NO_GIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """A culprit's parts by kind of finding.

    Attributes:
        blocks: it held the loop during the load.
        convoys: many short steps of it did, one after the other.
        gil: it held the loop while it waited for the GIL.
        starting: it held the loop for a request before the load.
    """

    blocks: tuple[Part, ...] = ()
    convoys: tuple[Part, ...] = ()
    gil: tuple[Part, ...] = ()
    starting: tuple[Part, ...] = ()


def phases(case: Case, culprit: Culprit) -> Phases:
    """Sort a culprit's parts.

    What is mainly a convoy stays one when some of its steps reach the threshold on a noisy machine, and what
    mainly blocks stays a block when a few of its shorter steps form a convoy.
    """
    threshold = case.threshold_ns
    starting = tuple(part for part in culprit.parts if part.block.starting)
    running = [part for part in culprit.parts if not part.block.starting]
    convoys = tuple(part for part in running if part.block.convoy)
    single = [part for part in running if not part.block.convoy]
    gil = tuple(part for part in single if part.split.held_ns < threshold <= part.split.own_ns)
    blocks = tuple(part for part in single if part not in gil)
    longest = max((part.split.own_ns for part in blocks), default=0)
    if convoys and _own(convoys) >= _own(blocks) and longest < SLIGHTLY_LONGER * threshold:
        convoys, blocks = _in_order((*convoys, *blocks)), ()
    elif blocks and _own(blocks) > _own(convoys):
        blocks, convoys = _in_order((*blocks, *convoys)), ()
    known = bool(blocks or convoys)
    return Phases(
        blocks=blocks,
        convoys=convoys,
        gil=gil,
        starting=() if known else tuple(p for p in starting if case.script or _for_a_request(p)),
    )


def may_be_the_machine(case: Case, parts: Iterable[Part], main: Cause | None, *, line_seen: bool) -> bool:
    """True if so little speaks for a culprit that the machine may have made it.

    Waiting off the CPU at a line that was seen is real even once.
    """
    some = tuple(parts)
    if case.script or (line_seen and main not in _ON_CPU):
        return False
    if any(part.split.own_ns >= RARE_FACTOR * case.threshold_ns for part in some):
        return False
    executions, others = _executions(case, some)
    few = len(some) <= max(1, RARE_SHARE * executions)
    return executions >= RARE_EXECUTIONS and few and others <= (1 - USUALLY) * executions


def _executions(case: Case, parts: tuple[Part, ...]) -> tuple[int, int]:
    """How often the code of some parts ran, and how many other runs of it come near the threshold."""
    scopes = {part.block.scope for part in parts}
    routes = {part.block.route for part in parts}
    mine = {id(held) for part in parts for held in part.block.held}
    near = FAR_BELOW * case.threshold_ns
    others = sum(
        held.scope in scopes and held.own_ns >= near and id(held) not in mine and not held.starting
        for held in case.timeline.held
        if not held.canary
    )
    if "" in routes:
        lanes = {part.block.lane.lane_id for part in parts}
        return sum(total.steps for total in case.run.totals if total.lane_id in lanes), others
    return sum(map(case.executions, routes)), others


def _for_a_request(part: Part) -> bool:
    return any(held.step.request_key for held in part.block.held)


def _own(parts: Iterable[Part]) -> int:
    return sum(part.split.own_ns for part in parts)


def _in_order(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: part.block.start_ns))
