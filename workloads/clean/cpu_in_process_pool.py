"""Pure-Python computing in another process: the counterpart of ../cpu_pure_python.py.

Why it is clean: the child has an interpreter and a GIL of its own; this loop only sends a number and
    awaits a number.
What it costs: a process to start (once, at the first call) and to keep, and pickling of what goes over.
Worth copying: "spawn" does not copy this process's threads, sockets and locks into the child as "fork"
    does, and `_exit_with_parent` leaves no worker behind when the server is killed.
"""

import asyncio
import functools
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor

import diag


def sum_of_squares(count: int) -> int:
    return sum(i * i for i in range(count))


def _watch_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _exit_with_parent() -> None:
    threading.Thread(target=_watch_parent, daemon=True).start()


@functools.cache
def pool() -> ProcessPoolExecutor:
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(max_workers=1, mp_context=spawn, initializer=_exit_with_parent)


@diag.workload(
    kind="cpu",
    params={"count": 2_000_000},
    expect=diag.Clean(because="the computing is done in another process, with a GIL of its own"),
)
async def cpu_in_process_pool(count: int) -> int:
    return await asyncio.get_running_loop().run_in_executor(pool(), sum_of_squares, count)
