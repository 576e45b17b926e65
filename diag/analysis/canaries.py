"""Whether the known blocks that diag planted were found: where, and as long as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diag.analysis.timeline import Held, Timeline
from diag.recording import Canary

TOLERANCE_NS = 1_000_000
TOLERANCE_SHARE = 0.02
"""Injected blocks were found with an error of at most 0.2 ms or 2 % (measured); the step around the canary
holds some lines of diag's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryCheck:
    """What became of a run's canaries.

    Attributes:
        expected_ns: the worst one as planted.
        found_ns: the worst one as found, None if it was not.
        reason: why blocks of this run cannot be trusted to have been found, "" if they can.
    """

    expected_ns: int = 0
    found_ns: int | None = None
    reason: str = ""

    @property
    def passed(self) -> bool:
        """True if every one was found."""
        return not self.reason


def check(timeline: Timeline) -> CanaryCheck:
    """Look for every canary of a run: one per process with a lane, as a step of its length, at its line."""
    run = timeline.run
    lanes = {lane.lane_id: lane for lane in run.lanes}
    if not run.lanes:
        return CanaryCheck(reason="no event loop and no worker of the target was seen")
    planted = {lanes[c.lane_id].pid for c in run.canaries if c.lane_id in lanes}
    missing = sorted({lane.pid for lane in run.lanes} - planted)
    checks = [_check_one(timeline, canary) for canary in run.canaries]
    failed = [one for one in checks if one.reason]
    worst = max(failed or checks, key=_error, default=CanaryCheck())
    if missing:
        where = ", ".join(map(str, missing))
        reason = f"no canary was planted in process {where}, so that blocks there may have been missed"
        return CanaryCheck(expected_ns=worst.expected_ns, found_ns=worst.found_ns, reason=reason)
    return worst


def _error(one: CanaryCheck) -> int:
    return abs((one.found_ns or 0) - one.expected_ns)


def _check_one(timeline: Timeline, canary: Canary) -> CanaryCheck:
    expected = canary.end_ns - canary.start_ns
    steps = [
        held for held in timeline.held if held.canary and held.step.lane_id == canary.lane_id
        and held.step.start_ns < canary.end_ns and held.step.end_ns > canary.start_ns
    ]  # fmt: skip
    if not steps:
        return CanaryCheck(expected_ns=expected, reason="the canary, a planted block, was not found")
    found = steps[0].wall_ns
    tolerance = max(TOLERANCE_NS, round(TOLERANCE_SHARE * expected))
    # Its own clock readings lie inside the step: what the machine took beside them is no error.
    if not -tolerance <= found - expected <= tolerance + steps[0].run_queue_ns:
        return CanaryCheck(
            expected_ns=expected, found_ns=found, reason="the canary was found with another length"
        )
    if steps[0].stacks and not _at_its_line(steps, canary):
        return CanaryCheck(
            expected_ns=expected, found_ns=found, reason="the canary was found at another line"
        )
    return CanaryCheck(expected_ns=expected, found_ns=found)


def _at_its_line(steps: Sequence[Held], canary: Canary) -> bool:
    return any(
        (frame.path, frame.line) == (canary.path, canary.line)
        for held in steps
        for stack in held.stacks
        for frame in stack.frames
    )
