"""The spool files of the target's process."""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import json
import mmap
import os
import signal
import struct
from typing import Any

from diag.agent import words as w
from diag.agent.originals import original

# Taken now: a target may patch them later.
_dumps = json.dumps
_write = os.write
_set_handler = signal.signal
_new_lock = original("_thread", "allocate_lock")

_pack_served = struct.Struct(f"={w.SERVED_WORDS}q").pack

LOWEST_FD = 400
"""Descriptors of diag's lie from here on: the numbers that the target gets are those it gets without diag,
and a target that closes all descriptors does not soon reuse theirs."""


class Process:
    """Where this process writes what it sees.

    Only the words are mapped, and they are written full of zeros before: a write to a mapped page that finds
    no room on its file system would kill the target. Everything else is appended with `write`, which fails
    politely and is as safe when the process is killed.

    Attributes:
        pid: this process.
        words: the mapped words.
        aftermath: not empty for some iterations after a long step: who starts then has waited.
        canary_planted: True once a canary was planted here.
    """

    def __init__(self, spool: str) -> None:
        self.pid = os.getpid()
        base = os.path.join(spool, str(self.pid))
        self.words = _mapped(base + ".words", w.SIZE)
        self._events_fd = _append_to(base + ".events")
        self._served_fd = _append_to(base + ".served")
        self._stacks_fd = _append_to(base + ".stacks")
        self._lane_count = 0
        self._free: dict[int, list[int]] = {}
        self._lock = _new_lock()
        self.aftermath: list[int] = []
        self.canary_planted = False
        self.words[w.H_PID] = self.pid
        self.words[w.H_STACKS_OK] = int(self._register_stacks())
        self.words[w.H_MAGIC] = w.MAGIC  # last: from now on the watcher may read

    def _register_stacks(self) -> bool:
        if self.signal_taken():
            self.note("signal-taken")
            return False
        faulthandler.register(w.STACK_SIGNAL, file=self._stacks_fd, all_threads=False, chain=False)
        signal.signal = _give_way
        return True

    def signal_taken(self) -> bool:
        """True if the target handles the signal itself."""
        return signal.getsignal(w.STACK_SIGNAL) not in (signal.SIG_DFL, signal.SIG_IGN)

    def give_signal_up(self) -> None:
        """Ask for no more stacks: the signal is the target's."""
        if self.words[w.H_STACKS_OK]:
            self.words[w.H_STACKS_OK] = 0
            self.note("signal-taken")

    def note(self, slug: str, detail: str = "") -> None:
        """Say why something cannot be measured."""
        self.event({"k": "note", "slug": slug, "detail": detail})

    def event(self, record: dict[str, object]) -> bool:
        """Append one JSON line; one write, so that lines of several threads do not mix.

        Returns:
            False if it could not be written.
        """
        if self._events_fd < 0:  # abandoned
            return False
        try:
            _write(self._events_fd, _dumps(record).encode() + b"\n")
        except (OSError, TypeError, ValueError):
            self.words[w.H_DROPPED] += 1
            return False
        return True

    def take_lane(self, kind: int, tid: int) -> int:
        """A lane's number in the words; -1 when all are taken. It keeps its kind and its sums for ever."""
        with self._lock:
            free = self._free.get(kind)
            if free:
                lane = free.pop()
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
        kind = self.words[lane_base(lane) + w.L_KIND]
        with self._lock:
            self._free.setdefault(kind, []).append(lane)

    def serve(self, tid: int, port: int, start: int, end: int) -> None:
        """Write one request down."""
        try:
            _write(self._served_fd, _pack_served(tid, port, start, end))
        except OSError:
            self.words[w.H_DROPPED] += 1

    def stack_bytes(self) -> int:
        """Size of the stack file now."""
        try:
            return os.fstat(self._stacks_fd).st_size
        except OSError:  # the target has closed it
            return 0

    def stop_stacks(self) -> None:
        """Write no more stacks."""
        self.words[w.H_STACKS_OK] = 0
        if not self.signal_taken():
            faulthandler.unregister(w.STACK_SIGNAL)

    def abandon(self) -> None:
        """In a forked child: let go of the parent's files, without a word in them."""
        if not self.signal_taken():
            faulthandler.unregister(w.STACK_SIGNAL)
        for fd in (self._events_fd, self._served_fd, self._stacks_fd):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._events_fd = self._served_fd = self._stacks_fd = -1


def lane_base(lane: int) -> int:
    """Index of a lane's first word."""
    return w.HEADER_WORDS + lane * w.LANE_WORDS


def high(fd: int) -> int:
    """The same open file under a number that is out of the target's way; `fd` itself where that fails."""
    try:
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, LOWEST_FD)
    except OSError:  # the limit of descriptors is lower than that
        return fd
    os.close(fd)
    return moved


def _append_to(path: str) -> int:
    return high(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def _mapped(path: str, size: int) -> memoryview[int]:
    fd = high(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        if os.fstat(fd).st_size < size and _write(fd, bytes(size)) < size:
            raise OSError("no room for the words")
        return memoryview(mmap.mmap(fd, size)).cast("q")
    finally:
        os.close(fd)


_open: list[Process] = []
_kept: list[memoryview[int]] = []
"""Words of processes that this one was forked from. Unmapping closes a descriptor of the `mmap` module's own,
whose number may be another file's by now, if the target has closed what it did not know."""


def _give_way(signalnum: Any, handler: Any) -> Any:
    """`signal.signal` while stacks are asked for by signal: a target that wants that one gets it."""
    if signalnum == w.STACK_SIGNAL:
        for spool in _open:
            if spool.words[w.H_STACKS_OK]:
                spool.give_signal_up()
                faulthandler.unregister(w.STACK_SIGNAL)
    return _set_handler(signalnum, handler)


_give_way.__name__, _give_way.__doc__ = _set_handler.__name__, _set_handler.__doc__


def current() -> Process | None:
    """The spool of this process, opened when it is first asked for; None if the agent is off."""
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


def close() -> None:
    """Write no more stacks, and leave the signals alone."""
    for spool in _open:
        spool.stop_stacks()
    if signal.signal is _give_way:
        signal.signal = _set_handler


def forget() -> None:
    """In a forked child: the files are the parent's."""
    for spool in _open:
        spool.abandon()
        _kept.append(spool.words)
    _open.clear()
