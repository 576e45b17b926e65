"""Where CPython says who holds the GIL: found out, like all of the layout, by looking at this very process.

In every version so far a switch interval in microseconds, the thread state of the last holder and whether the
GIL is locked lie side by side (`struct _gil_runtime_state`), inside `_PyRuntime`. So a switch interval that
nobody else has set, followed by this thread's state, is searched for.
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import sys

from diag.probes.layout import WORD, thread_state
from diag.probes.threads import runtime_of

_FIELDS = struct.Struct("=QQi")
BYTES = _FIELDS.size
_UNUSUAL_US = 4_987
"""A switch interval near the usual 5,000 µs: it lasts for the time of one look at this process."""


@functools.cache
def gil_offset() -> int | None:
    """From the start of `_PyRuntime` to the fields; None if they were not found, as where there is no GIL."""
    runtime = runtime_of(os.getpid())
    if runtime is None:
        return None
    usual = sys.getswitchinterval()
    try:
        sys.setswitchinterval(_UNUSUAL_US / 1e6)
        # Not by reading a file, which would give the GIL up meanwhile.
        raw = ctypes.string_at(runtime.start, runtime.end - runtime.start)
    finally:
        sys.setswitchinterval(usual)
    pattern = struct.pack("=QQi", _UNUSUAL_US, thread_state(), 1)
    at = raw.find(pattern)
    return at if at >= 0 and at % WORD == 0 and raw.find(pattern, at + 1) < 0 else None


def holder(raw: bytes) -> int:
    """The state of the thread that holds the GIL, 0 if none does.

    Args:
        raw: the fields, `BYTES` long.

    Raises:
        struct.error: it is shorter.
    """
    _, last, locked = _FIELDS.unpack(raw)
    return int(last) if locked == 1 else 0
