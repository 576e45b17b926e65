"""A lane: a thread whose time is shared. What it costs to look closer is paid after a long step only."""

from __future__ import annotations

import contextvars
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from diag.agent.process import lane_base

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.agent.process import Process

clock = time.monotonic_ns
_thread_time = time.thread_time_ns

request: contextvars.ContextVar[Any] = contextvars.ContextVar("diag_request", default=None)
"""The ASGI scope that the current step works for; tasks and callbacks that it starts inherit it."""

MAX_WAITERS = 64
AFTERMATH_ITERATIONS = 8
"""After a block, a waiting connection is accepted, read and started within three iterations."""

AFTERMATH_NS = 2_000_000
"""Steps from here on have an aftermath; shorter ones delay nobody by an amount worth attributing."""


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
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._queue = self._read()
        except (OSError, ValueError, IndexError):
            self._fd = -1

    def _read(self) -> int:
        return int(os.pread(self._fd, 64, 0).split()[1])

    def take(self, now: int) -> tuple[int, int | None, int]:
        """CPU ns and run-queue ns (None where unreadable) since the last reading, and when that was."""
        cpu = _thread_time()
        before_at, before_cpu, before_queue = self.at, self._cpu, self._queue
        self.at, self._cpu = now, cpu
        if self._fd < 0:
            return cpu - before_cpu, None, before_at
        self._queue = self._read()
        return cpu - before_cpu, self._queue - before_queue, before_at

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)


class LoopLane:
    """One event loop.

    Attributes:
        process: where it writes.
        loop: the loop.
        number: its place in the words.
        base: index of its first word.
        tid: its kernel thread.
        quiet: True while steps are diag's own.
        iteration: passes of the loop so far.
        steps: steps so far.
        step: asyncio: the timed `Handle._run`.
        stop: takes the probes off the loop.
        block: the last long step, for those that come right behind it.
    """

    def __init__(self, process: Process, loop: Any, kind: int) -> None:
        self.process = process
        self.loop = loop
        self.tid = threading.get_native_id()
        self.number = process.take_lane(kind, self.tid)
        self.base = lane_base(self.number)
        self.readings = Readings()
        self.quiet = False
        self.iteration = 0
        self.step: Callable[[Any], None] | None = None
        self.stop: Callable[[], None] = _nothing
        self.block: tuple[int, int] | None = None

    def long_step(self, start: int, now: int, callback: Any, context: Any) -> None:
        """Write a step down.

        Args:
            start: when it began.
            now: when it ended.
            callback: what ran.
            context: the handle's context; None if it is the current one.
        """
        cpu, queue, since = self.readings.take(now)
        if self.quiet:
            return
        label, task = describe(callback)
        self.process.event(
            {
                "k": "step",
                "l": self.number,
                "i": self.iteration,
                "s": start,
                "e": now,
                "c": cpu,
                "q": queue,
                "g": max(0, start - since),
                "p": port_of(request.get() if context is None else context.get(request)),
                "n": label,
                "t": task,
                "o": self.process.stack_bytes(),
                "w": self._waiters(now),
            }
        )
        if now - start >= AFTERMATH_NS:
            self.block = (start, now)
            self.process.aftermath[:] = [self.iteration + AFTERMATH_ITERATIONS]

    def waited(self, callback: Any) -> None:
        """Write down that a step came right behind a block (uvloop's queue is not visible from Python)."""
        if self.block is not None and not self.quiet:
            start, end = self.block
            waiter = [port_of(request.get()), describe(callback)[0], start]
            self.process.event({"k": "waiter", "l": self.number, "e": end, "w": waiter})

    def calm(self) -> None:
        """End the aftermath once enough iterations have passed."""
        aftermath = self.process.aftermath
        if aftermath and self.iteration >= aftermath[0]:
            aftermath.clear()
            self.block = None

    def _waiters(self, now: int) -> list[list[object]]:
        """Who is ready to run on an asyncio loop: what is queued, and timers that are due."""
        found: list[list[object]] = []
        try:
            for handle in list(self.loop._ready)[:MAX_WAITERS]:
                if not handle._cancelled:
                    found.append(_waiter(handle, 0))
            for timer in list(self.loop._scheduled)[:MAX_WAITERS]:
                when = int(timer._when * 1e9)
                if when < now and not timer._cancelled:
                    found.append(_waiter(timer, when))
        except Exception:  # noqa: BLE001  # a loop that keeps its queue elsewhere has no waiters to show
            return found
        return found


def _waiter(handle: Any, since: int) -> list[object]:
    callback = handle._callback
    if since and handle._args:  # a timer that resolves a future: the task behind the future is who waits
        callbacks = getattr(handle._args[0], "_callbacks", None)
        if callbacks:
            callback = callbacks[0][0]
    return [port_of(handle._context.get(request)), describe(callback)[0], since]


def port_of(scope: Any) -> int:
    """The client's port of a request's scope; 0 if there is none."""
    if scope is None:
        return 0
    client = scope.get("client")
    return int(client[1] or 0) if client else 0


def describe(callback: Any) -> tuple[str, str]:
    """The coroutine or callback in words, and the task's name."""
    owner = getattr(callback, "__self__", None)
    if owner is not None and hasattr(owner, "get_coro"):
        coroutine = owner.get_coro()
        return getattr(coroutine, "__qualname__", type(coroutine).__name__), owner.get_name()
    inner = getattr(callback, "func", callback)
    name = getattr(inner, "__qualname__", None) or type(inner).__name__
    return str(name), ""


def _nothing() -> None:
    """A lane that has no probes needs nothing to be taken off."""
