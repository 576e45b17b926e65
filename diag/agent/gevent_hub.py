"""gevent: what runs from the moment the hub switches to a greenlet until it is back is a step.

`greenlet.settrace` tells of every switch. The hub's own time is its callbacks' and its poll's: a prepare
watcher of the lowest priority runs last before the poll, a check watcher of the highest first behind it.
"""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Any

from diag.agent import words as w
from diag.agent.lane import NO_REQUEST, clock, describe, here, port_of, request
from diag.agent.selector_loop import READ_NS
from diag.agent.uv_loop import IDLE_NS

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.agent.lane import LoopLane

MAX_SPAWNERS = 8
"""A greenlet's request is the one of the greenlet that spawned it, and so on up to here."""

_REQUEST = "_diag_request"
"""Attribute of a greenlet: the port and the beginning of its request."""


def is_hub(loop: Any) -> bool:
    """True if it is a hub of gevent's."""
    module = sys.modules.get("gevent.hub")
    return module is not None and isinstance(loop, module.Hub)


def started_hub() -> Any:
    """The hub of the calling thread, if it has one that has begun to run."""
    module = sys.modules.get("gevent.hub")
    hub = getattr(module, "_get_hub", lambda: None)()
    return hub or None  # a greenlet that has not started, or is dead, is false


def run_soon(hub: Any, function: Callable[[], None]) -> None:
    """Run a function as a step of its own."""
    runner = sys.modules["greenlet"].greenlet(function, hub)
    runner._run = function  # where gevent's own greenlets have it
    hub.loop.run_callback(runner.switch)


def request_of(worker: Any) -> tuple[Any, int]:
    """The request that a greenlet works for, as `lane.request` has it."""
    for _ in range(MAX_SPAWNERS):
        found = getattr(worker, _REQUEST, None)
        if found is not None:
            port, began = found
            return ("", port), began
        spawner = getattr(worker, "spawning_greenlet", None)
        worker = spawner() if callable(spawner) else None
        if worker is None:
            break
    return NO_REQUEST


def resume_in_child(hub: Any, attach: Callable[[Any], object]) -> None:
    """In a forked child, whose hub runs on: watch it anew once it polls."""
    watcher = hub.loop.prepare(ref=False)

    def begin() -> None:
        watcher.stop()
        attach(hub)

    watcher.start(begin)


def watch(lane: LoopLane) -> None:  # noqa: C901, PLR0915  # closures: attributes would cost time at each switch
    """Time every step of a hub that is about to run, or runs, in this thread."""
    words, busy_since = lane.process.words, lane.base + w.L_BUSY_SINCE
    now_ns, readings, aftermath = clock, lane.readings, lane.process.aftermath
    hub, tracing = lane.loop, sys.modules["greenlet"]
    getcurrent = tracing.getcurrent
    before = tracing.gettrace()
    running: Any = getcurrent()
    function: Any = None
    started = polled = due = now_ns()
    polling, idle_at, traced = False, 0, True
    busy, steps = words[lane.base + w.L_BUSY], words[lane.base + w.L_STEPS]

    def switched(event: str, greenlets: tuple[Any, Any]) -> None:
        nonlocal started, polled, polling, running, function, steps
        origin, target = greenlets
        if target is hub:
            now = now_ns()
            if now >= due:
                now = late(now)
            running, started = hub, now
            steps += 1
        elif origin is hub:
            now = now_ns()
            if polling:  # the loop runs something between our watcher and its poll
                polling = False
                polled = words[busy_since] = now
            elif now >= due:
                now = late(now)
            running, started, function = target, now, getattr(target, "_run", None)
            if aftermath:
                waited(now)
        # Between other greenlets: whoever was switched to first has the hub wait for them all.
        if before is not None:
            before(event, greenlets)

    def serve(port: int) -> None:
        """The current greenlet begins to work for a request.

        That is the beginning of a step: a client that answers at once is served again without a switch.
        """
        nonlocal started, steps
        now = now_ns()
        started = late(now) if now >= due else now
        steps += 1
        setattr(getcurrent(), _REQUEST, (port, started))
        if aftermath:
            lane.process.begin(port, started)

    def late(now: int) -> int:
        """What need not be done at each switch; returns the time when that is done."""
        nonlocal due
        due = now + w.SLOW_NS
        if now - started >= w.SLOW_NS:
            end_long(now)
            due = now + w.SLOW_NS
        else:
            look(now)
        words[busy_since] = now = now_ns()
        return now

    def end_long(now: int) -> None:
        if running.parent is None and _program_ended(running):
            return
        callback = hub_callbacks if running is hub else function or _nameless(running)
        lane.long_step(started, now, callback, {request: request_of(running)})

    def waited(now: int) -> None:
        """Write down that a greenlet came right behind a block (what is ready is not visible from Python)."""
        if lane.block is None or not lane.waiters_left or lane.quiet:
            return
        start, end = lane.block
        if idle_at < end <= now:
            lane.waiters_left -= 1
            who = [port_of(request_of(running)[0]), describe(function or _nameless(running))[0], start]
            lane.process.event({"k": "waiter", "l": lane.number, "e": end, "w": who})

    def look(now: int) -> None:
        nonlocal traced
        if now - readings.at >= READ_NS:
            readings.take(now)
            publish()
            if traced and tracing.gettrace() is not switched:
                traced = False
                lane.process.note("tracer-taken")
        if aftermath:
            lane.calm(now)

    def publish() -> None:
        words[lane.base + w.L_ITERATIONS] = lane.iteration
        words[lane.base + w.L_STEPS] = steps
        words[lane.base + w.L_BUSY] = busy

    def before_poll() -> None:
        nonlocal busy, polling, polled
        now = now_ns()
        if now >= due:
            now = late(now)
        words[busy_since] = 0
        busy += now - polled
        polled, polling = now, True

    def behind_poll() -> None:
        nonlocal started, polled, polling, running, idle_at, due
        now = now_ns()
        if now - polled > IDLE_NS:
            idle_at = now
        started = polled = words[busy_since] = now
        running, polling = hub, False
        lane.iteration += 1
        if now >= due:
            due = now + w.SLOW_NS
            look(now)
            started = words[busy_since] = now_ns()  # what looking took is no step's time

    loop = hub.loop
    prepare = loop.prepare(ref=False, priority=loop.MINPRI)
    check = loop.check(ref=False, priority=loop.MAXPRI)

    def stop() -> None:
        """Whatever runs at this moment ends with the program: it is not a step."""
        atexit.unregister(stop)
        words[busy_since] = 0
        publish()
        release()

    def release() -> None:
        prepare.stop()
        check.stop()
        if tracing.gettrace() is switched:
            tracing.settrace(before)
        here().hub = None

    lane.stop, lane.release, lane.serve = stop, release, serve
    lane.schedule = lambda callback: run_soon(hub, callback)
    here().hub = lane
    words[busy_since] = started
    prepare.start(before_poll)
    check.start(behind_poll)
    tracing.settrace(switched)
    atexit.register(stop)


def _program_ended(main: Any) -> bool:
    """True if the interpreter has taken over from the main greenlet's own code, and waits for threads."""
    frame = main.gr_frame
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name == "_shutdown"


def _nameless(worker: Any) -> Any:
    return main_greenlet if worker.parent is None else worker


def main_greenlet() -> None:
    """Stands for what a thread runs outside of all greenlets that were spawned."""


def hub_callbacks() -> None:
    """Stands for callbacks that the hub runs itself, such as those of `link` and of watchers."""
