"""Who sends when: the users of a closed stream, the arrivals of an open one."""

from __future__ import annotations

import itertools
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from diag.load import arrivals
from diag.load.connection import CLOSED, IDLE, Connection
from diag.load.histogram import Histogram
from diag.load.records import ErrorCode
from diag.load.spec import Closed, Open
from diag.load.timers import NEVER
from diag.load.wire import NO_REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.load.exchange import Exchanges
    from diag.load.spec import Stream
    from diag.load.timers import Timers
    from diag.load.wire import WireRequest

_BACKOFF_NS = 5_000_000
_MAX_BACKOFF_NS = 1_000_000_000
_ARRIVALS_AT_ONCE = 64  # then answers get a turn, however late the arrivals are

_clock = time.monotonic_ns


class Overseer(Protocol):
    """What the drivers report to."""

    timers: Timers
    exchanges: Exchanges

    def prepared(self, connection: Connection, code: ErrorCode | None) -> None:
        """Learn that a connection is open before the start, or why it is not."""

    def check_over(self) -> None:
        """See whether all streams have ended."""


class Driver:
    """What closed and open streams share."""

    def __init__(self, overseer: Overseer, stream: Stream, requests: list[WireRequest], seed: str) -> None:
        """Make the connections, all closed, and the order of the requests."""
        self._timers = overseer.timers
        self._exchanges = overseer.exchanges
        self._overseer = overseer
        self.stream = stream
        self.keep_alive = stream.keep_alive
        self.timeout_ns = stream.timeout_ns
        weights = [request.weight for request in stream.requests]
        order = arrivals.balanced(requests, weights, f"{seed}/order")
        # The count ends the iterator: running out of requests is the loop's StopIteration, no counter needed.
        limited = order if stream.total is None else itertools.islice(order, stream.total)
        self.take: Callable[[], WireRequest] = limited.__next__
        self.connections: list[Connection] = []
        self.inflight = 0
        self.retries = 0
        self.idle_closes = 0
        self.longest_queue = 0
        self.started = False
        self.stopped = False
        self.lag = Histogram()
        self._lags: list[int] = []

    @property
    def to_prepare(self) -> list[Connection]:
        """The connections to open before the clock starts: none where connecting is measured."""
        return self.connections[: self._prepared] if self.keep_alive else []

    @property
    def _prepared(self) -> int:
        raise NotImplementedError

    @property
    def unfinished(self) -> bool:
        """Whether a request is on its way or waits for a connection."""
        return self.inflight > 0

    def start(self, start_ns: int) -> None:
        """Begin to send."""
        self.started = True
        if self.stream.duration_ns is not None:
            self._timers.at(start_ns + self.stream.duration_ns, self.stop)

    def stop(self, _now: int = 0) -> None:
        """Send no new requests; answers are still taken."""
        if not self.stopped:
            self.stopped = True
            for c in self.connections:
                c.take = None
            self._overseer.check_over()

    def give_up(self, now: int) -> None:
        """Record what is still unanswered, and close all connections."""
        self.stopped = True
        for c in self.connections:
            if c.request is not NO_REQUEST:
                self._exchanges.fail(c, ErrorCode.UNFINISHED, now)
            self._exchanges.close(c)

    def flush_lags(self) -> None:
        """Count the lags gathered since the last time."""
        self.lag.record_many(self._lags)
        self._lags.clear()

    def summary(self) -> dict[str, object]:
        """Give what was counted of the stream beside its requests."""
        return {
            "connects": sum(c.opened for c in self.connections),
            "reconnects": sum(max(0, c.opened - 1) for c in self.connections),
            "retries": self.retries,
            "idle_closes": self.idle_closes,
            "longest_queue": self.longest_queue,
            "lag": self.lag.to_json(),
        }

    def ready(self, connection: Connection) -> None:
        """See `Owner.ready`."""
        self._overseer.prepared(connection, None)

    def unready(self, connection: Connection, code: ErrorCode) -> None:
        """See `Owner.unready`."""
        self._overseer.prepared(connection, code)

    def answered(self, c: Connection, now: int) -> None:
        """See `Owner.answered`."""
        raise NotImplementedError

    def failed(self, c: Connection, now: int) -> None:
        """See `Owner.failed`."""
        raise NotImplementedError

    def lost(self, connection: Connection) -> None:
        """See `Owner.lost`."""
        del connection
        self.idle_closes += 1


class ClosedDriver(Driver):
    """Users who each send when answered. A user keeps one connection slot."""

    def __init__(self, overseer: Overseer, stream: Stream, requests: list[WireRequest], seed: str) -> None:
        """Make one connection for each user."""
        super().__init__(overseer, stream, requests, seed)
        assert isinstance(stream.load, Closed)
        self._think_ns = stream.load.think_ns
        self.connections = [Connection(self) for _ in range(stream.load.users)]

    @property
    def _prepared(self) -> int:
        return len(self.connections)

    def start(self, start_ns: int) -> None:
        """Let all users send; those who think start spread over one think time, not in step."""
        super().start(start_ns)
        for index, c in enumerate(self.connections):
            if self._think_ns:
                self._at(c, start_ns + self._think_ns * index // len(self.connections))
                continue
            c.take = self.take if self.keep_alive and not self.stopped else None
            # From each user's own first send: thousands of them take some ms, which are not the server's.
            self._next(c, _clock())

    def _at(self, c: Connection, due_ns: int) -> None:
        def due(now: int) -> None:
            if not self.stopped:
                self._lags.append(now - due_ns)
                self._next(c, due_ns)

        self._timers.at(due_ns, due)

    def _next(self, c: Connection, intended_ns: int) -> None:
        if self.stopped:
            return
        try:
            request = self.take()
        except StopIteration:
            self.stop()
            return
        self._exchanges.begin(c, request, intended_ns)

    def answered(self, c: Connection, now: int) -> None:
        """See `Owner.answered`."""
        if self.stopped:
            self._overseer.check_over()
        elif self._think_ns:
            self._at(c, now + self._think_ns)
        else:
            self._next(c, _clock())

    def failed(self, c: Connection, now: int) -> None:
        """See `Owner.failed`: the user tries again after a pause that doubles with each failure in a row."""
        if self.stopped:
            self._overseer.check_over()
            return
        pause_ns = min(_BACKOFF_NS << min(c.failures - 1, 20), _MAX_BACKOFF_NS)
        # From when the pause ends, not from when it should: it is the generator's, not the server's.
        self._timers.at(now + pause_ns, lambda due: self._next(c, due))


class OpenDriver(Driver):
    """Arrivals at a rate. Idle connections take turns, so that every worker of the server gets its share."""

    def __init__(self, overseer: Overseer, stream: Stream, requests: list[WireRequest], seed: str) -> None:
        """Make the connection slots and the schedule."""
        super().__init__(overseer, stream, requests, seed)
        assert isinstance(stream.load, Open)
        self._load = stream.load
        self.connections = [Connection(self) for _ in range(stream.load.max_connections)]
        self._idle: deque[Connection] = deque()
        self._spare: list[Connection] = []
        self._queue: deque[tuple[WireRequest, int]] = deque()
        self._offsets = arrivals.offsets(stream.load.arrivals, stream.load.rate, f"{seed}/arrivals")
        if stream.load.offsets_ns:
            seen = stream.load.offsets_ns
            self._offsets = itertools.chain(seen, itertools.repeat(seen[-1]))  # the order's end is the load's
            self.take = map(requests.__getitem__, stream.load.order).__next__
        self._start_ns = self._due_ns = 0
        self._end_ns = NEVER

    @property
    def _prepared(self) -> int:
        return self._load.connections

    @property
    def unfinished(self) -> bool:
        """Whether a request is on its way or waits for a connection."""
        return self.inflight > 0 or bool(self._queue)

    def start(self, start_ns: int) -> None:
        """Begin the schedule."""
        self._start_ns = start_ns
        if self.stream.duration_ns is not None:
            self._end_ns = start_ns + self.stream.duration_ns
        self.started = True
        for c in self.connections:
            if c.phase == IDLE:
                self._idle.append(c)
            elif c.phase == CLOSED:
                self._spare.append(c)
        self._spare.reverse()
        self._due_ns = start_ns + next(self._offsets)
        self._arrive(start_ns)

    def _arrive(self, now: int) -> None:
        """Send what is due, then wait for the next arrival."""
        for _ in range(_ARRIVALS_AT_ONCE):
            if self.stopped:
                return
            if self._due_ns >= self._end_ns:
                # Stopped at the end, not at the last arrival: a duration lasts as long as it says.
                self._timers.at(self._end_ns, self.stop)
                return
            if self._due_ns > now:
                break
            try:
                request = self.take()
            except StopIteration:
                self.stop()
                return
            self._lags.append(now - self._due_ns)
            self._dispatch(request, self._due_ns)
            self._due_ns = self._start_ns + next(self._offsets)
            now = _clock()
        self._timers.at(self._due_ns, self._arrive)

    def _dispatch(self, request: WireRequest, intended_ns: int) -> None:
        if self._queue:  # first come, first served
            self._enqueue(request, intended_ns)
        elif self._idle:
            self._exchanges.begin(self._idle.popleft(), request, intended_ns)
        elif self._spare:
            self._exchanges.begin(self._spare.pop(), request, intended_ns)
        else:
            self._enqueue(request, intended_ns)

    def _enqueue(self, request: WireRequest, intended_ns: int) -> None:
        self._queue.append((request, intended_ns))
        self.longest_queue = max(self.longest_queue, len(self._queue))

    def answered(self, c: Connection, now: int) -> None:
        """See `Owner.answered`."""
        del now
        if self._queue:
            self._exchanges.begin(c, *self._queue.popleft())
            return
        (self._spare if c.phase == CLOSED else self._idle).append(c)
        if self.stopped:
            self._overseer.check_over()

    def failed(self, c: Connection, now: int) -> None:
        """See `Owner.failed`; what is queued goes on in the next pass, for a dead server fails at once."""
        self._timers.at(now, lambda now: self.answered(c, now))

    def ready(self, connection: Connection) -> None:
        """See `Owner.ready`; one that opens after the start joins the idle ones."""
        if self.started:
            self._idle.append(connection)
        super().ready(connection)

    def unready(self, connection: Connection, code: ErrorCode) -> None:
        """See `Owner.unready`."""
        if self.started:
            self._spare.append(connection)
        super().unready(connection, code)

    def lost(self, connection: Connection) -> None:
        """See `Owner.lost`."""
        super().lost(connection)
        if self.started:
            self._idle.remove(connection)
            self._spare.append(connection)

    def give_up(self, now: int) -> None:
        """Record what is unanswered and what was never sent."""
        for request, intended_ns in self._queue:
            request.add((
                request.stream, request.index, 0, intended_ns, 0, 0, now, int(ErrorCode.UNFINISHED), 0,
            ))  # fmt: skip
        self._queue.clear()
        super().give_up(now)


def make_driver(overseer: Overseer, stream: Stream, requests: list[WireRequest], seed: str) -> Driver:
    """Give the driver for the stream's load."""
    kind = ClosedDriver if isinstance(stream.load, Closed) else OpenDriver
    return kind(overseer, stream, requests, seed)
