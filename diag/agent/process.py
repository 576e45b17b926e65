"""The spool files of the target's process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import struct

from diag.agent import words as w
from diag.agent.originals import original

# Taken now: a target may patch them later.
_dumps = json.dumps
_write = os.write
_new_lock = original("_thread", "allocate_lock")

_SERVED = struct.Struct(f"={w.SERVED_WORDS}q")
_pack_served, _SERVED_BYTES = _SERVED.pack, _SERVED.size

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
        aftermath: until when the aftermath of a long step lasts: who starts then has waited. Empty else.
        canary_planted: True once a canary was planted here.
    """

    def __init__(self, spool: str) -> None:
        self.pid = os.getpid()
        base = os.path.join(spool, str(self.pid))
        self.words = _mapped(base + ".words", w.SIZE)
        self._events_fd = _append_to(base + ".events")
        self._served_fd = _append_to(base + ".served")
        self._lane_count = 0
        self._free: dict[int, list[int]] = {}
        self._lock = _new_lock()
        self.aftermath: list[int] = []
        self._begun: list[tuple[int, int, int, int]] = []
        self.canary_planted = False
        self.words[w.H_PID] = self.pid
        self.words[w.H_MAGIC] = w.MAGIC  # last: from now on the watcher may read

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

    def take_lane(self, kind: int, tid: int, state: int) -> int:
        """A lane's number in the words; -1 when all are taken. It keeps its kind and its sums for ever.

        Args:
            kind: what runs there.
            tid: the kernel id of its thread.
            state: the address of its thread's state, 0 if unknown.
        """
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
        self.words[base + w.L_BUSY_SINCE] = self.words[base + w.L_SINCE_AT] = 0
        self.words[base + w.L_TID] = tid
        self.words[base + w.L_STATE] = state
        self.words[base + w.L_KIND] = kind
        return lane

    def give_lane(self, lane: int) -> None:
        """The lane may be used by another thread."""
        kind = self.words[lane_base(lane) + w.L_KIND]
        with self._lock:
            self._free.setdefault(kind, []).append(lane)

    def serve(self, tid: int, port: int, start: int, end: int) -> None:
        """Write one request down."""
        self._append_served(_pack_served(tid, port, start, end))

    def begin(self, port: int, start: int) -> None:
        """Remember that a request began on a loop, until `flush`."""
        self._begun.append((0, port, start, 0))

    def flush(self) -> None:
        """Write down the requests that began."""
        begun, self._begun = self._begun, []
        if begun:
            self._append_served(b"".join([_pack_served(*one) for one in begun]))

    def _append_served(self, data: bytes) -> None:
        try:
            _write(self._served_fd, data)
        except OSError:
            self.words[w.H_DROPPED] += len(data) // _SERVED_BYTES

    def abandon(self) -> None:
        """In a forked child: let go of the parent's files, without a word in them."""
        for fd in (self._events_fd, self._served_fd):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._events_fd = self._served_fd = -1


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


def open_here(spool: str) -> None:
    """Open the spool of this process alone.

    Nothing of it is in the environment, where the code that runs here, and every process that it starts,
    would find it.

    Raises:
        OSError: the spool cannot be written.
    """
    forget()
    _open.append(Process(spool))


def forget() -> None:
    """In a forked child: the files are the parent's. And where the agent is to leave nothing behind."""
    for spool in _open:
        spool.abandon()
        _kept.append(spool.words)
    _open.clear()
