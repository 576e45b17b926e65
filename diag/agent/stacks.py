"""What the watcher needs to see a thread's stack, and what this process does where the watcher may not look.

The watcher reads stacks from this process' memory. For that it gets the address of each lane's thread state,
and, where the kernel's Yama module wants to be asked (``ptrace_scope`` 1, the default of some distributions),
this process' permission for that one watcher. Where it may not read even so, it sends SIGURG instead, and the
thread tells its own stack from a Python signal handler: later, but as safe as any signal handler.

Not by `faulthandler`: its C handler walks the frames at whatever instruction the signal happens to come, and
CPython 3.11 sets a thread's current frame in two steps at each call from C into Python. Between the two it
reads garbage, and the target dies (seen within seconds under load).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from time import monotonic_ns as clock
from typing import TYPE_CHECKING, Any

from diag.agent import words as w
from diag.agent.originals import original
from diag.agent.process import lane_base

if TYPE_CHECKING:
    from diag.agent.process import Process

WATCHER_PATIENCE_NS = 1_000_000_000
_PR_SET_PTRACER = 0x59616D61
_MAX_FRAMES = 200
_sleep = original("time", "sleep")  # taken now: a target may forbid or patch time.sleep later
_set_handler = signal.signal


def await_watcher(process: Process) -> None:
    """Wait until the watcher has found this process: then no block is too early to be looked at."""
    words = process.words
    if not _until(process, w.H_WATCHED) or words[w.H_READABLE]:
        return
    _permit(words[w.H_WATCHED])
    words[w.H_PERMITTED] = 1
    if _until(process, w.H_READABLE) and words[w.H_READABLE] == w.ASKS:
        _tell_when_asked(process)


def _until(process: Process, word: int) -> bool:
    deadline = clock() + WATCHER_PATIENCE_NS
    while not process.words[word]:
        if clock() > deadline:
            return False
        _sleep(0.001)
    return True


def _permit(watcher: int) -> None:
    """Let one process, and what it starts (py-spy), look into this one, where Yama has to be told."""
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope", "rb") as file:
            if file.read().strip() != b"1":
                return
        import ctypes  # only where it is needed

        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, watcher, 0, 0, 0)
    except (OSError, ImportError, AttributeError):
        return


class _Told(original("_thread", "_local")):  # type: ignore[misc]  # greenlets share their thread's
    """What a thread knows of itself."""

    state: int = -1


_told = _Told()


def thread_state() -> int:
    """Address of the calling thread's state; 0 where it cannot be told."""
    if _told.state < 0:
        try:
            import ctypes  # not before a lane is watched

            get = ctypes.pythonapi.PyThreadState_Get
            get.restype = ctypes.c_void_p
            _told.state = int(get() or 0)
        except (ImportError, AttributeError, OSError):
            _told.state = 0
    return _told.state


def _tell_when_asked(process: Process) -> None:
    """Write a lane's stack down when the watcher signals; only a main thread can do so."""
    if not _in_main_thread():
        process.note("no-signal")
        return
    if signal.getsignal(w.STACK_SIGNAL) not in (signal.SIG_DFL, signal.SIG_IGN):
        process.note("signal-taken")
        return

    def diag_stack(_signal: int, frame: Any) -> None:
        lane, asked = process.words[w.H_ASKED], process.words[w.H_ASKED_AT]
        tid = process.words[lane_base(lane) + w.L_TID]
        if tid != threading.main_thread().native_id:
            frame = _frame_of(tid)
        process.event({"k": "stack", "l": lane, "sent": asked, "seen": clock(), "f": _lines(frame)})
        process.words[w.H_ASKED_AT] = 0

    def give_way_first(signalnum: Any, handler: Any) -> Any:
        """`signal.signal` while stacks are asked for by signal: a target that wants that one gets it."""
        if signalnum == w.STACK_SIGNAL and process.words[w.H_TELLS]:
            process.words[w.H_TELLS] = 0
            process.note("signal-taken")
            _set_handler(signalnum, signal.SIG_DFL)
        return _set_handler(signalnum, handler)

    give_way_first.__name__, give_way_first.__doc__ = _set_handler.__name__, _set_handler.__doc__
    _set_handler(w.STACK_SIGNAL, diag_stack)
    signal.siginterrupt(w.STACK_SIGNAL, False)  # system calls of C code go on as if nothing had come
    signal.signal = give_way_first
    process.words[w.H_TELLS] = 1


def give_way(process: Process) -> None:
    """Tell no more stacks once the signal is the target's, however it took it."""
    if process.words[w.H_TELLS] and getattr(signal.getsignal(w.STACK_SIGNAL), "__module__", "") != __name__:
        process.words[w.H_TELLS] = 0
        process.note("signal-taken")


def stop(process: Process) -> None:
    """Tell no more stacks, and leave the signals alone."""
    if process.words[w.H_TELLS]:
        process.words[w.H_TELLS] = 0
        if _in_main_thread():
            _set_handler(w.STACK_SIGNAL, signal.SIG_DFL)
    if signal.signal is not _set_handler and signal.signal.__module__ == __name__:
        signal.signal = _set_handler


def _in_main_thread() -> bool:
    """Whatever gevent says: to it, a greenlet of the main thread is a thread of its own."""
    return threading.get_native_id() == threading.main_thread().native_id


def _frame_of(tid: int) -> Any:
    for thread in threading.enumerate():
        if thread.native_id == tid:
            return sys._current_frames().get(thread.ident or 0)
    return None


def _lines(frame: Any) -> list[list[object]]:
    found: list[list[object]] = []
    while frame is not None and len(found) < _MAX_FRAMES:
        code = frame.f_code
        found.append([os.fsdecode(code.co_filename), frame.f_lineno or 0, code.co_name])
        frame = frame.f_back
    return found
