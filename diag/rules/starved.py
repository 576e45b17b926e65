"""Steps looked long only because the machine had no CPU for them.

## What it does

Reports steps that lasted longer than the threshold, and would not have without the time in which their thread
was runnable and did not run (the kernel's run-queue wait). They are counted against no line of code.

## Why is this bad

The requests waited all the same. And figures from a machine that is short of CPU say little about another:
from a tenth of the time on this is a warning.

## Example

Four busy processes beside the server on a machine with two cores.

## Use instead

A machine, or a container with a CPU limit, that has room for the load generator and the server; fewer worker
processes than cores.
"""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.case import Case
from diag.analysis.causes import GilKnowledge
from diag.analysis.evidence import finding, gather, whole_blocks
from diag.finding import Confidence, Finding, Severity
from diag.units import duration, plural

SLUG = "starved"
NOTABLE_SHARE = 0.1
_MORE = "a higher limit (--cpus), "


def find(case: Case) -> Iterator[Finding]:
    """One finding for all of them."""
    starved = case.found.starved
    if not starved:
        return
    held = [one for one in case.timeline.held if not one.canary and not one.starting]
    waited, wall = sum(one.run_queue_ns for one in held), sum(one.wall_ns for one in held)
    worst = max(block.held[0].run_queue_ns for block in starved)
    yield finding(
        case,
        rule=SLUG,
        severity=Severity.WARNING if waited >= NOTABLE_SHARE * wall else Severity.INFO,
        confidence=Confidence.HIGH,
        title=plural(len(starved), "step"),
        evidence=gather(case, whole_blocks(starved), GilKnowledge()),
        why=f"{_who(case)} for it: its thread was ready and did not run",
        advice=f"could help: {_MORE if _limited(case) else ''}fewer processes beside it, or more cores",
        sentences=(f"Run-queue wait of the longest: {duration(worst)}.",),
    )


def _limited(case: Case) -> bool:
    """True if a limit on CPU kept the target from running."""
    return any(one.held_back_ns for one in case.run.limits)


def _who(case: Case) -> str:
    """Whose doing it was, as far as that is known."""
    if _limited(case):
        return "its limit on CPU was used up, or the machine had none,"
    return "the machine had no CPU"
