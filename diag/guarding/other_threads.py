"""Whether the other threads of this process were starved meanwhile: a step that waits for one waits with it.

A coroutine that starts a thread waits until that runs; one that wants the GIL, until its owner lets it go. On
a machine that is short of CPU that takes as long as the other thread stands in the run queue, by no fault
of the code.
"""

from __future__ import annotations

import os
import threading

from diag.agent import lane

EVERY_NS = 20_000_000
"""Between two readings while a loop is busy. One takes about 30 µs a thread; what happened up to this much
before a step began may be counted in its favour."""

# Taken now: a test may patch them later.
_listdir, _open, _read, _close = os.listdir, os.open, os.read, os.close


class ReadingsWithOthers(lane.Readings):
    """The agent's readings of a thread, which also tell of the threads beside it."""

    def __init__(self) -> None:
        super().__init__()
        self._own = str(threading.get_native_id())
        self._latest = self._before = (self.at, _queues(self._own))

    def take(self, now: int) -> tuple[int, int | None, int]:
        """As in the agent; now and then the other threads are read as well."""
        if now - self._latest[0] >= EVERY_NS:
            self._before, self._latest = self._latest, (now, _queues(self._own))
        return super().take(now)

    def others_since(self, start: int) -> int:
        """Run-queue wait of all other threads together, since the last reading before a step began."""
        _, before = self._latest if self._latest[0] <= start else self._before
        return sum(wait - before.get(tid, 0) for tid, wait in _queues(self._own).items())


def _queues(own: str) -> dict[str, int]:
    """Run-queue wait of each thread of this process but one; {} where the kernel does not tell."""
    found = {}
    try:
        for tid in _listdir("/proc/self/task"):
            if tid != own:
                found[tid] = _queue(f"/proc/self/task/{tid}/schedstat")
    except (OSError, ValueError, IndexError):  # it has just ended, or this kernel has no such file
        return found
    return found


def _queue(path: str) -> int:
    file = _open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int(_read(file, 64).split()[1])
    finally:
        _close(file)
