"""Werkzeug's development server around the hosted app: ``python -m diag.servers.werkzeug_main HOST PORT``."""

from __future__ import annotations

import importlib
import logging
import os
import sys


def main(arguments: list[str]) -> None:
    """Serve until a signal ends it.

    Args:
        arguments: host and port.
    """
    from werkzeug.serving import run_simple  # noqa: PLC0415  # only this process needs it

    sys.path.insert(0, os.getcwd())  # as `flask run` does
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    host, port = arguments
    application = importlib.import_module("diag.frameworks.hosted").application
    run_simple(host, int(port), application, threaded=True, use_reloader=False, use_debugger=False)


if __name__ == "__main__":
    main(sys.argv[1:])
