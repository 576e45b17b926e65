"""Werkzeug's development server around the hosted app: ``python -m diag.servers.werkzeug_main HOST PORT``."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys


def main(arguments: list[str]) -> None:
    """Serve until a signal ends it.

    Args:
        arguments: host and port, and what is to be otherwise than the server's defaults.
    """
    from werkzeug import serving  # noqa: PLC0415  # only this process needs it

    parser = argparse.ArgumentParser(prog="werkzeug")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--access-log", action="store_true")
    parser.add_argument("--backlog", type=int, default=serving.LISTEN_QUEUE)
    options = parser.parse_args(arguments)
    sys.path.insert(0, os.getcwd())  # as `flask run` does
    logging.getLogger("werkzeug").setLevel(logging.INFO if options.access_log else logging.WARNING)
    serving.BaseWSGIServer.request_queue_size = options.backlog
    application = importlib.import_module("diag.frameworks.hosted").application
    serving.run_simple(
        options.host, options.port, application, threaded=True, use_reloader=False, use_debugger=False
    )


if __name__ == "__main__":
    main(sys.argv[1:])
