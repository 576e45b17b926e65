"""`gather`: each request runs the work several times at once with `asyncio.gather`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from diag.inspection import WorkloadInfo
from diag.strategies.forms import DONE, Forms, Handler, Handlers, called

TOGETHER = 5
"""Calls a request unless told otherwise: as many as in the comparison that this strategy is known from."""


class Gather:
    """Calls overlap where they await, and nowhere else.

    The work's own `async def` is gathered where it has one. Otherwise its synchronous form is, wrapped in
    coroutines that never await: these run one after the other, whatever `gather` suggests. `--together`
    says how many there are, 5 unless given. In a framework without event loop (Flask), the view makes one in
    each request.
    """

    name = "gather"
    description = "several at once in one request, by `asyncio.gather`"
    default = False
    patched = False

    def applies(self, workload: WorkloadInfo, framework: Handlers) -> str | None:
        """Any form will do."""
        if workload.has_native or workload.has_sync:
            return None
        return f"{workload.name} has no form for {framework.name}"

    def detail(self, workload: WorkloadInfo, *, pool: int, together: int) -> str:  # noqa: ARG002
        """How many of which form."""
        form = "its async def" if workload.has_native else "its def, in coroutines that never await"
        return f"{together or TOGETHER} × {form}"

    def handler(self, forms: Forms) -> Handler:
        """An `async def` that gathers, or a `def` that does so in a loop of its own."""
        work, params, together = forms.native or _never_awaiting(forms), dict(forms.params), forms.together

        async def gathered() -> dict[str, bool]:
            await asyncio.gather(*(work(**params) for _ in range(together or TOGETHER)))
            return DONE

        def handle() -> dict[str, bool]:
            return asyncio.run(gathered())

        return gathered if forms.on_loop else handle


def _never_awaiting(forms: Forms) -> Callable[..., Awaitable[object]]:
    work = called(forms)

    async def wrapped(**params: object) -> object:
        return work(**params)

    return wrapped
