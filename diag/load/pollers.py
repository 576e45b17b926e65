"""Waiting for sockets: epoll on Linux, poll elsewhere, with waits finer than the millisecond of either."""

from __future__ import annotations

import select

_MS = 1_000_000


class EpollPoller:
    """epoll, level-triggered. Closing a descriptor makes epoll forget it."""

    def __init__(self) -> None:
        """Open the epoll descriptor; do it early, `select` below takes only descriptors under 1,024."""
        epoll = select.epoll()
        self._epoll = epoll
        self._fd = epoll.fileno()
        self.register = epoll.register
        self.modify = epoll.modify
        self.poll = epoll.poll
        """Wait up to so many seconds (None: for ever) for a list of (fd, events), at most so many."""

    def forget(self, fd: int) -> None:
        """Do nothing: closing the descriptor is enough."""

    def wait(self, ns: int, at_most: int) -> list[tuple[int, int]]:
        """Wait for events up to `ns`, and be neither a millisecond early nor late.

        `epoll.poll` rounds up to whole milliseconds. An epoll descriptor can itself be waited for, and
        `select` takes microseconds: so whole milliseconds by epoll, the rest by select.
        """
        if ns >= _MS:
            # Half a millisecond less, to be rounded up: binary fractions would else round to one more.
            return self.poll((ns // _MS - 0.5) / 1000, at_most)
        select.select([self._fd], [], [], ns / 1e9)
        return self.poll(0, at_most)


class PollPoller:
    """poll, for systems without epoll: works, but each wait costs time for every connection."""

    def __init__(self) -> None:
        """Make the poll object."""
        self._poll = select.poll()
        self.register = self._poll.register
        self.modify = self._poll.modify
        self.forget = self._poll.unregister

    def poll(self, seconds: float | None = None, at_most: int = -1) -> list[tuple[int, int]]:
        """Wait up to so many seconds (None: for ever) for a list of (fd, events), at most so many."""
        del at_most
        return self._poll.poll(None if seconds is None else seconds * 1000)

    def wait(self, ns: int, at_most: int) -> list[tuple[int, int]]:
        """Wait for events up to `ns`, rounded down to milliseconds; what is left is spun."""
        del at_most
        return self._poll.poll(ns // _MS)


def make_poller() -> EpollPoller | PollPoller:
    """Give the best poller of this system."""
    return EpollPoller() if hasattr(select, "epoll") else PollPoller()
