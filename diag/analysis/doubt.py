"""Whether the machine may have made a block: taken the CPU away unseen, or stood still altogether."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from diag.analysis.case import Case
from diag.analysis.parts import Part
from diag.analysis.timeline import Held
from diag.finding import Cause

RARE_EXECUTIONS = 20
RARE_SHARE = 0.005
RARE_FACTOR = 2.5
"""A hypervisor takes its CPU away for one or two time slices, which no counter inside the guest shows: a
block on the CPU below 25 ms (at a threshold of 10 ms) that comes once, or in 1 of 200 executions, may be
that."""

STARVING_SHARE = 0.25
STARVED_EXECUTIONS = 3
"""Where run-queue wait makes up this share of all long steps, the machine has far more to do than it can, and
hardly anything runs often: then so few executions are enough to compare one of them with."""

FAR_BELOW = 0.5
USUALLY = 0.95

SILENT_NS = 10_000_000
"""The watcher looks at a thread that computes every 1 to 2 ms. A pause of this length means that it did not
run itself: pauses of 88 ms were seen on a virtual machine, in which the target was charged with CPU time."""

_ON_CPU = (Cause.CPU, Cause.CPU_GIL, Cause.CPU_NO_GIL)


def may_be_the_machine(case: Case, parts: Iterable[Part], main: Cause | None, *, line_seen: bool) -> bool:
    """True if so little speaks for a culprit that the machine may have made it.

    It has to be rare among many executions that stay far below the threshold; and either short and on the
    CPU, or of a length that is owed to a time in which the watcher, another process, did not run either.

    Args:
        case: the run.
        parts: the culprit's.
        main: their main cause.
        line_seen: True if a stack shows its line.
    """
    some = tuple(parts)
    short = not case.script and (main in _ON_CPU or not line_seen)
    limit = RARE_FACTOR * case.threshold_ns if short else 0
    return all(part.split.own_ns < limit or _moving(part) < case.threshold_ns for part in some) and _is_rare(
        case, some
    )


def remark(parts: Sequence[Part]) -> str:
    """What is said of a culprit that may be the machine's doing."""
    once = "once" if len(parts) == 1 else f"{len(parts)} times"
    return f"Seen {once} only among many short executions: it may be the machine's doing."


def _moving(part: Part) -> int:
    """How long a block would have been if nothing had moved while the watcher did not."""
    return part.block.own_ns - sum(silence(held) for held in part.block.held)


def silence(held: Held) -> int:
    """How long the watcher, which should have looked, saw nothing of a step.

    It looks seldom at a thread that waits, whose counters stand still: there only the time until its first
    look counts.
    """
    looks = sorted({state.at_ns for state in held.states} | {s.sent_ns for s in (*held.stacks, *held.spied)})
    start, end = held.step.start_ns, held.step.end_ns
    inside = [at for at in looks if start < at < end]
    computes = held.cpu_ns is not None and 2 * held.cpu_ns > held.own_ns
    moments = [start, *inside, end] if computes else [start, *inside[:1]]
    return sum(after - before for before, after in pairwise(moments) if after - before >= SILENT_NS)


def _is_rare(case: Case, parts: tuple[Part, ...]) -> bool:
    """True if its code ran often, and nearly always stayed far below the threshold."""
    scopes = {part.block.scope for part in parts}
    mine = {id(held) for part in parts for held in part.block.held}
    near = FAR_BELOW * case.threshold_ns
    same = [
        held for held in case.timeline.held if held.scope in scopes and not held.canary and not held.starting
    ]
    others = sum(held.own_ns >= near and id(held) not in mine for held in same)
    executions = max(len(same), _runs(case, parts))
    few = len(parts) <= max(1, RARE_SHARE * executions)
    enough = STARVED_EXECUTIONS if _starving(case) else RARE_EXECUTIONS
    return executions >= enough and few and others <= (1 - USUALLY) * executions


def _starving(case: Case) -> bool:
    """True if the machine itself held up much of what took long."""
    held = [one for one in case.timeline.held if not one.canary]
    return sum(one.run_queue_ns for one in held) > STARVING_SHARE * sum(one.wall_ns for one in held)


def _runs(case: Case, parts: tuple[Part, ...]) -> int:
    """How often the code ran, short runs included: requests of its routes, or else steps of its lanes."""
    routes = {part.block.route for part in parts}
    if "" not in routes:
        return sum(map(case.executions, routes))
    lanes = {part.block.lane.lane_id for part in parts}
    return sum(total.steps for total in case.run.totals if total.lane_id in lanes)
