"""asyncio's own loop: the clock around its poll and behind each handle."""

from __future__ import annotations

from asyncio import events
from typing import TYPE_CHECKING, Any

from diag.agent import words as w
from diag.agent.lane import clock

if TYPE_CHECKING:
    from diag.agent.lane import LoopLane

READ_NS = 2_000_000
"""How old a reading of CPU time may become while the loop is busy: it bounds what a step's split owes to
the steps before it, and what reading costs (about 2 µs each)."""

_original_run = events.Handle._run
_running: dict[Any, LoopLane] = {}


def watch(lane: LoopLane) -> None:
    """Time every step of a loop that is about to run, or runs."""
    words, busy_since = lane.process.words, lane.base + w.L_BUSY_SINCE
    run, now_ns, readings, aftermath = _original_run, clock, lane.readings, lane.process.aftermath
    selector = lane.loop._selector
    select = selector.select
    started = polled = due = now_ns()
    busy = steps = 0

    def timed_select(timeout: float | None = None) -> Any:
        nonlocal started, polled, busy
        words[busy_since] = 0
        busy += now_ns() - polled
        result = select(timeout)
        started = polled = now = now_ns()
        words[busy_since] = now
        lane.iteration += 1
        if now >= due:
            look(now)
        return result

    def look(now: int) -> None:
        """At most once a millisecond: what need not be done at each step."""
        nonlocal due
        due = now + w.SLOW_NS
        if now - readings.at >= READ_NS:
            readings.take(now)
            words[lane.base + w.L_ITERATIONS] = lane.iteration
            words[lane.base + w.L_STEPS] = steps
            words[lane.base + w.L_BUSY] = busy
        if aftermath:
            lane.calm()

    def timed_run(handle: Any) -> None:
        nonlocal started, due, steps
        run(handle)
        steps += 1
        now = now_ns()
        # One comparison for two purposes: `due` is never further away than a step is long.
        if now >= due:
            if now - started >= w.SLOW_NS:
                lane.long_step(started, now, handle._callback, handle._context)
                due = now + w.SLOW_NS
            else:
                look(now)
            now = now_ns()
            words[busy_since] = now  # fresh at least once a millisecond, unless one step is longer
        started = now

    def stop() -> None:
        look(now_ns() + READ_NS)
        words[busy_since] = 0
        selector.__dict__.pop("select", None)
        _running.pop(lane.loop, None)
        _choose_run()

    selector.select = timed_select
    lane.step, lane.stop = timed_run, stop
    _running[lane.loop] = lane
    _choose_run()


def _dispatch(handle: Any) -> None:
    """`Handle._run` while several loops of this process run at once."""
    lane = _running.get(handle._loop)
    if lane is None or lane.step is None:
        _original_run(handle)
    else:
        lane.step(handle)


def _choose_run() -> None:
    """Make `Handle._run` as direct as the number of running loops allows."""
    steps = [lane.step for lane in list(_running.values())]
    chosen: Any = _original_run if not steps else steps[0] if len(steps) == 1 else _dispatch
    events.Handle._run = chosen  # type: ignore[method-assign]


def forget() -> None:
    """In a forked child: the loops are the parent's."""
    _running.clear()
    _choose_run()
