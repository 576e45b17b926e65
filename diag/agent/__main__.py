"""``python .../diag/agent/__main__.py SCRIPT ARGS``: run a script as ``python SCRIPT ARGS`` does, watched.

``-m FOLDER MODULE ARGS`` instead runs a module as ``python -m MODULE ARGS`` does in that folder.
"""

from __future__ import annotations

import sys

# Python has put this file's folder in front of the import path, unless it was told not to (``-P``). While
# diag's modules are imported, diag's own comes last: nothing of the target's and nothing beside diag can
# stand in for a module that is meant.
_here = __file__.rpartition("/")[0]
_home = __file__.removesuffix("/diag/agent/__main__.py")
_safe_path = sys.path[:1] != [_here]
if not _safe_path:
    del sys.path[0]
sys.path.append(_home)

import builtins  # noqa: E402
import importlib.abc  # noqa: E402
import importlib.machinery  # noqa: E402
import importlib.util  # noqa: E402
import io  # noqa: E402
import os  # noqa: E402
import types  # noqa: E402
from collections.abc import Callable  # noqa: E402

from diag.agent.loops import install  # noqa: E402

sys.path.pop()


def run_script(arguments: list[str]) -> None:
    """Run a script in a fresh `__main__`."""
    path = arguments[0]
    sys.argv[:] = arguments
    _set_first(os.path.dirname(os.path.realpath(path)))
    main = _fresh_main(importlib.machinery.SourceFileLoader("__main__", path))
    main.__dict__.update(__file__=path, __cached__=None)

    def run() -> None:
        with io.open_code(path) as file:  # what Python itself opens code with, and what an overlay answers
            source = file.read()
        exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)  # noqa: S102

    _run(run)


def run_module(folder: str, name: str, arguments: list[str]) -> None:
    """Run a module, or a package's ``__main__``, in a fresh `__main__`."""
    sys.argv[:] = [name, *arguments]
    _set_first(folder)

    def run() -> None:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
        if spec is None or not isinstance(spec.loader, importlib.abc.InspectLoader):
            raise ImportError(f"there is no module {name!r} that could be run")
        code = spec.loader.get_code(spec.name)
        sys.argv[0] = spec.origin or name
        main = _fresh_main(spec.loader)
        main.__dict__.update(
            __file__=spec.origin, __spec__=spec, __package__=spec.parent, __cached__=spec.cached
        )
        exec(code or "", main.__dict__)  # noqa: S102

    _run(run)


def _fresh_main(loader: object) -> types.ModuleType:
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __loader__=loader, __annotations__={})
    sys.modules["__main__"] = main
    return main


def _set_first(folder: str) -> None:
    """The import path begins with it, unless Python was told otherwise."""
    if not _safe_path:
        sys.path.insert(0, folder)


def _run(run: Callable[[], None]) -> None:
    """Run the target's code; an exception is shown as Python would, without diag's own frames."""
    try:
        run()
    except SystemExit:
        raise
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        sys.excepthook = lambda *_: None  # it has been shown; how the interpreter ends is its own affair
        raise


if __name__ == "__main__":
    install()
    if sys.argv[1] == "-m":
        run_module(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        run_script(sys.argv[1:])
