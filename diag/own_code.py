"""Which files are the user's own code, and what of a traceback lies in them. Standard library only."""

from __future__ import annotations

import os
import re
import sysconfig
import traceback
from collections.abc import Sequence

_DIAG = os.path.dirname(os.path.abspath(__file__)) + os.sep
_SHIPPED = os.path.join(_DIAG, "_workloads") + os.sep
_LIBRARIES = tuple({sysconfig.get_path(n) + os.sep for n in ("stdlib", "platstdlib", "purelib", "platlib")})

_FRAME = re.compile(r'^  File "(?P<file>.*)", line \d+')
_FRAME_INDENT = "    "


def is_own_file(path: str, roots: Sequence[str] = ()) -> bool:
    """True for the user's own code: no library's, no frozen module's, not diag's."""
    if path.startswith("<"):
        return False
    for root in roots:
        below = path[len(root) + 1 :] if path.startswith(root.rstrip(os.sep) + os.sep) else ""
        if below and "site-packages" not in below.split(os.sep) and not _is_diag(path):
            return True
    return not (path.startswith(_LIBRARIES) or _is_diag(path) or "site-packages" in path.split(os.sep))


def _is_diag(path: str) -> bool:
    return path.startswith(_DIAG) and not path.startswith(_SHIPPED)


def own_traceback(error: BaseException, roots: Sequence[str] = ()) -> str:
    """A traceback as Python prints it, shortened to the user's frames."""
    shortened = traceback.TracebackException.from_exception(error, compact=True)
    _shorten(shortened, roots, set())
    return "".join(shortened.format()).rstrip("\n")


def _shorten(trace: traceback.TracebackException, roots: Sequence[str], seen: set[int]) -> None:
    if id(trace) in seen:
        return
    seen.add(id(trace))
    own = [frame for frame in trace.stack if is_own_file(frame.filename, roots)]
    trace.stack[:] = own
    for other in (trace.__cause__, trace.__context__, *(trace.exceptions or ())):
        if other is not None:
            _shorten(other, roots, seen)


def own_lines(log: str, roots: Sequence[str] = ()) -> str:
    """A log in which the tracebacks are shortened to the user's frames."""
    kept: list[str] = []
    dropping = False
    for line in log.splitlines():
        frame = _FRAME.match(line)
        if frame:
            dropping = not is_own_file(frame["file"], roots)
        elif not line.startswith(_FRAME_INDENT):  # a frame's source and carets are indented deeper than it
            dropping = False
        if not dropping:
            kept.append(line)
    return "\n".join(kept)
