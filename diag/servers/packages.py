"""Whether the packages that a server needs are there."""

from __future__ import annotations

import importlib.util


def missing(*modules: str) -> str | None:
    """Why a server cannot run: the first of these modules that is not installed; None if all are.

    Args:
        modules: top-level modules, named as their packages are but for ``-`` and ``_``.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            return f"{module.replace('_', '-')} is not installed: pip install 'diag[servers]'"
    return None


def missing_loop(server: str, loops: tuple[str, ...], loop: str) -> str | None:
    """Why a server cannot run on a loop, None if it can."""
    if loop not in loops:
        return f"{server} has no loop {loop!r}; it has {' and '.join(loops)}"
    return missing("uvloop") if loop == "uvloop" else None
