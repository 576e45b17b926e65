"""Whether anything ran at the same time: how many threads held their lanes at once."""

from __future__ import annotations

from collections import defaultdict

from diag.analysis.intervals import Interval, merge
from diag.recording import Run


def overlap_share(run: Run, window: tuple[int, int]) -> float:
    """How much of the time in which some thread held its lane another one did so as well, 0 to 1.

    Steps inside of each other on one thread (a loop in a worker's request) are one. Only what held a lane for
    1 ms or longer is seen.

    Args:
        run: with its steps.
        window: from when to when, in ns.
    """
    threads = {lane.lane_id: (lane.pid, lane.tid) for lane in run.lanes}
    spans: dict[tuple[int, int], list[Interval]] = defaultdict(list)
    first, last = window
    for step in run.steps:
        start, end = max(step.start_ns, first), min(step.end_ns, last)
        if start < end and step.lane_id in threads:
            spans[threads[step.lane_id]].append((start, end))
    changes = sorted(
        change for some in spans.values() for start, end in merge(some) for change in ((start, 1), (end, -1))
    )
    busy = shared = running = before = 0
    for at, change in changes:
        busy += (at - before) * (running > 0)
        shared += (at - before) * (running > 1)
        running += change
        before = at
    return shared / busy if busy else 0.0
