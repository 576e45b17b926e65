"""Serves the hosted app with asyncio: ``python -m diag.servers.asyncio_streams_main HOST PORT LOOP``."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from typing import Any

BACKLOG = 2048
"""Connections that may wait to be accepted: uvicorn's default, so that none is refused that it would take."""


def main(arguments: list[str]) -> None:
    """Serve until a signal ends it.

    Args:
        arguments: host, port, and ``asyncio`` or ``uvloop``.
    """
    sys.path.insert(0, os.getcwd())  # as uvicorn does
    host, port, loop = arguments
    application = importlib.import_module("diag.frameworks.hosted").application
    factory = importlib.import_module("uvloop").new_event_loop if loop == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(application, host, int(port)))


async def _serve(application: Any, host: str, port: int) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    server = await asyncio.start_server(application, host, port, backlog=BACKLOG)
    await ended.wait()
    server.close()  # its connections end with the loop, which cancels their tasks


if __name__ == "__main__":
    main(sys.argv[1:])
