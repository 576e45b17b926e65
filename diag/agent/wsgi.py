"""A WSGI worker: each request is a step of the thread that serves it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from diag.agent import canary, process, stacks
from diag.agent import words as w
from diag.agent.lane import Readings, clock, here, readings_here, request
from diag.agent.originals import threads_are_greenlets
from diag.agent.process import lane_base

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from diag.agent.process import Process


def wrap_wsgi(app: Any, capacity: int = 0) -> Any:
    """The same WSGI application, each request's beginning and end written down.

    Args:
        app: the application.
        capacity: threads that serve together in this process; 0 if there is no bound.
    """
    spool = process.current()
    if spool is None:
        return app
    spool.words[w.H_CAPACITY] = capacity
    if not threads_are_greenlets():  # else it comes on the hub, once that runs
        _plant_canary(spool)

    noted = False

    def diag_wsgi(environ: Any, start_response: Any) -> Any:
        nonlocal noted
        if not noted and "REMOTE_PORT" not in environ:
            noted = True
            spool.note("no-port")
        hub = here().hub
        if hub is not None:  # a greenlet's request holds nobody up while it waits: the hub's steps tell
            hub.serve(_port(environ))
            return app(environ, start_response)
        port = _port(environ)
        call = _Call(spool, readings_here(), port)
        request.set((("", port), call.start))  # for the steps of a loop that the request may run
        try:
            result = app(environ, start_response)
        except BaseException:
            call.finish()
            raise
        if isinstance(result, (list, tuple)) or _is_file(result, environ.get("wsgi.file_wrapper")):
            call.finish()  # the body is there already, or the server sends a file by itself
            return result
        return _Body(result, call)

    return diag_wsgi


def _port(environ: Any) -> int:
    """The client's port; 0 where the server keeps it to itself."""
    try:
        return int(environ.get("REMOTE_PORT") or 0)
    except (TypeError, ValueError):  # a server may put anything there
        return 0


def _is_file(result: object, wrapper: object) -> bool:
    return isinstance(wrapper, type) and isinstance(result, wrapper)  # some servers' is a function


def _plant_canary(spool: Process) -> None:
    """In the thread that loads the application, as if a request had come."""
    if spool.canary_planted:
        return
    spool.canary_planted = True
    stacks.await_watcher(spool)
    call = _Call(spool, readings_here(), 0)
    if call.lane >= 0:
        canary.block(spool, call.lane)
    call.finish("canary")


class _Call:
    """One request in a worker's thread."""

    __slots__ = ("done", "lane", "port", "readings", "spool", "start")

    def __init__(self, spool: Process, readings: Readings, port: int) -> None:
        self.spool = spool
        self.readings = readings
        self.port = port
        self.lane = spool.take_lane(w.KIND_WORKER, threading.get_native_id(), stacks.thread_state())
        self.done = False
        self.start = clock()
        readings.take(self.start)
        if self.lane >= 0:
            spool.words[lane_base(self.lane) + w.L_BUSY_SINCE] = self.start

    def finish(self, label: str = "request") -> None:
        """Write the request down, once."""
        if self.done:
            return
        self.done = True
        spool, end = self.spool, clock()
        if label == "request":
            spool.serve(threading.get_native_id(), self.port, self.start, end)
        if self.lane < 0:
            return
        base = lane_base(self.lane)
        spool.words[base + w.L_BUSY_SINCE] = 0
        spool.words[base + w.L_STEPS] += 1
        spool.words[base + w.L_BUSY] += end - self.start
        if end - self.start >= w.SLOW_NS:
            self._long(label, end)
        spool.give_lane(self.lane)

    def _long(self, label: str, end: int) -> None:
        cpu, queue, since = self.readings.take(end)
        self.spool.event(
            {
                "k": "step",
                "l": self.lane,
                "i": 0,
                "s": self.start,
                "e": end,
                "c": cpu,
                "q": queue,
                "g": max(0, self.start - since),
                "p": self.port,
                "n": label,
                "t": "",
                "w": [],
            }
        )


class _Body:
    """A response body whose iteration still belongs to the request."""

    def __init__(self, body: Iterable[bytes], call: _Call) -> None:
        self._body = body
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        finally:
            self._call.finish()

    def close(self) -> None:
        """Close the body, as servers do."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._call.finish()
