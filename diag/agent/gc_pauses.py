"""Garbage collections that hold the interpreter for long: nobody's line, but somebody's wait."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any

from diag.agent import words as w
from diag.agent.lane import clock

if TYPE_CHECKING:
    from diag.agent.process import Process


def watch(process: Process) -> None:
    """Write down each collection of `SLOW_NS` or longer, from now on; does nothing the second time."""
    if any(_own(callback) for callback in gc.callbacks):
        return
    began = 0

    def diag_gc(phase: str, info: dict[str, Any]) -> None:
        nonlocal began
        if phase == "start":
            began = clock()
            return
        now = clock()
        if now - began >= w.SLOW_NS:
            tid = threading.get_native_id()
            process.event({"k": "gc", "s": began, "e": now, "n": info["generation"], "tid": tid})

    gc.callbacks.append(diag_gc)


def unwatch() -> None:
    """Stop writing them down."""
    gc.callbacks[:] = [callback for callback in gc.callbacks if not _own(callback)]


def _own(callback: object) -> bool:
    return getattr(callback, "__module__", "") == __name__
