"""How well a run was measured: the line that every report prints."""

from __future__ import annotations

from diag.analysis.canaries import CanaryCheck
from diag.analysis.case import Case
from diag.finding import DataQuality
from diag.recording import SERVER_SETTING, RunStatus
from diag.units import duration, plural


def quality(case: Case, canary: CanaryCheck) -> DataQuality:
    """The data-quality line of a run."""
    run = case.run
    blocks = [b for b in (*case.found.blocks, *case.found.convoys, *case.found.holds) if not b.starting]
    seen = [b for b in blocks if any(held.stacks or held.spied for held in b.held)]
    return DataQuality(
        steps=sum(total.steps for total in run.totals) or len(run.steps),
        dropped=sum(total.dropped for total in run.totals),
        blocks=len(blocks),
        blocks_with_stack=len(seen),
        run_queue_share=_run_queue_share(case),
        canary_expected_ns=canary.expected_ns,
        canary_found_ns=canary.found_ns,
        canary_ok=canary.passed,
        degradations=(
            *(one.text for one in run.degradations if one.slug != SERVER_SETTING),
            *(one.cannot for one in run.limits if one.cannot),
            *_own_remarks(case),
        ),
        limits=run.limits,
        settings=tuple(one.text for one in run.degradations if one.slug == SERVER_SETTING),
    )


def _run_queue_share(case: Case) -> float | None:
    """Over recorded steps, whose run-queue wait is known; None if it was readable for none."""
    known = [held for held in case.timeline.held if held.step.run_queue_ns is not None and not held.canary]
    wall = sum(held.wall_ns for held in known)
    if wall:
        return sum(held.run_queue_ns for held in known) / wall
    return 0.0 if any(held.step.run_queue_ns is not None for held in case.timeline.held) else None


def _own_remarks(case: Case) -> tuple[str, ...]:
    run = case.run
    remarks = []
    if run.status is RunStatus.INTERRUPTED:
        remarks.append("The run was interrupted: what had been seen by then is judged.")
    elif run.status is RunStatus.RUNNING or (not case.meta.finished and not run.ended_ns):
        remarks.append(
            "The recording was not finished (its writer was killed): it is judged as far as it goes."
        )
    held_back = sum(one.held_back_ns for one in run.limits)
    if held_back:
        remarks.append(
            f"The limit on CPU kept the target's threads from running for {duration(held_back)} in all, its "
            "start included: that is part of their run-queue wait."
        )
    dropped = sum(total.dropped for total in run.totals)
    if dropped:
        remarks.append(f"{plural(dropped, 'long step')} could not be written down.")
    if run.load is not None and run.load.generator_bound:
        remarks.append(
            "The load generator used over 80 % of its core: throughput is its own, not the target's."
        )
    return tuple(remarks)
