"""The loop: one thread, non-blocking sockets, no client library.

Measured against a static nginx (docs/benchmarks/generator_ceiling.py) it costs about what wrk costs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from diag.load.connection import WAITING
from diag.load.drivers import Driver, make_driver
from diag.load.exchange import RECEIVE, Exchanges
from diag.load.limits import Usage, loopback_addresses, pick_address
from diag.load.pollers import make_poller
from diag.load.preparation import Preparation
from diag.load.recorder import Recorder
from diag.load.spec import Open
from diag.load.timers import Timers
from diag.load.wire import WireRequest, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.load.connection import Connection
    from diag.load.records import ErrorCode
    from diag.load.spec import LoadSpec

_FLUSH_NS = 5_000_000  # at 100,000 req/s a flush then takes some 0.2 ms
_EXACT_FLUSH_NS = 1_000_000
_EXACT_EVENTS = 8  # handled between two looks at the clock: an arrival waits for 60 us of them at most
_HOUSEKEEPING_NS = 50_000_000
_LONGEST_WAIT_NS = 1_000_000_000

_clock = time.monotonic_ns


class Generator:
    """Makes the load of a spec: `prepare`, `start`, and `run` in between and after."""

    def __init__(self, spec: LoadSpec) -> None:
        """Resolve the host and make requests and drivers; raise LimitError if the host is not loopback."""
        self._spec = spec
        self.poller = make_poller()
        family, address = pick_address(loopback_addresses(spec.host, spec.port))
        self.timers = Timers()
        self.exchanges = Exchanges(self.poller, family, address)
        requests: list[WireRequest] = []
        self.drivers: list[Driver] = []
        for number, stream in enumerate(spec.streams):
            own = [
                WireRequest(number, index, encode(spec, stream, request), request.method)
                for index, request in enumerate(stream.requests)
            ]
            requests += own
            self.drivers.append(make_driver(self, stream, own, f"{spec.seed}/{number}"))
        self.recorder = Recorder(requests, spec.records_path if spec.records == "full" else None)
        # Waits are only worth spinning for where something is due at a time that is reported.
        self._exact = any(isinstance(s.load, Open) or s.load.think_ns for s in spec.streams)
        self._preparation = Preparation(
            self.exchanges, self.timers, [c for driver in self.drivers for c in driver.to_prepare]
        )
        self._spun_ns = 0
        self._on_control: Callable[[], None] = lambda: None
        self._over = False
        self._started: Usage | None = None
        self._stopped: Usage | None = None
        self._spun_when_stopped_ns = 0

    @property
    def wanted(self) -> int:
        """How many connections are to be open before the start."""
        return self._preparation.wanted

    @property
    def opened(self) -> int:
        """How many of them are."""
        return self._preparation.opened

    @property
    def last_error(self) -> ErrorCode | None:
        """Why the last of them that failed did."""
        return self._preparation.last_error

    def watch(self, fd: int, on_control: Callable[[], None]) -> None:
        """Call `on_control` whenever the descriptor `fd` can be read."""
        self._on_control = on_control
        self.poller.register(fd, 1)

    def prepare(self, then: Callable[[], None]) -> None:
        """Open connections, and call `then` when that is done."""
        self._preparation.begin(self._spec.connect_timeout_ns, then)
        self._housekeeping(_clock())

    def prepared(self, connection: Connection, code: ErrorCode | None) -> None:
        """See `Overseer.prepared`."""
        self._preparation.settled(connection, code)

    def start(self) -> int:
        """Start all streams; give the time that counts as the start."""
        self._started = Usage.now()
        start_ns = self._started.wall_ns
        for driver in self.drivers:
            driver.start(start_ns)
        return start_ns

    def stop(self) -> None:
        """Stop sending in all streams; answers are waited for."""
        for driver in self.drivers:
            driver.stop()

    def finish(self) -> None:
        """Leave the loop in its next pass, whatever is unanswered."""
        self._over = True

    def check_over(self) -> None:
        """See `Overseer.check_over`."""
        if self._over or not all(driver.stopped for driver in self.drivers):
            return
        if self._stopped is None:
            self._stopped = Usage.now()
            self._spun_when_stopped_ns = self._spun_ns
            self.timers.at(self._stopped.wall_ns + self._spec.drain_ns, lambda _now: self.finish())
        if not any(driver.unfinished for driver in self.drivers):
            self._over = True

    def run(self) -> None:  # noqa: C901, PLR0912, PLR0915  # see below
        """Run until all streams have ended and been drained, or `finish` is called.

        This function is long and repeats what `Exchanges` does more generally, because a call costs
        50 to 100 ns and an attribute 5 ns, of about 2,500 ns that a request may cost here outside of
        the kernel. It handles the answer whose head has been seen before, in one piece or in several,
        and sends the next request of a user who does not think; all else goes to `Exchanges`.
        """
        heap, run_due = self.timers.heap, self.timers.run_due
        exchanges = self.exchanges
        find_connection = exchanges.by_fd.get
        clock, flush, wait = _clock, self.recorder.flush, self._wait
        flush_ns = _EXACT_FLUSH_NS if self._exact else _FLUSH_NS
        flush_at = 0
        while not self._over:
            now = clock()
            if heap[0][0] <= now:
                run_due(now)
                now = clock()
            if flush_at <= now:
                flush()
                now = clock()
                flush_at = now + flush_ns
            if self._over:
                break
            exchanges.batch += 1
            for fd, mask in wait(heap[0][0] - now, now):
                c = find_connection(fd)
                if c is None:
                    self._on_control()
                    continue
                if c.phase != WAITING or c.scanner is not None:
                    exchanges.on_event(c, mask)
                    continue
                try:
                    data = c.recv(RECEIVE)
                except OSError as error:
                    exchanges.receive_failed(c, error)
                    continue
                now = clock()
                request = c.request
                if c.expected:
                    known = c.known
                    first = c.first_ns
                    left = c.expected - len(data)
                elif data.startswith(request.last_head):
                    c.known = known = request.last_known
                    c.first_ns = first = now
                    left = known[1] - len(data)
                else:
                    # Without an empty line find() gives -1, and no head lacks just its last byte.
                    seen = request.heads.get(data[: data.find(b"\r\n\r\n")])
                    if seen is None:
                        exchanges.receive(c, data, now)
                        continue
                    c.known = known = seen
                    c.first_ns = first = now
                    left = known[1] - len(data)
                if left:
                    if left > 0 and data:
                        c.expected = left
                    else:
                        exchanges.irregular(c, data, now)
                    continue
                request.add((
                    request.stream, request.index, c.port,
                    c.intended_ns, c.sent_ns, first, now, known[0], known[2],
                ))  # fmt: skip
                c.expected = 0
                take = c.take
                if take is None:
                    exchanges.complete(c, now, reusable=True)
                    continue
                try:
                    request = take()
                except StopIteration:
                    exchanges.complete(c, now, reusable=True)
                    continue
                c.request = request
                c.used = True
                c.intended_ns = c.sent_ns = clock()
                try:
                    sent = c.send(request.wire)
                except OSError as error:
                    exchanges.send_failed(c, error)
                    continue
                if sent != request.size:
                    exchanges.send_later(c, sent)

    def close(self) -> dict[str, object]:
        """Record what is unanswered, close everything, and give the summary."""
        now = _clock()
        for driver in self.drivers:
            driver.give_up(now)
            driver.flush_lags()
        self.recorder.close()
        started = self._started or Usage.now()
        stopped = self._stopped or Usage.now()
        spun_ns = self._spun_when_stopped_ns if self._stopped else self._spun_ns
        return {
            "started_ns": started.wall_ns,
            "stopped_ns": stopped.wall_ns,
            "ended_ns": now,
            "cpu_ns": stopped.cpu_ns - started.cpu_ns,
            "spun_ns": spun_ns,
            "runqueue_ns": stopped.runqueue_ns - started.runqueue_ns,
            "wanted_connections": self.wanted,
            "opened_connections": self.opened,
            "requests": self.recorder.summary(),
            "streams": [driver.summary() for driver in self.drivers],
        }

    def _wait(self, gap_ns: int, now: int) -> list[tuple[int, int]]:
        """Wait for events until the next timer; spin for the last part where lateness would be reported."""
        if not self._exact:
            return self.poller.poll(min(max(gap_ns, 0), _LONGEST_WAIT_NS) / 1e9)
        if gap_ns > self._spec.spin_ns:
            return self.poller.wait(min(gap_ns - self._spec.spin_ns, _LONGEST_WAIT_NS), _EXACT_EVENTS)
        poll = self.poller.poll
        events, after = poll(0, _EXACT_EVENTS), now
        while not events and after - now < gap_ns:
            after = _clock()
            events = poll(0, _EXACT_EVENTS)
        self._spun_ns += after - now
        return events

    def _housekeeping(self, now: int) -> None:
        self.exchanges.fail_overdue(now)
        for driver in self.drivers:
            driver.flush_lags()
        self.timers.at(now + _HOUSEKEEPING_NS, self._housekeeping)
