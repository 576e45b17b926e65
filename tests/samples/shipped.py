"""The shipped workload files, and how a test imports one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from diag.workload import ATTRIBUTE, WorkloadSpec

FOLDER = Path(__file__).parents[2] / "workloads"
OTHER_TARGETS = {"shop", "flask_shop", "script_crawler"}
BLOCKING = sorted(path for path in FOLDER.glob("*.py") if path.stem not in OTHER_TARGETS)
CLEAN = sorted(FOLDER.glob("clean/*.py"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A workload, ready to be called with `spec.params`."""

    path: Path
    function: Callable[..., object]
    spec: WorkloadSpec


def import_anew(path: Path) -> Loaded:
    """Import a file under its stem; its folder has to be on the import path for processes that it starts."""
    sys.modules.pop(path.stem, None)
    module = importlib.import_module(path.stem)
    function = getattr(module, path.stem)
    return Loaded(path=path, function=function, spec=getattr(function, ATTRIBUTE))
