"""uvloop: its handles run in C, so what schedules a callback schedules a timed call of it instead."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from diag.agent import words as w
from diag.agent.lane import clock
from diag.agent.selector_loop import READ_NS

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.agent.lane import LoopLane

IDLE_NS = 100_000
"""A pause between two steps above this ends an iteration (the poll is not visible from Python)."""

_POSITIONS = {"call_later": 1, "call_at": 1, "add_reader": 1, "add_writer": 1}


def watch(lane: LoopLane) -> None:
    """Time every callback that is scheduled on a loop from now on."""
    loop, timed = lane.loop, _timed(lane)
    # Methods of the instance, so that other loops are not touched; `partial` is C and costs 50 ns.
    loop.call_soon = partial(loop.call_soon, timed)
    loop.call_soon_threadsafe = partial(loop.call_soon_threadsafe, timed)
    for name, position in _POSITIONS.items():
        setattr(loop, name, _inserting(getattr(loop, name), position, timed))

    def release() -> None:
        for name in ("call_soon", "call_soon_threadsafe", *_POSITIONS):
            loop.__dict__.pop(name, None)

    lane.release = release


def _inserting(real: Callable[..., Any], position: int, timed: Callable[..., object]) -> Callable[..., Any]:
    """The method with `timed` put in front of the callback."""

    def schedule(*args: Any, **keywords: Any) -> Any:
        if len(args) <= position:  # the callback by keyword, or not at all: the method will say so
            return real(*args, **keywords)
        return real(*args[:position], timed, *args[position:], **keywords)

    schedule.__name__ = getattr(real, "__name__", "schedule")
    return schedule


def _timed(lane: LoopLane) -> Callable[..., object]:  # noqa: C901  # closures, for speed
    words, busy_since = lane.process.words, lane.base + w.L_BUSY_SINCE
    now_ns, readings, aftermath = clock, lane.readings, lane.process.aftermath
    ended = due = now_ns()
    busy, steps = words[lane.base + w.L_BUSY], words[lane.base + w.L_STEPS]

    def timed(callback: Any, *args: object) -> object:
        nonlocal ended, due, busy, steps
        start = now_ns()
        if start - ended > IDLE_NS:
            lane.iteration += 1
            if start >= due:
                look(start)
        elif aftermath:
            lane.waited(callback)
        words[busy_since] = start
        try:
            return callback(*args)
        finally:
            words[busy_since] = 0
            ended = now = now_ns()
            steps += 1
            took = now - start
            busy += took
            if took >= w.SLOW_NS:
                lane.long_step(start, now, callback, None)
                ended = now_ns()

    def look(now: int) -> None:
        nonlocal due
        due = now + w.SLOW_NS
        if now - readings.at >= READ_NS:
            readings.take(now)
            publish()
        if aftermath:
            lane.calm()

    def publish() -> None:
        words[lane.base + w.L_ITERATIONS] = lane.iteration
        words[lane.base + w.L_STEPS] = steps
        words[lane.base + w.L_BUSY] = busy

    def stop() -> None:
        words[busy_since] = 0
        publish()
        lane.release()

    lane.run_step, lane.stop = timed, stop
    return timed
