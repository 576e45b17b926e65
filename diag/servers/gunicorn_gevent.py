"""gunicorn with gevent workers: a greenlet for each connection, on one hub."""

from __future__ import annotations

from diag.plan import ServerOptions
from diag.servers.gunicorn import Gunicorn
from diag.servers.packages import missing


class GunicornGevent(Gunicorn):
    """The worker patches the standard library before it loads the app, so that waiting lets others run."""

    name = "gunicorn-gevent"
    worker_class = "gevent"
    loops: tuple[str, ...] = ("gevent",)
    notes: tuple[str, ...] = (
        *Gunicorn.notes,
        "A worker serves up to 1,000 connections at once (gunicorn's default).",
        (
            "The worker patches the standard library (gevent.monkey.patch_all), as it always does: "
            "time.sleep, sockets, locks and subprocesses let other requests run; C code and computing do not."
        ),
    )

    def capacity(self, options: ServerOptions) -> int:  # noqa: ARG002  # gthread needs them
        """One hub runs one greenlet at a time."""
        return 1

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        if options.threads:
            return "gunicorn's gevent worker has greenlets, not threads; leave --threads out"
        return super().unavailable(options) or missing("gevent")
