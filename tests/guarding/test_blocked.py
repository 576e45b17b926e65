"""Which long steps count against a test: what the machine, the collector or a paused host did does not."""

from __future__ import annotations

import pytest

from diag.analysis.timeline import Held
from diag.guarding.blocked import Judgement, judgement
from diag.guarding.meanwhile import Meanwhile
from diag.recording import Lane, LaneKind, StateSample, Step, ThreadState

MS = 1_000_000
BUDGET = 50 * MS


def held(
    wall: int, *, cpu: int = 0, queue: int = 0, gc: int = 0, state: str = "waiting", silent: bool = False
) -> Held:
    """A step, all in milliseconds; the watcher looks every 5 ms unless it is silent."""
    looks = () if silent else range(1, wall, 5)
    states = tuple(StateSample(lane_id=0, at_ns=at * MS, state=ThreadState(state)) for at in looks)
    step = Step(
        lane_id=0, iteration=1, start_ns=0, end_ns=wall * MS, cpu_ns=cpu * MS, run_queue_ns=queue * MS, gap_ns=0,
        request_key=0, label="work", task="",
    )  # fmt: skip
    lane = Lane(lane_id=0, pid=1, tid=1, kind=LaneKind.ASYNCIO)
    return Held(lane=lane, step=step, cpu_ns=cpu * MS, run_queue_ns=queue * MS, gc_ns=gc * MS, states=states)


@pytest.mark.parametrize(
    ("step", "meanwhile", "expected"),
    [
        (held(80), Meanwhile(), Judgement.BLOCKED),
        (held(80, cpu=80, state="running"), Meanwhile(slept=False), Judgement.BLOCKED),
        (held(900, cpu=20, queue=880, state="running"), Meanwhile(slept=False), Judgement.STARVED),
        (held(900, cpu=80, queue=820, state="running"), Meanwhile(slept=False), Judgement.BLOCKED),
        (held(80, cpu=80, gc=60, state="running"), Meanwhile(slept=False), Judgement.GARBAGE),
        (held(80, cpu=80, gc=20, state="running"), Meanwhile(slept=False), Judgement.BLOCKED),
        (held(80), Meanwhile(others_ns=60 * MS), Judgement.OTHERS_STARVED),
        (held(80, state="gil-wait"), Meanwhile(others_ns=60 * MS), Judgement.OTHERS_STARVED),
        (held(80, cpu=80, state="running"), Meanwhile(others_ns=60 * MS, slept=False), Judgement.BLOCKED),
        (held(80, state="running"), Meanwhile(slept=False), Judgement.PAUSED),
        (held(80, cpu=80, silent=True), Meanwhile(slept=False), Judgement.PAUSED),
        (held(300, cpu=300, silent=True), Meanwhile(slept=False), Judgement.BLOCKED),
    ],
)
def test_a_step_is_judged_by_what_the_code_did(step: Held, meanwhile: Meanwhile, expected: Judgement):
    assert judgement(step, BUDGET, meanwhile) is expected
