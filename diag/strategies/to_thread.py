"""`to-thread`: an `async def` handler hands the work to a thread with `asyncio.to_thread`."""

from __future__ import annotations

import asyncio

from diag.inspection import WorkloadInfo
from diag.strategies.forms import DONE, Forms, Handler, Handlers, called, needs_loop, needs_sync


class ToThread:
    """The loop is free while the thread waits or computes without the GIL."""

    name = "to-thread"
    description = "`asyncio.to_thread` in an `async def` handler"
    default = True
    patched = False

    def applies(self, workload: WorkloadInfo, framework: Handlers) -> str | None:
        """It needs a synchronous form and a framework with an event loop."""
        return needs_sync(workload) or needs_loop(framework)

    def handler(self, forms: Forms) -> Handler:
        """An `async def` that awaits a thread in which the work is called."""
        work, params = called(forms), dict(forms.params)

        async def handle() -> dict[str, bool]:
            await asyncio.to_thread(work, **params)
            return DONE

        return handle
