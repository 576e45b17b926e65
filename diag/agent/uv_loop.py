"""uvloop: its handles run in C, so what schedules a callback schedules a timed call of it instead."""

from __future__ import annotations

import sys
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from diag.agent import words as w
from diag.agent.lane import clock
from diag.agent.selector_loop import READ_NS

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.agent.lane import LoopLane

IDLE_NS = 100_000
"""A pause between two steps above this ends an iteration (the poll is not visible from Python)."""

_POSITIONS = {"call_later": 1, "add_reader": 1, "add_writer": 1}
"""Where the callback stands among their arguments. `call_at` calls `call_later`."""

_NAMES = ("call_soon", "call_soon_threadsafe", *_POSITIONS)
_running: dict[Any, LoopLane] = {}
_real: dict[str, Any] = {}


def hook(loop_class: Any) -> None:
    """Also time what is scheduled on a loop before it runs, such as a program's first task."""
    for name in _NAMES:
        _real[name] = getattr(loop_class, name)
        setattr(loop_class, name, _early_method(_real[name], _POSITIONS.get(name, 0)))


def unhook() -> None:
    """Take that back."""
    for name in _real:
        delattr(sys.modules["uvloop"].Loop, name)
    _real.clear()


def _early_method(real: Callable[..., Any], position: int) -> Callable[..., Any]:
    @wraps(real)
    def schedule(self: Any, *args: Any, **keywords: Any) -> Any:
        if len(args) <= position:  # the callback by keyword, or not at all: the method will say so
            return real(self, *args, **keywords)
        return real(self, *args[:position], _run_early, self, *args[position:], **keywords)

    return schedule


def _run_early(loop: Any, callback: Any, *args: object) -> object:
    lane = _running.get(loop)
    if lane is None or callback is lane.run_step:
        return callback(*args)
    return lane.run_step(callback, *args)


def _bare(loop: Any, name: str) -> Any:
    """The loop's method as it was before `hook`."""
    method = getattr(loop, name)
    if name in _real and getattr(type(loop), name) is getattr(sys.modules["uvloop"].Loop, name):
        return _real[name].__get__(loop)
    return method


def watch(lane: LoopLane) -> None:
    """Time every callback that is scheduled on a loop from now on."""
    loop, timed = lane.loop, _timed(lane)
    # Methods of the instance, so that other loops are not touched; `partial` is C and costs 50 ns.
    loop.call_soon = partial(_bare(loop, "call_soon"), timed)
    loop.call_soon_threadsafe = partial(_bare(loop, "call_soon_threadsafe"), timed)
    for name, position in _POSITIONS.items():
        setattr(loop, name, _inserting(_bare(loop, name), position, timed))
    _running[loop] = lane

    def release() -> None:
        _running.pop(loop, None)
        for name in _NAMES:
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
    since = 0
    busy, steps = words[lane.base + w.L_BUSY], words[lane.base + w.L_STEPS]

    def timed(callback: Any, *args: object) -> object:
        nonlocal since, ended, busy, steps
        since = start = now_ns()
        if start - ended > IDLE_NS:
            lane.iteration += 1
            lane.waiters_left = 0
        elif aftermath:
            lane.waited(callback)
        if stores:
            words[busy_since] = start
        try:
            return callback(*args) if args else callback()
        finally:
            now = now_ns()
            since = 0
            steps += 1
            busy += now - start
            if stores:
                words[busy_since] = 0
            if now >= due:  # never further away than a step is long
                if now - start >= w.SLOW_NS:
                    lane.long_step(start, now, callback, None)
                look(now)
                now = now_ns()
            ended = now

    def look(now: int) -> None:
        nonlocal due
        due = now + w.SLOW_NS
        if now - readings.at >= READ_NS:
            readings.take(now)
            publish()
        if aftermath:
            lane.calm(now)

    def publish() -> None:
        words[lane.base + w.L_ITERATIONS] = lane.iteration
        words[lane.base + w.L_STEPS] = steps
        words[lane.base + w.L_BUSY] = busy

    def stop() -> None:
        lane.hide()
        words[busy_since] = 0
        publish()
        lane.release()

    stores = not lane.show(timed, "since")
    lane.run_step, lane.stop = timed, stop
    return timed
