"""Which request a long step worked for: the target knows the client's port, the client knows the times.

A connection carries one request at a time, and all clocks are one clock: the request that was under way on
that port at that time is the one. What the target saw of a request's beginning (`Served`) is kept where it
was written down; elsewhere the request had nothing to wait for, and its beginning is when it was sent.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

from diag.recording import Served

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.recording import Request, Run, Step, Waiter


def join(run: Run) -> Run:
    """The same run with the `request_key` of steps and waiters filled in, and `served` made complete.

    Every `Served` of the result has an end, and a `start_ns` that is unique within the run.
    """
    return _Join(run).result()


class _Join:
    """The tables of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._requests = _by_port(run.requests)
        self._sent = {port: [r.sent_ns for r in found] for port, found in self._requests.items()}
        self._pids = {lane.lane_id: lane.pid for lane in run.lanes}
        self._served: dict[tuple[int, int], Served] = {}  # (port, sent) of the request
        self._alone: list[Served] = []
        self._keys: set[int] = {served.start_ns for served in run.served}
        for served in run.served:
            self._place(served)

    def _place(self, served: Served) -> None:
        request = self._request_at(served.port, served.start_ns)
        if request is None:
            self._alone.append(served if served.end_ns else replace(served, end_ns=served.start_ns))
            return
        whole = served if served.end_ns else replace(served, end_ns=max(request.done_ns, served.start_ns))
        # The first is kept: one request may reach two applications that are both watched.
        self._served.setdefault((request.port, request.sent_ns), whole)

    def _request_at(self, port: int, at: int) -> Request | None:
        """The request under way on a connection at one moment.

        That moment is a step's beginning: before its end, the answer may be out and the next request in.
        """
        found = self._requests.get(port)
        if not port or found is None:
            return None
        index = bisect_right(self._sent[port], at) - 1
        if index < 0 or 0 < found[index].done_ns < at:
            return None
        return found[index]

    def _key(self, lane_id: int, port: int, start: int, end: int, began: int = 0) -> int:
        """The key of the request for which something ran, 0 if there is none.

        `began` is when that request began, 0 where the target could not tell: then it is the one under way
        when it ran. What a request leaves behind may run when the next one is under way already.
        """
        request = self._request_at(port, began or start)
        if request is None:
            return 0
        place = (request.port, request.sent_ns)
        served = self._served.get(place)
        if served is None:
            served = Served(
                pid=self._pids.get(lane_id, 0),
                tid=0,
                port=port,
                start_ns=self._new_key(min(request.sent_ns, start)),
                end_ns=max(request.done_ns, end),
            )
            self._served[place] = served
        return served.start_ns

    def _new_key(self, start: int) -> int:
        while start in self._keys:  # two users that send in the same nanosecond are two requests
            start += 1
        self._keys.add(start)
        return start

    def _step(self, step: Step) -> Step:
        if not step.port and not step.waiters:
            return step
        return replace(
            step,
            request_key=self._key(step.lane_id, step.port, step.start_ns, step.end_ns, step.request_key),
            waiters=tuple(self._waiter(step, waiter) for waiter in step.waiters),
        )

    def _waiter(self, step: Step, waiter: Waiter) -> Waiter:
        if not waiter.port or waiter.request_key:
            return waiter
        return replace(waiter, request_key=self._key(step.lane_id, waiter.port, waiter.since_ns, step.end_ns))

    def result(self) -> Run:
        steps = tuple(self._step(step) for step in self._run.steps)
        return replace(self._run, steps=steps, served=tuple(self._unique()))

    def _unique(self) -> list[Served]:
        everything = sorted([*self._served.values(), *self._alone], key=lambda served: served.start_ns)
        seen: set[int] = set()
        kept = []
        for served in everything:
            if served.start_ns not in seen:
                seen.add(served.start_ns)
                kept.append(served)
        return kept


def _by_port(requests: Iterable[Request]) -> dict[int, list[Request]]:
    found: dict[int, list[Request]] = {}
    for request in requests:
        if request.sent_ns:
            found.setdefault(request.port, []).append(request)
    for of_port in found.values():
        of_port.sort(key=lambda request: request.sent_ns)
    return found
