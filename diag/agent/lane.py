"""A lane: a thread whose time is shared. What it costs to look closer is paid after a long step only."""

from __future__ import annotations

import contextvars
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from diag.agent import stacks
from diag.agent import words as w
from diag.agent.originals import original
from diag.agent.process import high, lane_base

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.agent.process import Process

clock = time.monotonic_ns
# Taken now: a target may patch them later.
_thread_time = time.thread_time_ns
_pread = os.pread

NO_REQUEST: tuple[Any, int] = (None, 0)
request: contextvars.ContextVar[tuple[Any, int]] = contextvars.ContextVar("diag_request", default=NO_REQUEST)
"""The client's address of the request that the current step works for, and when that began.

What a request starts inherits it, and may run when the next one is under way on the same connection."""

MAX_WAITERS = 64
AFTERMATH_NS = 20_000_000
"""After a block, a waiting connection is accepted, read and started within this time and half the block's."""

DELAY_NS = 2_000_000
"""Steps from here on, run-queue wait left out, have an aftermath; shorter ones delay nobody enough to be
worth attributing."""


WRAPPERS = frozenset({"TaskHandle._run_coro"})
"""Coroutines that others are awaited in: anyio's, which names its task for the coroutine that was given."""


class Readings:
    """CPU and run-queue time of the calling thread, as differences from the reading before.

    Attributes:
        at: when the last one was taken.
    """

    def __init__(self) -> None:
        self.at = clock()
        self._cpu = _thread_time()
        self._queue = 0
        try:
            path = f"/proc/self/task/{threading.get_native_id()}/schedstat"
            self._fd = high(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            self._fd = -1
        self._queue = self._read()

    def _read(self) -> int:
        if self._fd >= 0:
            try:
                return int(_pread(self._fd, 64, 0).split()[1])
            except (OSError, ValueError, IndexError):  # unreadable, or closed by the target
                self._fd = -1
        return 0

    def take(self, now: int) -> tuple[int, int | None, int]:
        """CPU ns and run-queue ns (None where unreadable) since the last reading, and when that was."""
        cpu = _thread_time()
        before_at, before_cpu, before_queue = self.at, self._cpu, self._queue
        self.at, self._cpu = now, cpu
        self._queue = self._read()
        if self._fd < 0:
            return cpu - before_cpu, None, before_at
        return cpu - before_cpu, self._queue - before_queue, before_at

    def __del__(self, close: Callable[[int], None] = os.close) -> None:  # globals are gone by the end
        if self._fd >= 0:
            close(self._fd)


class _PerThread(original("_thread", "_local")):  # type: ignore[misc]  # greenlets share their thread's
    readings: Readings | None = None
    hub: LoopLane | None = None


_threads = _PerThread()


def here() -> _PerThread:
    """What is known of the calling thread: its `readings`, and its `hub` where gevent's runs."""
    return _threads


def readings_here() -> Readings:
    """The readings of the calling thread."""
    found = _threads.readings
    if found is None:
        found = _threads.readings = Readings()
    return found


def forget() -> None:
    """In a forked child: the readings are of the parent's thread."""
    global _threads  # noqa: PLW0603  # the old one holds readings of a thread of the parent
    _threads = _PerThread()


class LoopLane:
    """One event loop, while it runs.

    Attributes:
        process: where it writes.
        loop: the loop.
        number: its place in the words.
        base: index of its first word.
        quiet: True in a forked child, whose steps are not the parent's.
        iteration: passes of the loop so far.
        steps: steps so far.
        step: asyncio: the timed `Handle._run`.
        run_step: calls a callback as a step of its own.
        stop: publishes the sums and takes the probes off the loop.
        release: takes the probes off the loop, and does nothing else.
        serve: gevent: begins a request of a client's port in the current greenlet.
        schedule: what runs a callback soon, None for the loop's `call_soon`.
        finish_canary: what is still to be done for the canary when the loop ends, None if nothing is.
        block: the last long step, for those that come right behind it.
    """

    def __init__(self, process: Process, loop: Any, number: int) -> None:
        self.process = process
        self.loop = loop
        self.number = number
        self.base = lane_base(number)
        self.readings = readings_here()
        self.quiet = False
        self.iteration = process.words[self.base + w.L_ITERATIONS]
        self.step: Callable[[Any], None] | None = None
        self.run_step: Callable[..., object] = _nothing
        self.stop: Callable[[], None] = _nothing
        self.release: Callable[[], None] = _nothing
        self.serve: Callable[[int], object] = _nothing
        self.schedule: Callable[[Callable[[], None]], object] | None = None
        self.finish_canary: Callable[[], object] | None = None
        self.block: tuple[int, int] | None = None
        self.waiters_left = 0

    def show(self, function: Any, variable: str) -> bool:
        """Let the watcher read since when the loop is busy from a variable of a closure.

        Args:
            function: one of the closures that share the variable.
            variable: its name; 0 while the loop is idle.

        Returns:
            False if the watcher may not read memory: then it has to be stored in the words.
        """
        if self.process.words[w.H_READABLE] != w.READS:
            return False
        cell = function.__closure__[function.__code__.co_freevars.index(variable)]
        self.process.words[self.base + w.L_SINCE_AT] = id(cell)
        return True

    def hide(self) -> None:
        """The variable is about to go."""
        self.process.words[self.base + w.L_SINCE_AT] = 0

    def long_step(self, start: int, now: int, callback: Any, context: Any) -> None:
        """Write a step down.

        Args:
            start: when it began.
            now: when it ended.
            callback: what ran.
            context: the handle's context; None if it is the current one.
        """
        try:
            self._long_step(start, now, callback, context)
        except Exception:  # whatever goes wrong here must not go wrong in the target
            self.process.words[self.base + w.L_DROPPED] += 1

    def _long_step(self, start: int, now: int, callback: Any, context: Any) -> None:
        cpu, queue, since = self.readings.take(now)
        if self.quiet:
            return
        # What the machine held up is not worth a close look: under load that happens all the time.
        own = now - start - (queue or 0)
        if own < w.SLOW_NS and now - start < DELAY_NS:
            return
        delays = own >= DELAY_NS
        label, task = describe(callback)
        client, began = request.get() if context is None else context.get(request, NO_REQUEST)
        written = self.process.event(
            {
                "k": "step",
                "l": self.number,
                "i": self.iteration,
                "s": start,
                "e": now,
                "c": cpu,
                "q": queue,
                "g": max(0, start - since),
                "p": port_of(client),
                "b": began,
                "n": label,
                "t": task,
                "w": self._waiters(now) if delays else [],
            }
        )
        if not written:
            self.process.words[self.base + w.L_DROPPED] += 1
        if delays:
            self.block, self.waiters_left = (start, now), MAX_WAITERS
            self.process.aftermath[:] = [now + AFTERMATH_NS + (now - start) // 2]
        stacks.give_way(self.process)

    def waited(self, callback: Any) -> None:
        """Write down that a step came right behind a block (uvloop's queue is not visible from Python)."""
        if self.block is not None and self.waiters_left and not self.quiet:
            self.waiters_left -= 1
            start, end = self.block
            waiter = [port_of(request.get()[0]), describe(callback)[0], start]
            self.process.event({"k": "waiter", "l": self.number, "e": end, "w": waiter})

    def calm(self, now: int) -> None:
        """Write down who began in the aftermath so far, and end it in time."""
        self.process.flush()
        aftermath = self.process.aftermath
        if aftermath and now >= aftermath[0]:
            aftermath.clear()
            self.block = None

    def _waiters(self, now: int) -> list[list[object]]:
        """Who is ready to run on an asyncio loop: what is queued, and timers that are due."""
        found: list[list[object]] = []
        try:
            for handle in list(self.loop._ready)[:MAX_WAITERS]:
                if not handle._cancelled:
                    found.append(_waiter(handle, 0))  # noqa: PERF401  # what was found must survive an exception
            for timer in self.loop._scheduled[:MAX_WAITERS]:  # a heap: what is due lies in front
                when = int(timer._when * 1e9)
                if when < now and not timer._cancelled:
                    found.append(_waiter(timer, when))
        except Exception:  # a loop that keeps its queue elsewhere has no waiters to show
            return found
        return found


def _waiter(handle: Any, since: int) -> list[object]:
    callback = handle._callback
    if since and handle._args:  # a timer that resolves a future: the task behind the future is who waits
        callbacks = getattr(handle._args[0], "_callbacks", None)
        if callbacks:
            callback = callbacks[0][0]
    return [port_of(handle._context.get(request, NO_REQUEST)[0]), describe(callback)[0], since]


def port_of(client: Any) -> int:
    """The port of a client's address; 0 if there is none."""
    try:
        return int(client[1] or 0) if client else 0
    except (IndexError, KeyError, TypeError, ValueError):  # a server may put anything there
        return 0


def describe(callback: Any) -> tuple[str, str]:
    """The coroutine or callback in words, and the task's name; never fails, whatever the object is."""
    try:
        owner = getattr(callback, "__self__", None)
        if owner is not None and hasattr(owner, "get_coro"):
            coroutine, task = owner.get_coro(), str(owner.get_name())
            name = str(getattr(coroutine, "__qualname__", None) or type(coroutine).__name__)
            return (task if name in WRAPPERS else name), task
        inner = getattr(callback, "func", callback)
        return str(getattr(inner, "__qualname__", None) or type(inner).__name__), ""
    except Exception:  # an object that answers questions with exceptions
        return type(callback).__name__, ""


def interrupted_step() -> None:
    """Stands for a callback that an exception such as KeyboardInterrupt ended together with its loop."""


def _nothing(*_: object) -> None:
    """A lane that has no probes needs nothing to be taken off."""
