"""Whether threads held their lanes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from compared import cell, trial

from diag.analysis.overlap import overlap_share
from diag.recording import Lane, LaneKind, Run, Step


def run(lanes: Sequence[tuple[int, int]], steps: Sequence[tuple[int, int, int]]) -> Run:
    """Lanes by process and thread, and steps by lane with start and end."""
    return replace(
        trial(cell(), 1, 1),
        lanes=tuple(
            Lane(lane_id=number, pid=pid, tid=tid, kind=LaneKind.ASYNCIO)
            for number, (pid, tid) in enumerate(lanes)
        ),
        steps=tuple(
            Step(
                lane_id=lane, iteration=1, start_ns=start, end_ns=end, cpu_ns=0, run_queue_ns=0, gap_ns=0,
                request_key=0, label="", task="",
            )
            for lane, start, end in steps
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lanes", "steps", "share"),
    [
        ([(1, 1), (2, 2)], [(0, 0, 10), (1, 10, 20)], 0.0),
        ([(1, 1), (2, 2)], [(0, 0, 10), (1, 0, 10)], 1.0),
        ([(1, 1), (2, 2)], [(0, 0, 30), (1, 10, 20)], 1 / 3),
        ([(1, 1), (1, 1)], [(0, 0, 30), (1, 10, 20)], 0.0),
        ([(1, 1), (1, 2)], [(0, 0, 10), (1, 90, 200)], 0.0),
        ([], [(0, 0, 10)], 0.0),
    ],
    ids=["one after another", "at once", "a third", "one inside the other", "apart", "no lane"],
)
def test_only_different_threads_overlap(
    lanes: list[tuple[int, int]], steps: list[tuple[int, int, int]], share: float
) -> None:
    assert overlap_share(run(lanes, steps), (0, 100)) == pytest.approx(share)
