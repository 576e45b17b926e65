"""`loop-per-request`: a `def` handler awaits the work in an event loop that it makes for each request."""

from __future__ import annotations

import asyncio

from diag.inspection import WorkloadInfo
from diag.strategies.forms import DONE, Forms, Handler, Handlers, awaited, needs_native


class LoopPerRequest:
    """What awaits in one request overlaps with nothing of another request on the same thread.

    Every request pays for making a loop and closing it, and occupies its thread until it is done.
    """

    name = "loop-per-request"
    description = "`asyncio.run` of the work's `async def` in a `def` handler"
    default = False
    patched = False

    def applies(self, workload: WorkloadInfo, framework: Handlers) -> str | None:
        """It needs a native form and a framework whose handlers run outside of a loop."""
        if "def" not in framework.handlers:
            return f"{framework.name} takes no def handlers"
        return needs_native(workload)

    def handler(self, forms: Forms) -> Handler:
        """A `def` that runs the work in a loop of its own."""
        work, params = awaited(forms), dict(forms.params)

        async def once() -> None:
            await work(**params)

        def handle() -> dict[str, bool]:
            asyncio.run(once())
            return DONE

        return handle
