"""cheroot: CherryPy's WSGI server, in one process."""

from __future__ import annotations

import sys
from typing import Literal

from diag.plan import ServerOptions
from diag.servers.packages import missing

DEFAULT_THREADS = 10
"""cheroot's own."""


class Cheroot:
    """One thread accepts and waits for requests, a pool of threads reads them and runs the app."""

    name = "cheroot"
    interfaces: tuple[Literal["asgi", "wsgi"], ...] = ("wsgi",)
    loops: tuple[str, ...] = ()
    notes: tuple[str, ...] = (
        f"cheroot has {DEFAULT_THREADS} threads unless told otherwise (its own default).",
        "cheroot has a listen backlog of 5 (its own default): clients beyond it wait 1 s or longer to retry.",
        "cheroot writes no access log (its own default).",
    )

    def command(self, options: ServerOptions, host: str, port: int) -> tuple[str, ...]:
        """See `diag.servers.Server`."""
        return (
            sys.executable,
            "-P",
            "-m",
            "cheroot",
            f"--bind={host}:{port}",
            f"--threads={self.capacity(options)}",
            f"--max-threads={self.capacity(options)}",
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
            return "cheroot is one process; gunicorn has workers"
        return missing("cheroot")
