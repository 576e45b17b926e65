"""hypercorn: an ASGI server that also speaks HTTP/2."""

from __future__ import annotations

import sys
from typing import Literal

from diag.plan import ServerOptions
from diag.servers.packages import missing, missing_loop


class Hypercorn:
    """A first process, and one event loop in each worker, even if there is only one."""

    name = "hypercorn"
    interfaces: tuple[Literal["asgi", "wsgi"], ...] = ("asgi",)
    loops: tuple[str, ...] = ("asyncio", "uvloop")
    notes: tuple[str, ...] = (
        "hypercorn writes no access log (its own default).",
        "hypercorn's trio workers are left out: diag does not watch trio.",
    )

    def command(self, options: ServerOptions, host: str, port: int) -> tuple[str, ...]:
        """See `diag.servers.Server`."""
        return (
            sys.executable,
            "-P",
            "-m",
            "hypercorn",
            f"--bind={host}:{port}",
            f"--worker-class={options.loop}",
            f"--workers={options.workers}",
            "--log-level=WARNING",
            "--graceful-timeout=2",
            *options.extra,
            "asgi:diag.frameworks.hosted:application",  # it would not know ours for one in Python 3.11
        )

    def processes(self, options: ServerOptions) -> int:
        """See `diag.servers.Server`."""
        return options.workers

    def capacity(self, options: ServerOptions) -> int:  # noqa: ARG002  # others need them
        """One loop runs one step at a time."""
        return 1

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        return missing("hypercorn") or missing_loop(self.name, self.loops, options.loop)
