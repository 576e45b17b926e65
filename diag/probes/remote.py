"""A thread's Python stack, read from its process' memory: nothing is stopped, signalled or run in there.

It needs the permission that ptrace needs. What is read may change while it is read; a stack that does not
lead back to where its thread began is read again, and given up after some tries.
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import sys
import threading
import time
import types
from typing import TYPE_CHECKING

from diag.probes.gil import BYTES, gil_offset, holder
from diag.probes.layout import WORD, Layout, calibrate, thread_state
from diag.probes.linetable import line_at
from diag.probes.threads import runtime_of

if TYPE_CHECKING:
    from typing import Self

Line = tuple[str, int, str]
"""File, line (0 if unknown), name of the function."""

MAX_FRAMES = 500
TRIES = 4
PATIENCE_S = 2.0
_MAX_TEXT, _MAX_TABLE, _MAX_LINE = 4_096, 1 << 20, 10_000_000
"""What is larger than that was torn."""

_POINTER_BITS = ~3
_BEGINNINGS = frozenset({"<module>", "_run_module_as_main", "_bootstrap", "_bootstrap_inner"})
"""Functions in which a thread's Python begins."""

_PAGE = 4_096
_STR_LENGTH, _STR_STATE = 16, 32
_BYTES_SIZE, _BYTES_DATA = 16, 32
_CELL_REFERENCE = 16
_INT_TAG, _INT_BYTES, _INT_BITS = 16, 32, 30
_TYPE = 8


class Unreadable(Exception):
    """What was read makes no sense: it changed meanwhile."""


@functools.cache
def layout() -> Layout | None:
    """The layout of this interpreter, if stacks that are read with it come out right."""
    found = calibrate()
    return found if found is not None and _proves_right(found) else None


class RemoteStacks:
    """Reads stacks of one process.

    Attributes:
        pid: whose.
    """

    def __init__(self, pid: int, fd: int, used: Layout, code_type: int) -> None:
        self.pid = pid
        self._fd = fd
        self._layout = used
        self._code_type = code_type
        self._gil = _gil_in(pid)
        self._int_type = code_type - id(types.CodeType) + id(int)
        self._codes: dict[tuple[int, bytes], tuple[str, str, int, bytes]] = {}

    @classmethod
    def open(cls, pid: int) -> Self | None:
        """For a process whose memory may be read; None otherwise, or if the interpreter is not understood."""
        used = layout()
        code_type = _code_type_in(pid)
        if used is None or not code_type:
            return None
        try:
            fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        return cls(pid, fd, used, code_type)

    def close(self) -> None:
        """Read no more."""
        os.close(self._fd)

    def stack(self, state: int, tid: int) -> tuple[Line, ...] | None:
        """The stack of a thread, innermost frame first; None if it could not be read.

        Args:
            state: address of the thread's state.
            tid: its kernel thread id, which the state must hold.
        """
        partial = None
        for attempt in range(TRIES + 1):
            try:
                if self._word(state + self._layout.native_id) != tid:
                    return None
                frames = tuple(self._frames(state, outer=attempt == TRIES))
            except (Unreadable, OSError, OverflowError, struct.error, IndexError, UnicodeError):
                continue
            if frames[-1][2] in _BEGINNINGS:
                return frames
            partial = partial or frames  # a greenlet's begins with its own function, and so may a torn one
        return partial

    def gil_holder(self) -> int | None:
        """Address of the state of the thread that holds the GIL, 0 if none does; None if that is unknown."""
        if not self._gil:
            return None
        try:
            return holder(os.pread(self._fd, BYTES, self._gil))
        except (OSError, OverflowError, struct.error):
            return None

    def stack_of(self, state: int) -> tuple[Line, ...] | None:
        """The stack of the thread that a state belongs to, innermost frame first."""
        try:
            return self.stack(state, self._word(state + self._layout.native_id))
        except (OSError, OverflowError, struct.error):
            return None

    def integer(self, cell: int) -> int | None:
        """A closure's variable that holds an int of 0 or more, below 2**60; None if it could not be read.

        Args:
            cell: address of the variable's cell.
        """
        for _ in range(TRIES):
            try:
                where = self._word(cell + _CELL_REFERENCE)
                raw = os.pread(self._fd, _INT_BYTES, where)
                kind, tag, low, high = struct.unpack_from("=QQII", raw, _TYPE)
                digits = _int_tags().get(tag)
                if digits is None or kind != self._int_type:
                    continue
                if self._word(cell + _CELL_REFERENCE) == where:  # else it was given up, and may be another
                    return int((0, low, low | high << _INT_BITS)[digits])
            except (OSError, OverflowError, struct.error):
                continue
        return None

    def _frames(self, state: int, *, outer: bool) -> list[Line]:
        """Lines of all frames. First the frames alone, as fast as can be: they change."""
        found = []
        for code, instruction in self._chain(self._current(state, outer=outer)):
            line = self._line(code, instruction)
            if line is not None:
                found.append(line)
        if not found:
            raise Unreadable
        return found

    def _current(self, state: int, *, outer: bool) -> int:
        """The current frame; with `outer` that of the evaluation around the current one.

        At each call from C into Python, CPython 3.11 and 3.12 enter an evaluation in two steps, between which
        it has no frame. A thread that lost its CPU just then stays so for milliseconds.
        """
        *ways, last = self._layout.frame_path
        for offset in ways:
            state = self._word(state + offset)
        if outer:
            if not ways:
                raise Unreadable
            state = self._word(state + last + WORD)
        return self._word(state + last)

    def _chain(self, frame: int) -> list[tuple[int, int]]:
        """Code and instruction of each frame. Functions' frames lie side by side: a page has many."""
        used, pages = self._layout, dict[int, bytes]()
        found: list[tuple[int, int]] = []
        while frame:
            if len(found) == MAX_FRAMES:
                raise Unreadable
            raw, at = self._from_page(pages, frame, used.frame_bytes)
            code, before, instruction = (
                struct.unpack_from("=Q", raw, at + field)[0]
                for field in (used.code, used.previous, used.instruction)
            )
            found.append((code & _POINTER_BITS, instruction))
            frame = before
        return found

    def _from_page(self, pages: dict[int, bytes], address: int, size: int) -> tuple[bytes, int]:
        """What holds some bytes, and where in it they begin."""
        page, at = address & -_PAGE, address & _PAGE - 1
        if at + size > _PAGE:
            return os.pread(self._fd, size, address), 0
        if page not in pages:
            pages[page] = os.pread(self._fd, _PAGE, page)
        return pages[page], at

    def _line(self, code: int, instruction: int) -> Line | None:
        """A frame's line; None for one between C and Python, which has no code of its own (from 3.12 on)."""
        used = self._layout
        raw = os.pread(self._fd, used.code_bytes, code)
        if struct.unpack_from("=Q", raw, _TYPE)[0] != self._code_type:
            return None
        key = (code, raw[used.first_line : used.first_line + 4] + raw[used.filename : used.filename + WORD])
        known = self._codes.get(key)
        if known is None:
            known = self._codes[key] = self._code(raw)
        filename, name, first, table = known
        line = line_at(table, first, instruction - code - used.instructions)
        if not 0 <= line < _MAX_LINE:
            del self._codes[key]  # torn when it was first read
            raise Unreadable
        if name.startswith("<interpreter"):  # 3.12's form of the same
            return None
        return filename, line, name

    def _code(self, raw: bytes) -> tuple[str, str, int, bytes]:
        used = self._layout
        filename, name, table = (
            struct.unpack_from("=Q", raw, at)[0] for at in (used.filename, used.name, used.line_table)
        )
        (first,) = struct.unpack_from("=i", raw, used.first_line)
        if not 0 <= first < _MAX_LINE:
            raise Unreadable
        size = struct.unpack("=q", os.pread(self._fd, WORD, table + _BYTES_SIZE))[0]
        if not 0 <= size < _MAX_TABLE:
            raise Unreadable
        return self._text(filename), self._text(name), first, os.pread(self._fd, size, table + _BYTES_DATA)

    def _text(self, address: int) -> str:
        head = os.pread(self._fd, 72, address)
        (length,) = struct.unpack_from("=q", head, _STR_LENGTH)
        (state,) = struct.unpack_from("=I", head, _STR_STATE)
        # Bits 2 to 4 are the size of a character, 5 says that the characters follow, 6 that they are ASCII.
        kind, compact, ascii_only = (state >> 2) & 7, (state >> 5) & 1, (state >> 6) & 1
        if not 0 <= length < _MAX_TEXT or not compact or kind not in _ENCODINGS:
            raise Unreadable
        data = os.pread(self._fd, length * kind, address + _characters(ascii_only=bool(ascii_only)))
        if len(data) != length * kind:
            raise Unreadable
        return data.decode(_ENCODINGS[kind])

    def _word(self, address: int) -> int:
        return int(struct.unpack("=Q", os.pread(self._fd, WORD, address))[0])


_ENCODINGS = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}


def _code_type_in(pid: int) -> int:
    """Address of the type of code objects in a process that runs this same interpreter, 0 if that is unknown.

    It lies as far from `_PyRuntime` there as it does here.
    """
    here, there = runtime_of(os.getpid()), runtime_of(pid)
    return id(types.CodeType) - here.start + there.start if here is not None and there is not None else 0


@functools.cache
def _int_tags() -> dict[int, int]:
    """How many digits follow the word in which an int has its size and sign, by that word."""
    examples = (0, 1 << _INT_BITS - 1, 1 << 2 * _INT_BITS - 1)
    return {
        int.from_bytes(ctypes.string_at(id(one) + _INT_TAG, WORD), sys.byteorder): digits
        for digits, one in enumerate(examples)
    }


def _gil_in(pid: int) -> int:
    """Address of what says who holds the GIL in a process, 0 if that is unknown."""
    offset, there = gil_offset(), runtime_of(pid)
    return offset + there.start if offset is not None and there is not None else 0


@functools.cache
def _characters(*, ascii_only: bool) -> int:
    """Where a str's characters begin: behind its head, whose size is what an empty or a wide one takes."""
    return ("".__sizeof__() - 1) if ascii_only else ("é".__sizeof__() - 2)


def _proves_right(used: Layout) -> bool:
    """True if the stack of a waiting thread is read as the interpreter itself tells it, and a variable."""
    cells = [types.CellType(one) for one in (0, 1, time.monotonic_ns())]
    begun, end = threading.Event(), threading.Event()
    state: list[int] = []

    def wait_here() -> None:
        state.append(thread_state())
        begun.set()
        end.wait()

    thread = threading.Thread(target=wait_here, daemon=True)
    thread.start()
    begun.wait()
    fd = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    reader = RemoteStacks(os.getpid(), fd, used, id(types.CodeType))
    try:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:  # it may still be on its way into `wait`
            read = reader.stack(state[0], thread.native_id or 0)
            if read is not None and read == _told(thread.ident or 0):
                return all(reader.integer(id(cell)) == cell.cell_contents for cell in cells)
            end.wait(0.001)
    finally:
        reader.close()
        end.set()
        thread.join()
    return False


def _told(ident: int) -> tuple[Line, ...]:
    frame = sys._current_frames().get(ident)  # noqa: SLF001
    lines = []
    while frame is not None:
        lines.append((frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code.co_name))
        frame = frame.f_back
    return tuple(lines)
