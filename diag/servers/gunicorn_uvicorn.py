"""gunicorn with uvicorn's worker class: the way FastAPI was put into production for years."""

from __future__ import annotations

from typing import Literal

from diag.plan import ServerOptions
from diag.servers.gunicorn import Gunicorn
from diag.servers.packages import missing, missing_loop


class GunicornUvicorn(Gunicorn):
    """gunicorn looks after the workers, uvicorn serves in each."""

    name = "gunicorn-uvicorn"
    interfaces: tuple[Literal["asgi", "wsgi"], ...] = ("asgi",)
    loops: tuple[str, ...] = ("asyncio", "uvloop")
    notes: tuple[str, ...] = (
        *Gunicorn.notes,
        (
            "The worker class is uvicorn_worker.UvicornWorker, made to use the loop that was asked for "
            "(it would take uvloop wherever it is installed)."
        ),
        "uvicorn's HTTP parser is httptools where it is installed, else h11 (its own default).",
    )

    def class_name(self, options: ServerOptions) -> str:
        """A worker class for each loop: gunicorn cannot hand uvicorn a setting."""
        return f"diag.servers.uvicorn_workers.{'Uvloop' if options.loop == 'uvloop' else 'Asyncio'}Worker"

    def capacity(self, options: ServerOptions) -> int:  # noqa: ARG002  # gthread needs them
        """One loop runs one step at a time."""
        return 1

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        if options.threads:
            return "uvicorn's worker has an event loop, not threads; leave --threads out"
        reason = super().unavailable(options) or missing("uvicorn_worker")
        return reason or missing_loop(self.name, self.loops, options.loop)
