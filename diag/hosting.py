"""What diag and its processes tell each other through the environment. Standard library only."""

from __future__ import annotations

import dataclasses
import json
import os
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from diag.plan import ServedApp, ServedUnit

SERVE = "DIAG_SERVE"
"""The `ServedApp` as JSON."""

SPOOL = "DIAG_SPOOL"
"""Folder for what the agent sees; without it there is no agent."""

CAPACITY = "DIAG_CAPACITY"
"""Requests that one process works on together, 0 if there is no bound."""

READY = "DIAG_READY"
"""Folder in which each worker leaves ``loaded-PID``, or ``failed-PID`` with the traceback."""

RUN_ID = "DIAG_RUN_ID"
"""Carried by every process of a run, so that all of them can be found and ended."""


def to_json(served: ServedApp) -> str:
    """As it travels in the environment."""
    return json.dumps(dataclasses.asdict(served))


def from_json(text: str) -> ServedApp:
    """The inverse of `to_json`."""
    fields = json.loads(text)
    units = tuple(ServedUnit(**unit) for unit in fields["units"])
    return ServedApp(**{**fields, "units": units, "sys_path": tuple(fields["sys_path"])})


def with_diag_importable(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables with which a child finds diag, even if this diag runs from a source tree."""
    home = str(Path(__file__).parents[1])
    if home in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        return dict(variables)
    paths = [path for path in variables.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**variables, "PYTHONPATH": os.pathsep.join(paths if home in paths else [*paths, home])}
