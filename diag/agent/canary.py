"""The canary: a known block, to see whether blocks are found in this run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.agent import words as w
from diag.agent.lane import clock
from diag.agent.originals import original

if TYPE_CHECKING:
    from diag.agent.lane import LoopLane
    from diag.agent.process import Process

_sleep = original("time", "sleep")  # taken now: a target may forbid or patch time.sleep later


def plant_on_loop(lane: LoopLane) -> None:
    """Plant a canary, once a process; the watcher looks at this process already.

    A loop that ends before it came to it, such as that of a program of a single step, runs it at its end.
    """
    if lane.process.canary_planted:
        return
    lane.process.canary_planted = True

    def diag_canary() -> None:
        if lane.finish_canary is not None:
            lane.finish_canary = None
            block(lane.process, lane.number)

    lane.finish_canary = lambda: lane.run_step(diag_canary)
    (lane.schedule or lane.loop.call_soon)(diag_canary)


def block(process: Process, lane: int) -> None:
    """Hold the lane for `CANARY_NS`, and say so."""
    start = clock()
    _sleep(w.CANARY_NS / 1e9)  # the canary: this line must be found
    end = clock()
    line = block.__code__.co_firstlineno + 3
    process.event({"k": "canary", "l": lane, "s": start, "e": end, "p": __file__, "n": line})
