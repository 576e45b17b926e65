"""waitress: a WSGI server in pure Python, in one process."""

from __future__ import annotations

import sys
from typing import Literal

from diag.plan import ServerOptions
from diag.servers.packages import missing

DEFAULT_THREADS = 4
"""waitress' own."""


class Waitress:
    """One thread reads and writes all connections, a pool of threads runs the app."""

    name = "waitress"
    interfaces: tuple[Literal["asgi", "wsgi"], ...] = ("wsgi",)
    loops: tuple[str, ...] = ()
    notes: tuple[str, ...] = (
        f"waitress has {DEFAULT_THREADS} threads unless told otherwise (its own default).",
        "waitress serves 100 connections at once and lets further ones wait in the kernel (its own default).",
        "waitress warns in its log of each request that has to queue (its own default).",
    )

    def command(self, options: ServerOptions, host: str, port: int) -> tuple[str, ...]:
        """See `diag.servers.Server`."""
        return (
            sys.executable,
            "-P",
            "-m",
            "waitress",
            f"--host={host}",
            f"--port={port}",
            f"--threads={self.capacity(options)}",
            *options.extra,
            "diag.frameworks.hosted:application",
        )

    def processes(self, options: ServerOptions) -> int:  # noqa: ARG002  # others need them
        """It is always one process."""
        return 1

    def capacity(self, options: ServerOptions) -> int:
        """The threads of the pool."""
        return options.threads or DEFAULT_THREADS

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        if options.workers > 1:
            return "waitress is one process; gunicorn has workers"
        return missing("waitress")
