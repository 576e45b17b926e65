"""What the agent does not read: whether a thread really waited, and whether those beside it were starved.

A coroutine that starts a thread waits until that runs; one that wants the GIL, until its owner lets it go. On
a machine that is short of CPU that takes as long as the other thread stands in the run queue, by no fault of
the code. And a hypervisor that takes the CPU away looks like waiting, as no counter of the guest's moves; but
the thread never went to sleep.
"""

from __future__ import annotations

import os
import resource
import threading
from dataclasses import dataclass

from diag.agent import lane

EVERY_NS = 20_000_000
"""Between two readings of the other threads while a loop is busy. One takes about 30 µs a thread; what
happened up to this much before a step began may be counted in its favour."""

# Taken now: a test may patch them later.
_listdir, _open, _read, _close, _usage = os.listdir, os.open, os.read, os.close, resource.getrusage
_THREAD = resource.RUSAGE_THREAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanwhile:
    """What else is known of a long step.

    Attributes:
        others_ns: run-queue wait of the process' other threads together.
        slept: False if its thread never gave up the CPU by itself, so that it cannot have waited.
    """

    others_ns: int = 0
    slept: bool = True


class ReadingsWithOthers(lane.Readings):
    """The agent's readings of a thread, and what `Meanwhile` needs."""

    def __init__(self) -> None:
        super().__init__()
        self._own = str(threading.get_native_id())
        self._latest = self._before = (self.at, _queues(self._own))
        self._sleeps = self._sleeps_before = _usage(_THREAD).ru_nvcsw

    def take(self, now: int) -> tuple[int, int | None, int]:
        """As in the agent; now and then the other threads are read as well."""
        if now - self._latest[0] >= EVERY_NS:
            self._before, self._latest = self._latest, (now, _queues(self._own))
        self._sleeps_before, self._sleeps = self._sleeps, _usage(_THREAD).ru_nvcsw
        return super().take(now)

    def meanwhile(self, start: int) -> Meanwhile:
        """What happened in a step that began then, and at whose end `take` was called."""
        _, before = self._latest if self._latest[0] <= start else self._before
        others = sum(wait - before.get(tid, 0) for tid, wait in _queues(self._own).items())
        return Meanwhile(others_ns=others, slept=self._sleeps > self._sleeps_before)


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
