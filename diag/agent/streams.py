"""The hook in an app of plain asyncio streams: which request a step works for."""

from __future__ import annotations

from typing import Any

from diag.agent import process
from diag.agent.lane import clock, port_of, request


def wrap_streams(app: Any) -> Any:
    """The same app, which says when a request begins, in the context of the connection's task.

    Args:
        app: has an attribute `begin` that it calls with the connection's `asyncio.StreamWriter`.
    """
    spool = process.current()
    if spool is None:
        return app
    aftermath, note_begin = spool.aftermath, spool.begin

    def begin(writer: Any) -> None:
        client, now = writer.get_extra_info("peername"), clock()
        request.set((client, now))
        if aftermath:
            note_begin(port_of(client), now)

    app.begin = begin
    return app
