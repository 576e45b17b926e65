"""The hook in front of an ASGI application: which request a step works for."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from diag.agent import process
from diag.agent.lane import clock, port_of, request


def wrap_asgi(app: Any) -> Any:
    """The same ASGI application; each request's steps can be told from others'.

    It is a plain function that returns the application's coroutine, which costs a quarter of a coroutine
    around it. Requests that start right behind a block are written down, for these have waited.
    """
    spool = process.current()
    if spool is None:
        return app
    aftermath, begin, set_request = spool.aftermath, spool.begin, request.set
    # A bound method is called faster than an instance with `__call__`.
    call = app if inspect.isfunction(app) or inspect.ismethod(app) else app.__call__

    def diag_asgi(scope: Any, receive: Any, send: Any) -> Any:
        now = clock()
        client = scope.get("client")
        # Not the scope itself: what a context holds lives until the connection's next request, and the memory
        # that it keeps from being used again cost 4 % of a small request on asyncio.
        set_request((client, now))
        if aftermath and scope["type"] == "http":
            begin(port_of(client), now)
        return call(scope, receive, send)

    _mark_coroutine_function(diag_asgi)
    return diag_asgi


def _mark_coroutine_function(function: Any) -> None:
    """Servers ask whether an application is a coroutine function to tell ASGI 3 from ASGI 2."""
    mark = getattr(inspect, "markcoroutinefunction", None)  # 3.12
    if mark is not None:
        mark(function)
    else:
        function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
