"""Stopping a server, and what is seen of it meanwhile."""

from __future__ import annotations

import shlex
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from diag.reap import cleans_up, end_all, send
from diag.servers.exits import describe_exit
from diag.servers.readiness import why_it_stays

if TYPE_CHECKING:
    from diag.servers.process import ServerProcess

_POLL_S = 0.02
_ORPHANS_S = 0.3
"""What workers have for noticing that their master is gone, before they count as left behind."""

_COMMAND_CHARS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a server ended.

    Attributes:
        returncode: of its first process, negative for a signal.
        asked: True if it ended because diag asked it to.
        forced: processes that had to be killed.
        ignored: True if its first process had not ended when the grace was over.
        reason: why it had not, as far as could be seen, "" otherwise.
        left_behind: command lines of processes that outlived the first one, and did not end by themselves.
        grace_s: seconds that it had.
    """

    returncode: int
    asked: bool
    forced: int
    ignored: bool = False
    reason: str = ""
    left_behind: tuple[str, ...] = ()
    grace_s: float = 0.0

    @property
    def words(self) -> str:
        """As a report says it."""
        if self.asked:
            return (
                f"killed ({self.forced} processes did not end in time)" if self.forced else "ended on SIGTERM"
            )
        return describe_exit(self.returncode)


class Stop:
    """One server being stopped, and what is seen of it meanwhile."""

    def __init__(self, server: ServerProcess, grace_s: float) -> None:
        self.server = server
        self.grace_s = grace_s
        self.asked = server.alive()
        self.forced = 0
        self.ignored = False
        self.reason = ""
        self.left_behind: tuple[str, ...] = ()

    def carry_out(self) -> None:
        """SIGTERM goes to the first process, which ends its workers in its own way; orphans get their own."""
        server = self.server
        send({server.pid} if self.asked else server.living(), signal.SIGTERM)
        deadline = time.monotonic() + self.grace_s
        left_alone = self.asked
        while (left := server.living()) and time.monotonic() < deadline:
            if left_alone and server.pid not in left:
                send(self._orphans(), signal.SIGTERM)
                left_alone = False
            time.sleep(_POLL_S)
        if self.asked and self.grace_s and server.pid in left:
            self.ignored = True
            self.reason = why_it_stays(server)
        self.forced = end_all(server.living, 0)

    def _orphans(self) -> set[int]:
        """What the first process has left, once those that end by themselves have had time to."""
        until = time.monotonic() + min(_ORPHANS_S, self.grace_s)
        while (left := self.server.living()) and time.monotonic() < until:
            time.sleep(_POLL_S)
        leaked = {pid: words for pid in left if not cleans_up(pid) and (words := _command_of(pid))}
        self.left_behind = tuple(words for _, words in sorted(leaked.items()))
        return left


def _command_of(pid: int) -> str:
    """A process' command line, shortened; "" once it is gone."""
    try:
        return f"{shlex.join(psutil.Process(pid).cmdline())[:_COMMAND_CHARS]} (pid {pid})"
    except psutil.Error:
        return ""
