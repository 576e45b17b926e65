"""Werkzeug's development server: what `flask run` and `app.run()` start."""

from __future__ import annotations

import importlib.util
import sys
from typing import Literal

from diag.plan import ServerOptions


class Werkzeug:
    """A new thread for each connection, without bound; without debugger and reloader."""

    name = "werkzeug"
    interfaces: tuple[Literal["asgi", "wsgi"], ...] = ("wsgi",)
    loops: tuple[str, ...] = ()
    notes: tuple[str, ...] = (
        "The development server's access log is off, as it is for the other servers.",
        "The development server's debugger and reloader are off.",
    )

    def command(self, options: ServerOptions, host: str, port: int) -> tuple[str, ...]:
        """See `diag.servers.Server`."""
        return (sys.executable, "-P", "-m", "diag.servers.werkzeug_main", host, str(port), *options.extra)

    def processes(self, options: ServerOptions) -> int:  # noqa: ARG002  # others need them
        """It is always one process."""
        return 1

    def capacity(self, options: ServerOptions) -> int:  # noqa: ARG002  # others need them
        """No bound: every connection has its thread."""
        return 0

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        if options.workers > 1:
            return "werkzeug's development server is one process; gunicorn has workers"
        if options.threads:
            return "werkzeug's development server has a thread for each connection, not a pool of them"
        return (
            None if importlib.util.find_spec("werkzeug") else "werkzeug is not installed: pip install flask"
        )
