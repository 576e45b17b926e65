"""`sync-handler`: the handler is a plain `def`; what that means is the framework's matter."""

from __future__ import annotations

from diag.inspection import WorkloadInfo
from diag.strategies.forms import DONE, Forms, Handler, Handlers, called, needs_sync


class SyncHandler:
    """FastAPI runs it in its thread pool, Flask in the server's worker."""

    name = "sync-handler"
    description = "a `def` handler, run in a thread of the framework or the server"
    default = True
    patched = False

    def applies(self, workload: WorkloadInfo, framework: Handlers) -> str | None:
        """It needs a synchronous form."""
        if "def" not in framework.handlers:
            return f"{framework.name} takes no def handlers"
        return needs_sync(workload)

    def handler(self, forms: Forms) -> Handler:
        """A `def` that calls the work."""
        work, params = called(forms), dict(forms.params)

        def handle() -> dict[str, bool]:
            work(**params)
            return DONE

        return handle
