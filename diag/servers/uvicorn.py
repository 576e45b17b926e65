"""uvicorn, as it is run in production."""

from __future__ import annotations

import importlib.util
import sys
from typing import Literal

from diag.plan import ServerOptions


class Uvicorn:
    """One event loop a process; a supervisor and spawned workers where there are several."""

    name = "uvicorn"
    interfaces: tuple[Literal["asgi", "wsgi"], ...] = ("asgi",)
    loops: tuple[str, ...] = ("asyncio", "uvloop")
    notes: tuple[str, ...] = (
        "uvicorn's access log is off: writing it costs about 20 % of the throughput of a small handler.",
        "uvicorn's HTTP parser is httptools where it is installed, else h11 (its own default).",
    )

    def command(self, options: ServerOptions, host: str, port: int) -> tuple[str, ...]:
        """See `diag.servers.Server`."""
        return (
            sys.executable,
            "-P",  # as the console script: the current folder does not shadow uvicorn's own imports
            "-m",
            "uvicorn",
            "diag.frameworks.hosted:application",
            f"--host={host}",
            f"--port={port}",
            f"--loop={options.loop}",
            f"--workers={options.workers}",
            "--log-level=warning",
            "--no-access-log",
            "--no-use-colors",
            "--timeout-graceful-shutdown=2",
            *options.extra,
        )

    def processes(self, options: ServerOptions) -> int:
        """See `diag.servers.Server`."""
        return options.workers

    def capacity(self, options: ServerOptions) -> int:  # noqa: ARG002  # others need them
        """One loop runs one step at a time."""
        return 1

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        if options.loop not in self.loops:
            return f"uvicorn has no loop {options.loop!r}; it has {' and '.join(self.loops)}"
        if options.loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
            return "uvloop is not installed: pip install 'diag[servers]'"
        return None
