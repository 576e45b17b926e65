"""`gevent`: a `def` handler calls the work in a greenlet; a patched call that waits lets others run."""

from __future__ import annotations

from diag.inspection import WorkloadInfo
from diag.strategies.forms import DONE, Forms, Handler, Handlers, called, needs_sync


class Gevent:
    """The server patches what waits (sleep, sockets, locks); what computes holds the hub as it would a loop.

    The handler is the same as in sync-handler: the server makes the difference.
    """

    name = "gevent"
    description = "the work is called in a greenlet of a server that monkey-patches"
    default = True
    patched = True

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
