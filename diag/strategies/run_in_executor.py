"""`run-in-executor`: an `async def` handler hands the work to a thread pool of its own."""

from __future__ import annotations

import asyncio
import functools
import os
from concurrent.futures import ThreadPoolExecutor

from diag.inspection import WorkloadInfo
from diag.strategies.forms import DONE, Forms, Handler, Handlers, called, counted, needs_loop, needs_sync


class RunInExecutor:
    """As to-thread, with a pool that nobody else uses and whose size is the author's choice.

    The pool has as many threads as Python's own default, 4 more than cores and 32 at most; `--pool` sets
    another size. Calls beyond that wait in the pool's queue: one thread makes them follow each other.
    """

    name = "run-in-executor"
    description = "`loop.run_in_executor` with a thread pool of its own"
    default = False
    patched = False

    def applies(self, workload: WorkloadInfo, framework: Handlers) -> str | None:
        """It needs a synchronous form and a framework with an event loop."""
        return needs_sync(workload) or needs_loop(framework)

    def detail(self, workload: WorkloadInfo, *, pool: int, together: int) -> str:  # noqa: ARG002
        """The pool's size."""
        return counted(pool or default_threads(), "thread", "threads")

    def handler(self, forms: Forms) -> Handler:
        """An `async def` that awaits the pool in which the work is called."""
        work = functools.partial(called(forms), **forms.params)
        pool = ThreadPoolExecutor(forms.pool or default_threads(), thread_name_prefix="workload")

        async def handle() -> dict[str, bool]:
            await asyncio.get_running_loop().run_in_executor(pool, work)
            return DONE

        return handle


def default_threads() -> int:
    """Threads of a pool unless a size is given: what `ThreadPoolExecutor` itself takes."""
    return min(32, len(os.sched_getaffinity(0)) + 4)
