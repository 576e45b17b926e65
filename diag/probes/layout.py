"""Where CPython keeps what a stack consists of: found out by looking at this very process.

The watcher runs on the interpreter that the target runs on, so what holds here holds there. Instead of tables
for each version, a known thing (a frame, its code, its line) is searched for in the memory around it. The
result is tried on a thread whose stack is known; if it does not come out right, there is no layout.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import threading
import types
from dataclasses import dataclass

WORD = 8
_POINTER_BITS = ~3
"""The two lowest bits of a reference in a frame are tags from CPython 3.14 on."""

_STATE_WORDS, _FRAME_WORDS, _CODE_BYTES = 64, 12, 192


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Offsets in bytes.

    Attributes:
        native_id: of the kernel thread id in the thread's state.
        frame_path: from the thread's state to its current frame: offsets that are followed one by one.
        code, previous, instruction: in a frame.
        first_line, filename, name, line_table: in a code object.
        instructions: from a code object to its first instruction.
    """

    native_id: int
    frame_path: tuple[int, ...]
    code: int
    previous: int
    instruction: int
    first_line: int
    filename: int
    name: int
    line_table: int
    instructions: int

    @property
    def frame_bytes(self) -> int:
        """How much of a frame has to be read."""
        return max(self.code, self.previous, self.instruction) + WORD

    @property
    def code_bytes(self) -> int:
        """How much of a code object has to be read."""
        return max(self.first_line + 4, self.filename + WORD, self.name + WORD, self.line_table + WORD)


def thread_state() -> int:
    """Address of the calling thread's state."""
    get = ctypes.pythonapi.PyThreadState_Get
    get.restype = ctypes.c_void_p
    return int(get() or 0)


def calibrate() -> Layout | None:
    """The layout of this interpreter; None if it could not be found out."""
    if struct.calcsize("P") != WORD or sys.implementation.name != "cpython":
        return None
    fd = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _calibrate(fd)
    except (LookupError, OSError, struct.error):
        return None
    finally:
        os.close(fd)


def _calibrate(fd: int) -> Layout:
    state = thread_state()
    code_offset, path = _current(fd, state)
    previous, instruction = _within_frame(fd, code_offset)
    native = struct.pack("=Q", threading.get_native_id())
    code_fields = _within_code(fd)
    return Layout(
        native_id=_aligned(os.pread(fd, _STATE_WORDS * WORD, state), native),
        frame_path=path,
        code=code_offset,
        previous=previous,
        instruction=instruction,
        instructions=types.CodeType.__basicsize__,
        **code_fields,
    )


def _current(fd: int, state: int) -> tuple[int, tuple[int, ...]]:  # noqa: C901  # see its docstring
    """Where a frame has its code, and the path from the thread's state to its current frame.

    Only builtin functions are called between readings: another Python frame would be the current one.
    """
    me = sys._getframe()  # noqa: SLF001  # the only way to one's own frame
    code = id(me.f_code)
    unpack, pread = struct.unpack, os.pread
    frame = code_offset = 0
    for candidate in unpack("=6Q", pread(fd, 6 * WORD, id(me) + 2 * WORD)):
        try:
            words = unpack(f"={_FRAME_WORDS}Q", pread(fd, _FRAME_WORDS * WORD, candidate))
        except (OSError, struct.error, OverflowError):
            continue
        for index, word in enumerate(words):
            if word & _POINTER_BITS == code:
                frame, code_offset = candidate, index * WORD
                break
        if frame:
            break
    if not frame:
        raise LookupError("no frame")
    words = unpack(f"={_STATE_WORDS}Q", pread(fd, _STATE_WORDS * WORD, state))
    if frame in words:
        return code_offset, (words.index(frame) * WORD,)
    for index, word in enumerate(words):
        try:
            inner = unpack("=3Q", pread(fd, 3 * WORD, word))
        except (OSError, struct.error, OverflowError):
            continue
        if frame in inner:
            return code_offset, (index * WORD, inner.index(frame) * WORD)
    raise LookupError("no path to the frame")


def _within_frame(fd: int, code_offset: int) -> tuple[int, int]:
    """Where a frame has the frame before it, and its instruction."""
    mine, caller = _frames_of(fd, sys._getframe(), code_offset)  # noqa: SLF001
    words = struct.unpack(f"={_FRAME_WORDS}Q", os.pread(fd, _FRAME_WORDS * WORD, mine))
    code = sys._getframe().f_code  # noqa: SLF001
    begin = id(code) + types.CodeType.__basicsize__
    inside = [index for index, word in enumerate(words) if begin <= word < begin + len(code.co_code)]
    if caller not in words or not inside:
        raise LookupError("no previous frame")
    return words.index(caller) * WORD, inside[0] * WORD


def _frames_of(fd: int, frame: types.FrameType, code_offset: int) -> tuple[int, int]:
    """Addresses of a frame and of its caller."""
    found = []
    for one in (frame, frame.f_back):
        if one is None:
            raise LookupError("no caller")
        for candidate in struct.unpack("=6Q", os.pread(fd, 6 * WORD, id(one) + 2 * WORD)):
            try:
                (word,) = struct.unpack("=Q", os.pread(fd, WORD, candidate + code_offset))
            except (OSError, struct.error, OverflowError):
                continue
            if word & _POINTER_BITS == id(one.f_code):
                found.append(candidate)
                break
        else:
            raise LookupError("no frame")
    return found[0], found[1]


def _within_code(fd: int) -> dict[str, int]:
    first = 31_337  # a number that no other field is likely to hold
    namespace: dict[str, types.FunctionType] = {}
    exec(compile("\n" * (first - 1) + "def calibrated(): pass", "<calibrated>", "exec"), namespace)  # noqa: S102
    code = namespace["calibrated"].__code__
    raw = os.pread(fd, _CODE_BYTES, id(code))
    return {
        "first_line": _aligned(raw, struct.pack("=I", first)),
        "filename": _aligned(raw, struct.pack("=Q", id(code.co_filename))),
        "name": _aligned(raw, struct.pack("=Q", id(code.co_name))),
        "line_table": _aligned(raw, struct.pack("=Q", id(code.co_linetable))),
    }


def _aligned(raw: bytes, value: bytes) -> int:
    """Offset of a value, at a multiple of its own size."""
    for at in range(0, len(raw) - len(value) + 1, len(value)):
        if raw[at : at + len(value)] == value:
            return at
    raise LookupError("not found")
