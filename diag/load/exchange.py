"""What happens on one connection between the moment a request is given to it and its answer.

The hot loop in `generator` handles the common case itself; everything else comes here.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from diag.load.connection import (
    CLOSED,
    CONNECTING,
    IDLE,
    IN,
    OUT,
    SENDING,
    WAITING,
    connect_error,
    transfer_error,
)
from diag.load.records import ErrorCode
from diag.load.response import MalformedResponseError, ResponseScanner
from diag.load.wire import NO_REQUEST

if TYPE_CHECKING:
    from diag.load.connection import Connection, Poller
    from diag.load.wire import WireRequest

RECEIVE = 64 * 1024
"""Bytes asked for at once: what a loopback socket commonly holds; above, the allocation shows."""

_MAX_HEADS = 256  # a server with a new id in each head would else fill the memory

_clock = time.monotonic_ns


class Exchanges:
    """Opens connections, sends requests, takes answers, and classifies what goes wrong."""

    def __init__(self, poller: Poller, family: int, address: tuple[str, int]) -> None:
        """Exchange with the server at `address`."""
        self._poller = poller
        self._family = family
        self._address = address
        self.by_fd: dict[int, Connection] = {}
        self.batch = 0
        """Number of the current poll; see `Connection.born`."""

    def begin(self, c: Connection, request: WireRequest, intended_ns: int) -> None:
        """Send a request, after connecting if need be; the owner hears of the end."""
        c.request = request
        c.intended_ns = intended_ns
        c.begun_ns = _clock()
        c.sent_ns = c.first_ns = 0
        c.owner.inflight += 1
        if c.phase == IDLE:
            self._transmit(c)
        elif c.phase == CLOSED:
            self.open(c)

    def open(self, c: Connection) -> None:
        """Connect; then send the request that waits, if there is one."""
        code = c.open(self._family, self._address, self._poller, self.batch)
        if code:
            self._unconnected(c, connect_error(code), _clock())
            return
        self.by_fd[c.fd] = c
        if c.phase == IDLE:
            self._connected(c)

    def close(self, c: Connection) -> None:
        """Close the connection without telling anybody."""
        self.by_fd.pop(c.fd, None)
        c.close(self._poller)

    def on_event(self, c: Connection, mask: int) -> None:
        """Handle an event of a connection that is not simply waiting for the first bytes of an answer."""
        if c.phase == CONNECTING:
            if c.born != self.batch:  # else: an event of the socket that had this descriptor before
                self._on_connect(c)
            return
        if c.phase == SENDING and mask & ~IN:
            self._send_rest(c)
        if (mask & ~OUT or c.phase == IDLE) and c.phase not in (CLOSED, CONNECTING):
            self._read(c)

    def _on_connect(self, c: Connection) -> None:
        assert c.sock is not None
        code = c.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._unconnected(c, connect_error(code), _clock())
            return
        c.phase = IDLE
        self._poller.modify(c.fd, IN)
        self._connected(c)

    def _connected(self, c: Connection) -> None:
        if c.request is NO_REQUEST:
            c.used = True
            c.owner.ready(c)
        else:
            self._transmit(c)

    def _unconnected(self, c: Connection, code: ErrorCode, now: int) -> None:
        if c.request is NO_REQUEST:
            self.close(c)
            c.owner.unready(c, code)
        else:
            self.fail(c, code, now)

    def _transmit(self, c: Connection) -> None:
        c.phase = WAITING
        c.sent_ns = _clock()
        try:
            sent = c.send(c.request.wire)
        except OSError as error:
            self.send_failed(c, error)
            return
        if sent != c.request.size:
            self.send_later(c, sent)

    def send_later(self, c: Connection, sent: int) -> None:
        """Keep the part of a request that the kernel did not take."""
        c.pending = memoryview(c.request.wire)[sent:]
        c.phase = SENDING
        self._poller.modify(c.fd, IN | OUT)

    def send_failed(self, c: Connection, error: OSError) -> None:
        """Handle an exception of `send`."""
        if isinstance(error, BlockingIOError):
            self.send_later(c, 0)
            return
        # A server may have answered (408, 413) before it closed: what it said comes first.
        c.pending = memoryview(c.request.wire)  # whatever the answer says, the connection is of no more use
        while True:
            try:
                data = c.recv(RECEIVE)
            except OSError:
                data = b""
            if not data:
                self.broken(c, transfer_error(error), _clock())
                return
            self.receive(c, data, _clock())
            if c.scanner is None:  # answered, and perhaps already carrying the next request
                return

    def _send_rest(self, c: Connection) -> None:
        assert c.pending is not None
        try:
            c.pending = c.pending[c.send(c.pending) :]
        except BlockingIOError:
            return
        except OSError as error:
            self.send_failed(c, error)
            return
        if not c.pending:
            c.pending = None
            c.phase = WAITING
            self._poller.modify(c.fd, IN)

    def _read(self, c: Connection) -> None:
        try:
            data = c.recv(RECEIVE)
        except OSError as error:
            self.receive_failed(c, error)
            return
        if c.phase == IDLE:
            self._lost(c)
        else:
            self.receive(c, data, _clock())

    def receive_failed(self, c: Connection, error: OSError) -> None:
        """Handle an exception of `recv`."""
        if isinstance(error, BlockingIOError):
            return
        if c.phase == IDLE:
            self._lost(c)
        else:
            self.broken(c, transfer_error(error), _clock())

    def _lost(self, c: Connection) -> None:
        # Closed by the server, or unasked-for bytes (408 Request Timeout): no use in either case.
        self.close(c)
        c.owner.lost(c)

    def receive(self, c: Connection, data: bytes, now: int) -> None:
        """Take bytes of an answer whose head has not been recognised; empty: the server has closed."""
        scanner = c.scanner
        if scanner is None:
            if not data:
                self.broken(c, ErrorCode.PREMATURE_CLOSE, now)
                return
            scanner = c.scanner = ResponseScanner(head_request=c.request.is_head)
            c.first_ns = now
        try:
            done = scanner.feed(data) if data else scanner.feed_eof()
        except MalformedResponseError:
            self.fail(c, ErrorCode.MALFORMED, now)
            return
        if done:
            self._learn(c.request, scanner)
            reusable = scanner.keep_alive and c.pending is None
            self._add_row(c, c.first_ns, now, scanner.status, scanner.body_bytes)
            self.complete(c, now, reusable=reusable)
        elif not data:
            self.broken(c, ErrorCode.PREMATURE_CLOSE, now)

    def _learn(self, request: WireRequest, scanner: ResponseScanner) -> None:
        if scanner.head is not None:
            if len(request.heads) >= _MAX_HEADS:
                request.heads.clear()
            request.last_known = (scanner.status, scanner.total, scanner.body_bytes)
            request.last_head = scanner.head + b"\r\n\r\n"
            request.heads[scanner.head] = request.last_known

    def irregular(self, c: Connection, data: bytes, now: int) -> None:
        """Take bytes that do not fit the recognised head: the end of the stream, or more than announced."""
        if not data:
            self.broken(c, ErrorCode.PREMATURE_CLOSE, now)
            return
        self._add_row(c, c.first_ns, now, c.known[0], c.known[2])
        self.complete(c, now, reusable=False)

    def complete(self, c: Connection, now: int, *, reusable: bool) -> None:
        """Give an answered connection back; its row has been added."""
        c.request = NO_REQUEST
        c.scanner = None
        c.expected = 0
        c.used = True
        c.phase = IDLE
        owner = c.owner
        owner.inflight -= 1
        if not (reusable and owner.keep_alive):
            self.close(c)
        owner.answered(c, now)

    def broken(self, c: Connection, code: ErrorCode, now: int) -> None:
        """Handle a connection that ended under a request: try again as real clients do, or fail.

        A server may close a kept-alive connection at any time. If that crosses a request, nothing of
        an answer comes, and RFC 9112 (9.3.1) lets a client repeat an idempotent request. The second
        try has a fresh connection, so it is never repeated itself. Another request is not repeated (RFC
        9110, 9.2.2), and is no failure of the server's either. A server that dies of it is not hidden by
        that: the next one has a fresh connection, on which it counts.
        """
        crossed = c.used and not c.expected and c.scanner is None
        if crossed and not c.request.idempotent:
            self.fail(c, ErrorCode.CLOSED_UNDER, now)
        elif crossed:
            c.owner.retries += 1
            self.close(c)
            c.begun_ns = now
            self.open(c)
        else:
            self.fail(c, code, now)

    def fail(self, c: Connection, code: ErrorCode, now: int) -> None:
        """Record a request that got no answer, close its connection, and give it back."""
        answering = c.expected or c.scanner is not None
        self._add_row(c, c.first_ns if answering else 0, now, code, c.scanner.body_bytes if c.scanner else 0)
        c.failures = 1 if c.used else c.failures + 1
        c.request = NO_REQUEST
        self.close(c)
        c.owner.inflight -= 1
        c.owner.failed(c, now)

    def fail_overdue(self, now: int) -> None:
        """Give up the requests, and the connections on their way, that have taken too long."""
        for c in list(self.by_fd.values()):
            if c.request is NO_REQUEST:
                continue
            connecting = c.phase == CONNECTING
            if now - (c.begun_ns if connecting else c.sent_ns) > c.owner.timeout_ns:
                self.fail(c, ErrorCode.CONNECT_TIMEOUT if connecting else ErrorCode.TIMED_OUT, now)

    def _add_row(self, c: Connection, first_ns: int, now: int, status: int, body_bytes: int) -> None:
        request = c.request
        request.add((
            request.stream,
            request.index,
            c.port,
            c.intended_ns,
            c.sent_ns,
            first_ns,
            now,
            int(status),
            body_bytes,
        ))  # fmt: skip
