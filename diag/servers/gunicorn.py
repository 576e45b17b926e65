"""gunicorn with its threads and processes; its other worker classes have files of their own."""

from __future__ import annotations

import os
import sys
from typing import Literal

from diag.plan import ServerOptions

DEFAULT_THREADS = 4
_MEMORY_FOLDER = "/dev/shm"  # noqa: S108  # gunicorn's own advice for its heartbeat files


class Gunicorn:
    """What all its worker classes have in common."""

    name: str = ""
    worker_class: str = ""
    interfaces: tuple[Literal["asgi", "wsgi"], ...] = ("wsgi",)
    loops: tuple[str, ...] = ()
    notes: tuple[str, ...] = (
        "gunicorn's control socket is off.",
        "A gunicorn.conf.py in the current folder is not read, unless the server's own options name it.",
    )

    def command(self, options: ServerOptions, host: str, port: int) -> tuple[str, ...]:
        """See `diag.servers.Server`."""
        # The heartbeat file is written by the worker while it serves: on a slow disk that blocks it.
        memory = (f"--worker-tmp-dir={_MEMORY_FOLDER}",) if os.access(_MEMORY_FOLDER, os.W_OK) else ()
        return (
            sys.executable,
            "-P",
            "-m",
            "gunicorn",
            "--config=python:diag.servers.gunicorn_settings",
            f"--bind={host}:{port}",
            f"--worker-class={self.class_name(options)}",
            f"--workers={options.workers}",
            *self.more_arguments(options),
            *memory,
            *options.extra,
            "diag.frameworks.hosted:application",
        )

    def class_name(self, options: ServerOptions) -> str:  # noqa: ARG002  # uvicorn's needs them
        """What gunicorn is told to use."""
        return self.worker_class

    def more_arguments(self, options: ServerOptions) -> tuple[str, ...]:  # noqa: ARG002  # gthread needs them
        """The part of the command line that is this class' own."""
        return ()

    def processes(self, options: ServerOptions) -> int:
        """See `diag.servers.Server`."""
        return options.workers

    def unavailable(self, options: ServerOptions) -> str | None:  # noqa: ARG002  # sync needs them
        """See `diag.servers.Server`."""
        return "gunicorn does not run on Windows" if sys.platform == "win32" else None


class GunicornSync(Gunicorn):
    """One request at a time in each worker process."""

    name = "gunicorn-sync"
    worker_class = "sync"

    def capacity(self, options: ServerOptions) -> int:  # noqa: ARG002  # gthread needs them
        """A worker serves one request at a time."""
        return 1

    def unavailable(self, options: ServerOptions) -> str | None:
        """See `diag.servers.Server`."""
        if options.threads > 1:
            return "gunicorn's sync worker has one thread; gunicorn-gthread has several"
        return super().unavailable(options)


class GunicornGthread(Gunicorn):
    """A thread pool in each worker process."""

    name = "gunicorn-gthread"
    worker_class = "gthread"
    notes = (
        *Gunicorn.notes,
        f"gthread has {DEFAULT_THREADS} threads a worker unless told otherwise (gunicorn's default is 1).",
    )

    def more_arguments(self, options: ServerOptions) -> tuple[str, ...]:
        """The part of the command line that is this class' own."""
        return (f"--threads={self.capacity(options)}",)

    def capacity(self, options: ServerOptions) -> int:
        """The threads of the pool."""
        return options.threads or DEFAULT_THREADS
