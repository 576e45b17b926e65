"""gunicorn with its own ASGI workers."""

from __future__ import annotations

import importlib.util
from typing import Literal

from diag.plan import ServerOptions
from diag.servers.gunicorn import Gunicorn
from diag.servers.packages import missing_loop


class GunicornAsgi(Gunicorn):
    """One event loop in each worker process; gunicorn has this worker class since version 24."""

    name = "gunicorn-asgi"
    worker_class = "asgi"
    interfaces: tuple[Literal["asgi", "wsgi"], ...] = ("asgi",)
    loops: tuple[str, ...] = ("asyncio", "uvloop")
    notes: tuple[str, ...] = (
        *Gunicorn.notes,
        "The event loop is the one that was asked for (gunicorn would take uvloop wherever it is installed).",
        (
            "The HTTP parser is gunicorn's C one where that is installed (gunicorn_h1c), else the one in "
            "Python (its own default)."
        ),
    )

    def more_arguments(self, options: ServerOptions) -> tuple[str, ...]:
        """The part of the command line that is this class' own."""
        return (f"--asgi-loop={options.loop}",)

    def capacity(self, options: ServerOptions) -> int:  # noqa: ARG002  # gthread needs them
        """One loop runs one step at a time."""
        return 1

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        if options.threads:
            return "gunicorn's asgi worker has an event loop, not threads; leave --threads out"
        reason = super().unavailable(options)
        if reason is None and importlib.util.find_spec("gunicorn.workers.gasgi") is None:
            reason = "this gunicorn has no asgi worker: pip install 'gunicorn>=25'"
        return reason or missing_loop(self.name, self.loops, options.loop)
