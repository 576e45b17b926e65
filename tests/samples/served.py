"""Apps and workloads to serve, written into a test's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from textwrap import dedent
from typing import Any

import psutil

from diag.frameworks import get_framework
from diag.plan import ServedApp, ServedUnit
from diag.servers.process import ServerProcess

Start = Callable[..., ServerProcess]

WORK = """
import asyncio, time
def work(): time.sleep(0.001)
async def work_async(): await asyncio.sleep(0.001)
"""


def app_file(folder: Path, source: str, **fields: Any) -> ServedApp:
    """An app of the user's in a file."""
    path = folder / "shop.py"
    path.write_text(dedent(source))
    return ServedApp(**{"kind": "app", "file": str(path), "sys_path": (str(folder),), **fields})


def workload(folder: Path, framework: str, strategy: str, source: str = WORK) -> ServedApp:
    """A workload that a strategy executes in a framework."""
    path = folder / "unit.py"
    path.write_text(dedent(source))
    return ServedApp(
        kind="workload",
        file=str(path),
        framework=framework,
        units=(ServedUnit(path="/work", function="work", strategy=strategy),),
        interface=get_framework(framework).interface,
        sys_path=(str(folder),),
    )


def living(pids: Iterable[int]) -> list[int]:
    """Those that still run; a zombie has ended, whoever ought to collect it."""
    return [pid for pid in pids if psutil.pid_exists(pid) and not _is_zombie(pid)]


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until a condition holds; fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.01)
