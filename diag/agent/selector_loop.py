"""asyncio's own loop: the clock around its poll and behind each handle."""

from __future__ import annotations

import threading
from asyncio import events
from typing import TYPE_CHECKING, Any

from diag.agent import words as w
from diag.agent.lane import clock, interrupted_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.agent.lane import LoopLane

READ_NS = 4_000_000
"""How old a reading of CPU time may become while the loop is busy: it bounds what a step's split owes to
the steps before it, and what reading costs (3 µs each, more where caches are cold)."""

_original_run = events.Handle._run
_running: dict[Any, LoopLane | None] = {}
_lock = threading.Lock()


def watch(lane: LoopLane) -> None:  # noqa: C901, PLR0915  # closures: attributes would cost time at each step
    """Time every step of a loop that is about to run, or runs."""
    words, busy_since = lane.process.words, lane.base + w.L_BUSY_SINCE
    run, now_ns, readings, aftermath = _original_run, clock, lane.readings, lane.process.aftermath
    selector = lane.loop._selector
    select = selector.select
    started = polled = due = now_ns()
    busy, steps, iteration = words[lane.base + w.L_BUSY], words[lane.base + w.L_STEPS], lane.iteration

    def timed_select(timeout: float | None = None) -> Any:
        nonlocal started, polled, busy, iteration
        busy += started - polled
        started = 0  # idle
        if stores:
            words[busy_since] = 0
        if aftermath:
            lane.calm(polled)  # nothing must be left to write while the loop sleeps
        result = select(timeout)
        started = polled = now_ns()
        iteration += 1
        if polled >= due:
            look(polled)
            started = now_ns()  # the kernel may have let others run while it was read: no step's time
        if stores:
            words[busy_since] = started
        return result

    def look(now: int) -> None:
        """At most once a millisecond: what need not be done at each step."""
        nonlocal due
        due = now + w.SLOW_NS
        if now - readings.at >= READ_NS:
            readings.take(now)
            publish()

    def publish() -> None:
        words[lane.base + w.L_ITERATIONS] = lane.iteration = iteration
        words[lane.base + w.L_STEPS] = steps
        words[lane.base + w.L_BUSY] = busy

    def timed_run(handle: Any) -> None:
        nonlocal started, due, steps
        run(handle)
        steps += 1
        now = now_ns()
        # One comparison for two purposes: `due` is never further away than a step is long.
        if now >= due:
            if now - started >= w.SLOW_NS:
                lane.iteration = iteration
                lane.long_step(started, now, handle._callback, handle._context)
                due = now + w.SLOW_NS
            else:
                look(now)
            now = now_ns()
            if stores:
                words[busy_since] = now  # fresh at least once a millisecond, unless one step is longer
        started = now

    def stop() -> None:
        nonlocal busy, started
        lane.hide()
        now, began, started = now_ns(), started, 0
        words[busy_since] = 0
        if began:
            busy += now - polled
        publish()
        release()
        if began and now - began >= w.SLOW_NS:
            lane.long_step(began, now, interrupted_step, None)

    def release() -> None:
        if selector.__dict__.get("select") is timed_select:
            del selector.select
            selector.__dict__.update(before)
        set_running(lane.loop, None, runs=False)

    before = {name: selector.__dict__[name] for name in ("select",) if name in selector.__dict__}
    selector.select = timed_select

    def run_step(callback: Callable[[], None]) -> None:
        nonlocal started
        started = now_ns()
        if stores:
            words[busy_since] = started
        timed_run(events.Handle(callback, (), lane.loop))

    stores = not lane.show(timed_run, "started")
    lane.step, lane.run_step, lane.stop, lane.release = timed_run, run_step, stop, release
    set_running(lane.loop, lane, runs=True)


def _dispatch(handle: Any) -> None:
    """`Handle._run` while several loops of this process run at once."""
    lane = _running.get(handle._loop)
    if lane is None or lane.step is None:
        _original_run(handle)
    else:
        lane.step(handle)


def set_running(loop: Any, lane: LoopLane | None, *, runs: bool) -> None:
    """Make `Handle._run` as direct as the number of running loops allows.

    Args:
        loop: a loop that begins or ceases to run.
        lane: its lane; None for a loop that cannot be timed, whose handles must not pass for another's.
        runs: whether it begins.
    """
    with _lock:
        if runs:
            _running[loop] = lane
        else:
            _running.pop(loop, None)
        lanes = list(_running.values())
        timed = [one.step for one in lanes if one is not None]
        chosen: Any = _original_run if not timed else timed[0] if len(lanes) == 1 else _dispatch
        events.Handle._run = chosen  # type: ignore[method-assign]


def forget() -> None:
    """In a forked child: the loops are the parent's."""
    global _lock  # noqa: PLW0603  # another thread of the parent may have held the old one
    _lock = threading.Lock()
    _running.clear()
    events.Handle._run = _original_run  # type: ignore[method-assign]
