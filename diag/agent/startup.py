"""Where an application's start hangs: what its tasks await, written down shortly before patience ends.

A start that blocks has its line on its thread's stack, where it is seen from outside. One that awaits what
never comes has none: its coroutines lie on the heap, and only its own process finds its way through them.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import time
from typing import Any

ANSWER_BY = "DIAG_ANSWER_BY"
"""Until when the server has to answer, in ns of CLOCK_MONOTONIC; only servers that diag starts have it."""

READY = "DIAG_READY"
ANSWERED = "answered"
HANGS = "hangs-"

MARGIN_S = 1.0
"""How long before the end of patience it is told, or a fifth of what is left if that is shorter."""

_MOST_TASKS, _DEEPEST = 100, 100


def watch(loop: Any) -> None:
    """Have a loop tell what its tasks await if the server has not answered in time; a timer, and no more."""
    folder, until = os.environ.get(READY), os.environ.get(ANSWER_BY, "")
    if not folder or not until.isdigit():
        return
    left = int(until) / 1e9 - time.monotonic()
    if left > 0:
        loop.call_later(left - min(MARGIN_S, left / 5), _tell, loop, folder)


def _tell(loop: Any, folder: str) -> None:
    try:
        if os.path.exists(os.path.join(folder, ANSWERED)):
            return
        tasks = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())[:_MOST_TASKS]
        path = os.path.join(folder, f"{HANGS}{os.getpid()}")
        lines = [awaited(task.get_coro()) for task in tasks]
        # diag: allow open - a few lines into the spool, of a server that hangs already
        with open(f"{path}.part", "w", encoding="utf-8", errors="backslashreplace") as file:
            json.dump(lines, file)  # diag: allow json.dump - as above
        os.replace(f"{path}.part", path)
    except Exception:  # it is a courtesy
        return


def awaited(coroutine: Any) -> list[tuple[str, int, str]]:
    """The lines at which a suspended coroutine waits, outermost first: file, line, function."""
    lines: list[tuple[str, int, str]] = []
    for _ in range(_DEEPEST):
        if coroutine is None:
            break
        frame = next(
            (f for name in ("cr", "gi", "ag") if (f := getattr(coroutine, f"{name}_frame", None))), None
        )
        if frame is not None:
            lines.append((frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code.co_name))
        coroutine = _next(coroutine)
    return lines


def _next(coroutine: Any) -> Any:
    """What a coroutine awaits, if that has a line of its own."""
    for name in ("cr_await", "gi_yieldfrom", "ag_await"):
        if hasattr(coroutine, name):
            return getattr(coroutine, name)
    # What lies between two coroutines (a step of an asynchronous generator, `__await__`) does not tell what
    # it holds; the garbage collector knows. A future holds tasks that are not awaited here.
    if isinstance(coroutine, asyncio.Future):
        return None
    return next((one for one in gc.get_referents(coroutine) if _has_lines(one)), None)


def _has_lines(one: Any) -> bool:
    return inspect.iscoroutine(one) or inspect.isgenerator(one) or inspect.isasyncgen(one)
