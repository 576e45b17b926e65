"""granian: HTTP in Rust, the app on an event loop (ASGI) or in threads (WSGI)."""

from __future__ import annotations

import sys
from typing import Literal

from diag.plan import ServerOptions
from diag.servers.packages import missing, missing_loop

_BACKLOG = 1024
_LOGS = "granian writes no access log (its own default)."


class Granian:
    """A first process; in each worker, threads of Rust's read and write, and Python's loop runs the app.

    A request reaches the loop by `call_soon_threadsafe`, so its steps are seen as those of any other task.
    """

    name: str = "granian"
    interfaces: tuple[Literal["asgi", "wsgi"], ...] = ("asgi",)
    loops: tuple[str, ...] = ("asyncio", "uvloop")
    notes: tuple[str, ...] = (
        _LOGS,
        (
            "Requests are asyncio tasks (granian's own default); its tasks in Rust share one context, "
            "so that steps could not be told apart by request."
        ),
    )

    def command(self, options: ServerOptions, host: str, port: int) -> tuple[str, ...]:
        """See `diag.servers.Server`."""
        return (
            sys.executable,
            "-P",
            "-m",
            "granian",
            f"--interface={self.interfaces[0]}",
            f"--host={host}",
            f"--port={port}",
            f"--workers={options.workers}",
            f"--backlog={_BACKLOG}",
            "--log-level=warning",
            "--workers-kill-timeout=2",
            *self.more_arguments(options),
            *options.extra,
            "diag.frameworks.hosted:application",
        )

    def more_arguments(self, options: ServerOptions) -> tuple[str, ...]:
        """The part of the command line that is the interface's own."""
        return (f"--loop={options.loop}", "--task-impl=asyncio")

    def processes(self, options: ServerOptions) -> int:
        """See `diag.servers.Server`."""
        return options.workers

    def capacity(self, options: ServerOptions) -> int:  # noqa: ARG002  # others need them
        """One loop runs one step at a time."""
        return 1

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        if options.threads:
            return "granian runs an ASGI app on an event loop, not in threads; leave --threads out"
        return missing("granian") or missing_loop(self.name, self.loops, options.loop)


class GranianWsgi(Granian):
    """A request runs in a thread that Rust starts when it is needed."""

    name = "granian-wsgi"
    interfaces: tuple[Literal["asgi", "wsgi"], ...] = ("wsgi",)
    loops: tuple[str, ...] = ()
    notes: tuple[str, ...] = (
        _LOGS,
        "granian runs up to 512 WSGI requests at once, over all workers (its own default: half its backlog).",
        "granian does not tell a WSGI app the client's port, so its handlers cannot be judged one by one.",
    )

    def more_arguments(self, options: ServerOptions) -> tuple[str, ...]:
        """The part of the command line that is the interface's own."""
        return (f"--blocking-threads={self.capacity(options)}",)

    def capacity(self, options: ServerOptions) -> int:
        """Threads, at most."""
        return options.threads or max(1, _BACKLOG // options.workers // 2)

    def unavailable(self, options: ServerOptions) -> str | None:  # noqa: ARG002  # ASGI needs them
        """See `diag.servers.Server`."""
        return missing("granian")
