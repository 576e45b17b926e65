"""The spool files of the target's process."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import mmap
import os
import signal
import threading

from diag.agent import words as w

_dumps = json.dumps  # taken now: a target may patch it later


class Process:
    """Where this process writes what it sees.

    Attributes:
        pid: this process.
        words: the mapped words.
        lanes_by_loop: the lanes of loops that run now.
        aftermath: not empty for some iterations after a long step: who starts then has waited.
        canary_planted: True once a canary was planted here.
    """

    def __init__(self, spool: str) -> None:
        self.pid = os.getpid()
        base = os.path.join(spool, str(self.pid))
        self.words = _mapped(base + ".words", w.SIZE)
        self._served = _mapped(base + ".served", w.MAX_SERVED * w.SERVED_WORDS * 8)
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC
        self._events_fd = os.open(base + ".events", flags, 0o600)
        self._stacks_fd = os.open(base + ".stacks", flags, 0o600)
        self._served_count = 0
        self._lane_count = 0
        self._free: list[int] = []
        self._lock = threading.Lock()
        self.aftermath: list[int] = []
        self.canary_planted = False
        self.words[w.H_PID] = self.pid
        self.words[w.H_STACKS_OK] = int(self._register_stacks())
        self.words[w.H_MAGIC] = w.MAGIC  # last: from now on the watcher may read

    def _register_stacks(self) -> bool:
        if signal.getsignal(w.STACK_SIGNAL) not in (signal.SIG_DFL, signal.SIG_IGN):
            self.event({"k": "note", "slug": "signal-taken", "detail": ""})
            return False
        faulthandler.register(w.STACK_SIGNAL, file=self._stacks_fd, all_threads=False, chain=False)
        return True

    def event(self, record: dict[str, object]) -> None:
        """Append one JSON line; one write, so that lines of several threads do not mix."""
        try:
            os.write(self._events_fd, _dumps(record).encode() + b"\n")
        except OSError:
            self.words[w.H_DROPPED] += 1

    def take_lane(self, kind: int, tid: int) -> int:
        """A lane's number in the words; -1 when all are taken."""
        with self._lock:
            if self._free:
                lane = self._free.pop()
            elif self._lane_count < w.MAX_LANES:
                lane = self._lane_count
                self._lane_count += 1
            else:
                return -1
        base = lane_base(lane)
        self.words[base + w.L_BUSY_SINCE] = 0
        self.words[base + w.L_TID] = tid
        self.words[base + w.L_KIND] = kind
        return lane

    def give_lane(self, lane: int) -> None:
        """The lane may be used by another thread."""
        self._free.append(lane)

    def serve(self, tid: int, port: int, start: int, end: int) -> None:
        """Write one request down."""
        with self._lock:
            count = self._served_count
            if count >= w.MAX_SERVED:
                self.words[w.H_DROPPED] += 1
                return
            self._served_count = count + 1
            at = count * w.SERVED_WORDS
            served = self._served
            served[at] = tid
            served[at + 1] = port
            served[at + 2] = start
            served[at + 3] = end
            self.words[w.H_SERVED] = count + 1

    def stack_bytes(self) -> int:
        """Size of the stack file now."""
        return os.fstat(self._stacks_fd).st_size

    def close(self) -> None:
        """Stop writing stacks."""
        with contextlib.suppress(ValueError, OSError):
            faulthandler.unregister(w.STACK_SIGNAL)
        self.words[w.H_STACKS_OK] = 0


def lane_base(lane: int) -> int:
    """Index of a lane's first word."""
    return w.HEADER_WORDS + lane * w.LANE_WORDS


def _mapped(path: str, size: int) -> memoryview[int]:
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(fd, size)  # sparse: only pages that are written take room
        return memoryview(mmap.mmap(fd, size)).cast("q")
    finally:
        os.close(fd)


_open: list[Process] = []


def current() -> Process | None:
    """This process' spool, opened when it is first asked for; None if the agent is off."""
    if _open:
        return _open[0]
    spool = os.environ.get("DIAG_SPOOL")
    if not spool or os.environ.get("DIAG_AGENT") == "0":
        return None
    try:
        _open.append(Process(spool))
    except OSError:
        return None
    return _open[0]


def forget() -> None:
    """In a forked child: the files are the parent's."""
    _open.clear()
