"""uvicorn, as it is run in production, with each of its HTTP parsers, and while developing."""

from __future__ import annotations

import sys
from typing import Literal

from diag.plan import ServerOptions
from diag.servers.packages import missing, missing_loop

_ACCESS_LOG = "uvicorn's access log is off: writing it costs about 20 % of the throughput of a small handler."


class Uvicorn:
    """One event loop a process; a supervisor and spawned workers where there are several."""

    name: str = "uvicorn"
    interfaces: tuple[Literal["asgi", "wsgi"], ...] = ("asgi",)
    loops: tuple[str, ...] = ("asyncio", "uvloop")
    notes: tuple[str, ...] = (
        _ACCESS_LOG,
        "uvicorn's HTTP parser is httptools where it is installed, else h11 (its own default).",
    )
    arguments: tuple[str, ...] = ()

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
            *self.arguments,
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
        return missing_loop("uvicorn", self.loops, options.loop)


class UvicornH11(Uvicorn):
    """With the HTTP parser in pure Python, as where httptools is not installed."""

    name = "uvicorn-h11"
    notes: tuple[str, ...] = (
        _ACCESS_LOG,
        "uvicorn's HTTP parser is h11, as it is where httptools is not installed.",
    )
    arguments = ("--http=h11",)


class UvicornHttptools(Uvicorn):
    """With the HTTP parser in C, and refused where that is missing."""

    name = "uvicorn-httptools"
    notes: tuple[str, ...] = (_ACCESS_LOG, "uvicorn's HTTP parser is httptools.")
    arguments = ("--http=httptools",)

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        return missing("httptools") or super().unavailable(options)


class UvicornReload(Uvicorn):
    """With the reloader: its first process looks for changed files, its child serves."""

    name = "uvicorn-reload"
    notes: tuple[str, ...] = (
        *Uvicorn.notes,
        (
            "The reloader watches the current folder, with watchfiles where that is installed, else by "
            "looking at every .py file four times a second (its own default): that is measured with it."
        ),
    )
    arguments = ("--reload",)

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        if options.workers > 1:
            return "uvicorn's reloader has one worker; leave --workers out"
        return super().unavailable(options)
