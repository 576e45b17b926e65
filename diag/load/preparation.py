"""Opening the first connections before the clock starts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.load.connection import Connection
    from diag.load.exchange import Exchanges
    from diag.load.records import ErrorCode
    from diag.load.timers import Timers

_AT_ONCE = 64  # half of the shortest usual listen backlog (128): more would measure the backlog, not prepare
_RETRY_NS = 50_000_000


class Preparation:
    """Opens connections, a few at a time, and again if refused, until all are open or time is up."""

    def __init__(self, exchanges: Exchanges, timers: Timers, todo: list[Connection]) -> None:
        """Prepare the connections `todo`."""
        self._exchanges = exchanges
        self._timers = timers
        self._todo = todo[::-1]
        self._running = 0
        self.wanted = len(todo)
        self.opened = 0
        self.last_error: ErrorCode | None = None
        self.over = False
        self._then: Callable[[], None] | None = None

    def begin(self, timeout_ns: int, then: Callable[[], None]) -> None:
        """Open; call `then` when all are open, or after `timeout_ns` with those that are."""
        self._then = then
        self._timers.at(time.monotonic_ns() + timeout_ns, self._finish)
        self._open_some(0)

    def settled(self, c: Connection, code: ErrorCode | None) -> None:
        """Learn what became of a connection."""
        self._running -= 1
        if code is None:
            self.opened += 1
        else:
            self.last_error = code
        if self.over:
            return
        if code is not None:
            self._todo.append(c)
            self._timers.at(time.monotonic_ns() + _RETRY_NS, self._open_some)
        elif self.opened == self.wanted:
            self._finish(0)
        else:
            # In the next pass: a connection may open at once, and a thousand of them would nest calls.
            self._timers.at(0, self._open_some)

    def _open_some(self, _now: int) -> None:
        if self.wanted == 0:
            self._finish(0)
        while self._todo and self._running < _AT_ONCE and not self.over:
            self._running += 1
            self._exchanges.open(self._todo.pop())

    def _finish(self, _now: int) -> None:
        if not self.over and self._then is not None:
            self.over = True
            self._then()
