"""``python -m diag.agent SCRIPT ARGS``: run a script as ``python SCRIPT ARGS`` does, with the agent in it."""

from __future__ import annotations

import builtins
import os
import sys
import types

from diag.agent.loops import install


def run_script(arguments: list[str]) -> None:
    """Run a script in a fresh `__main__`, the agent installed before its first line."""
    path = arguments[0]
    install()
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=builtins)
    sys.modules["__main__"] = main
    sys.argv[:] = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    with open(path, "rb") as file:
        source = file.read()
    try:
        exec(compile(source, path, "exec"), main.__dict__)  # noqa: S102  # this is what running a script is
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001  # shown as Python would, without diag's own frame
        trace = error.__traceback__
        sys.excepthook(type(error), error, trace.tb_next if trace else None)
        sys.exit(1)


if __name__ == "__main__":
    run_script(sys.argv[1:])
