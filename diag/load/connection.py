"""One connection slot: a socket that may be closed and opened again, and the request it carries."""

from __future__ import annotations

import errno
import select
import socket
from typing import TYPE_CHECKING, Protocol

from diag.load.records import ErrorCode
from diag.load.wire import NO_REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.load.response import ResponseScanner
    from diag.load.wire import WireRequest

CLOSED, CONNECTING, IDLE, SENDING, WAITING = range(5)

IN, OUT = select.POLLIN, select.POLLOUT  # the same numbers as EPOLLIN and EPOLLOUT


class Poller(Protocol):
    """What epoll and poll have in common, as far as it is used."""

    def register(self, fd: int, mask: int) -> None:
        """Watch a descriptor."""

    def modify(self, fd: int, mask: int) -> None:
        """Watch it for something else."""

    def forget(self, fd: int) -> None:
        """Stop watching a descriptor that is about to be closed."""


class Owner(Protocol):
    """What decides which request a connection carries next: a driver."""

    keep_alive: bool
    timeout_ns: int
    inflight: int
    retries: int

    def ready(self, connection: Connection) -> None:
        """Take a connection that is open and carries no request."""

    def unready(self, connection: Connection, code: ErrorCode) -> None:
        """Take a connection that could not be opened and carries no request."""

    def answered(self, connection: Connection, now: int) -> None:
        """Take back a connection whose request has been answered."""

    def failed(self, connection: Connection, now: int) -> None:
        """Take back a connection, now closed, whose request has failed."""

    def lost(self, connection: Connection) -> None:
        """Learn that the server has closed an idle connection."""


class Connection:
    """Mutable and flat: the hot loop reads and writes these attributes for each request."""

    __slots__ = (
        "begun_ns",
        "born",
        "expected",
        "failures",
        "fd",
        "first_ns",
        "intended_ns",
        "known",
        "opened",
        "owner",
        "pending",
        "phase",
        "port",
        "recv",
        "request",
        "scanner",
        "send",
        "sent_ns",
        "sock",
        "take",
        "used",
    )

    def __init__(self, owner: Owner) -> None:
        """Make a closed slot."""
        self.owner = owner
        self.phase = CLOSED
        self.sock: socket.socket | None = None
        self.fd = -1
        self.recv: Callable[[int], bytes] = _closed_recv
        self.send: Callable[[bytes | memoryview], int] = _closed_send
        self.port = 0
        self.born = -1
        """Number of the poll in whose events it was opened: older events of this fd are not its own."""
        self.take: Callable[[], WireRequest] | None = None
        """What gives the next request at once when one is answered; None if the owner must be asked."""
        self.request: WireRequest = NO_REQUEST
        self.intended_ns = self.begun_ns = self.sent_ns = self.first_ns = 0
        self.expected = 0
        """Bytes still to come of an answer whose head was recognised; 0 before an answer's first byte."""
        self.known = (0, 0, 0)
        self.scanner: ResponseScanner | None = None
        self.pending: memoryview | None = None
        self.used = False
        """Whether this socket has carried an answer, or has been idle: then a close may be no error."""
        self.opened = 0
        """How often the slot has been opened."""
        self.failures = 0
        """Failures in a row, for the backoff."""

    def open(self, family: int, address: tuple[str, int], poller: Poller, born: int) -> int:
        """Begin to connect; give 0 or the errno of a failure that is known at once.

        Afterwards the phase is CONNECTING, or IDLE if the kernel connected it at once.
        """
        self.port = 0
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            return error.errno or errno.EIO
        sock.setblocking(False)
        # Without it a request sent in two parts waits for the server's delayed ACK: 40 ms of nobody's fault.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            sock.close()
            return code
        self.sock, self.fd, self.recv, self.send = sock, sock.fileno(), sock.recv, sock.send
        self.born = born
        self.used = False
        self.opened += 1
        self.port = sock.getsockname()[1]
        self.phase = CONNECTING if code else IDLE
        poller.register(self.fd, OUT if code else IN)
        return 0

    def close(self, poller: Poller) -> None:
        """Close the socket, if there is one, and forget what was being received."""
        if self.sock is not None:
            poller.forget(self.fd)
            self.sock.close()
        self.sock = None
        self.fd = -1
        self.recv, self.send = _closed_recv, _closed_send
        self.phase = CLOSED
        self.expected = 0
        self.scanner = None
        self.pending = None


def _closed_recv(_size: int) -> bytes:
    msg = "a closed connection was read"
    raise AssertionError(msg)


def _closed_send(_data: bytes | memoryview) -> int:
    msg = "a closed connection was written"
    raise AssertionError(msg)


_CONNECT_CODES = {
    errno.ECONNREFUSED: ErrorCode.CONNECT_REFUSED,
    errno.ECONNRESET: ErrorCode.CONNECT_RESET,
    errno.ETIMEDOUT: ErrorCode.CONNECT_TIMEOUT,
    errno.EADDRNOTAVAIL: ErrorCode.NO_LOCAL_PORT,
    errno.EMFILE: ErrorCode.NO_DESCRIPTOR,
    errno.ENFILE: ErrorCode.NO_DESCRIPTOR,
}


def connect_error(code: int) -> ErrorCode:
    """Classify the errno of a failed connect."""
    return _CONNECT_CODES.get(code, ErrorCode.OTHER)


def transfer_error(error: OSError) -> ErrorCode:
    """Classify an error of send or receive."""
    return ErrorCode.RESET if error.errno in (errno.ECONNRESET, errno.EPIPE) else ErrorCode.OTHER
