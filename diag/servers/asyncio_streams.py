"""`asyncio.start_server` and nothing else: what the framework `asyncio` is served by."""

from __future__ import annotations

import importlib.util
import sys
from typing import Literal

from diag.plan import ServerOptions


class AsyncioStreams:
    """One event loop in one process."""

    name = "asyncio"
    interfaces: tuple[Literal["asgi", "wsgi", "streams"], ...] = ("streams",)
    loops: tuple[str, ...] = ("asyncio", "uvloop")
    notes: tuple[str, ...] = ("asyncio's own streams answer GET alone; there is no access log.",)

    def command(self, options: ServerOptions, host: str, port: int) -> tuple[str, ...]:
        """See `diag.servers.Server`."""
        module = "diag.servers.asyncio_streams_main"
        return (sys.executable, "-P", "-m", module, host, str(port), options.loop, *options.extra)

    def processes(self, options: ServerOptions) -> int:  # noqa: ARG002  # others need them
        """It is always one process."""
        return 1

    def capacity(self, options: ServerOptions) -> int:  # noqa: ARG002  # others need them
        """One loop runs one step at a time."""
        return 1

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        if options.workers > 1:
            return "plain asyncio is one process; uvicorn has workers"
        if options.threads:
            return "plain asyncio has an event loop, not threads; leave --threads out"
        if options.loop not in self.loops:
            return f"asyncio has no loop {options.loop!r}; it has {' and '.join(self.loops)}"
        if options.loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
            return "uvloop is not installed: pip install 'diag[servers]'"
        return None
