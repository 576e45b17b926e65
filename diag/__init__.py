"""Where the event loop was blocked, why, who paid for it, and what fixes it: measured, not guessed.

The public names are loaded on first use (PEP 562): a target imports `diag.agent` and must not
thereby import anything that diag itself needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.diagnose import check as check
    from diag.diagnose import compare as compare
    from diag.diagnose import explain as explain
    from diag.workload import Blocks as Blocks
    from diag.workload import Clean as Clean
    from diag.workload import workload as workload

__version__ = "0.1.0"

_HOMES = {
    "check": "diag.diagnose",
    "compare": "diag.diagnose",
    "explain": "diag.diagnose",
    "workload": "diag.workload",
    "Blocks": "diag.workload",
    "Clean": "diag.workload",
}

__all__ = ["Blocks", "Clean", "__version__", "check", "compare", "explain", "workload"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module 'diag' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
