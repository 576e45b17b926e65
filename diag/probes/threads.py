"""What the kernel says of one thread: what it does (waiting for the GIL told apart) and its CPU time."""

from __future__ import annotations

import os
import platform

from diag.probes.elf import AddressRange, find_runtime

_FUTEX = {"x86_64": 202, "aarch64": 98}.get(platform.machine(), -1)
"""System call number of futex, from the kernel's tables."""

_runtimes: dict[int, AddressRange | None] = {}


class ThreadProbe:
    """Open files of one thread below /proc.

    Attributes:
        pid, tid: whose.
    """

    def __init__(self, pid: int, tid: int) -> None:
        self.pid = pid
        self.tid = tid
        self._syscall = _open(f"/proc/{pid}/task/{tid}/syscall")
        self._schedstat = _open(f"/proc/{pid}/task/{tid}/schedstat")
        self._runtime = runtime_of(pid)

    @staticmethod
    def permitted(pid: int) -> bool:
        """True if the kernel lets us see what a process' threads wait for (as ptrace would)."""
        try:
            with open(f"/proc/{pid}/syscall", "rb") as file:
                file.read()
        except OSError:
            return False
        return True

    def read(self) -> dict[str, object] | None:
        """State (``s``), CPU ns (``c``) and run-queue ns (``q``); None if the thread cannot be seen."""
        state = self._state()
        if state is None:
            return None
        found: dict[str, object] = {"s": state}
        if self._schedstat >= 0:
            try:
                cpu, queue, _ = map(int, os.pread(self._schedstat, 64, 0).split())
            except (OSError, ValueError):
                return found
            found.update(c=cpu, q=queue)
        return found

    def _state(self) -> str | None:
        if self._syscall < 0:
            return None
        try:
            fields = os.pread(self._syscall, 256, 0).split()
        except OSError:
            return None
        if not fields or fields[0] == b"running":
            return "running"
        if int(fields[0]) == _FUTEX and self._runtime is not None and int(fields[1], 16) in self._runtime:
            return "gil-wait"
        return "waiting"

    def __del__(self) -> None:
        for fd in (self._syscall, self._schedstat):
            if fd >= 0:
                os.close(fd)


def runtime_of(pid: int) -> AddressRange | None:
    """Where the interpreter's state lies in a process; looked up once, which takes some milliseconds."""
    if pid not in _runtimes:
        _runtimes[pid] = find_runtime(pid)
    return _runtimes[pid]


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1
