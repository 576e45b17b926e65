"""`native`: the work's own `async def` is awaited."""

from __future__ import annotations

from diag.inspection import WorkloadInfo
from diag.strategies.forms import DONE, Forms, Handler, Handlers, awaited, needs_loop, needs_native


class Native:
    """The work shares the loop as far as it awaits."""

    name = "native"
    description = "the work's own `async def`, awaited"
    default = True
    patched = False

    def applies(self, workload: WorkloadInfo, framework: Handlers) -> str | None:
        """It needs a native form and a framework with an event loop."""
        return needs_native(workload) or needs_loop(framework)

    def handler(self, forms: Forms) -> Handler:
        """An `async def` that awaits the work."""
        work, params = awaited(forms), dict(forms.params)

        async def handle() -> dict[str, bool]:
            await work(**params)
            return DONE

        return handle
