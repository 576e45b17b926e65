"""`blocking`: the work is called straight in an `async def` handler."""

from __future__ import annotations

from diag.inspection import WorkloadInfo
from diag.strategies.forms import DONE, Forms, Handler, Handlers, called, needs_loop, needs_sync


class Blocking:
    """The loop does nothing else until the work is done."""

    name = "blocking"
    description = "the work is called straight in an `async def` handler"
    default = True
    patched = False

    def applies(self, workload: WorkloadInfo, framework: Handlers) -> str | None:
        """It needs a synchronous form and a framework with an event loop."""
        return needs_sync(workload) or needs_loop(framework)

    def handler(self, forms: Forms) -> Handler:
        """An `async def` that calls the work."""
        work, params = called(forms), dict(forms.params)

        async def handle() -> dict[str, bool]:
            work(**params)
            return DONE

        return handle
