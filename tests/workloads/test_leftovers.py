"""What the workloads start ends with the process that started it, however that one ends."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import psutil
import pytest
from shipped import FOLDER

# Calls a workload, tells what it started, and waits to be killed.
CALLER = """
import asyncio, importlib, inspect, json, sys
import psutil
if __name__ == "__main__":
    folder, name = sys.argv[1:]
    sys.path.insert(0, folder)
    function = getattr(importlib.import_module(name), name)
    params = function.__diag_workload__.params
    asyncio.run(function(**params)) if inspect.iscoroutinefunction(function) else function(**params)
    print(json.dumps([p.pid for p in psutil.Process().children(recursive=True)]), flush=True)
    sys.stdin.read()
"""
DEADLINE = 20


@pytest.mark.parametrize(
    "name",
    [
        "http_call",
        "blocking_dns",
        "clean/http_async_client",
        "clean/async_dns",
        "clean/subprocess_worker",
        "clean/cpu_in_process_pool",
    ],
)
def test_children_end_with_a_killed_parent(name: str) -> None:
    """A server that diag had to kill leaves no process of a workload behind."""
    path = FOLDER / f"{name}.py"
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(path.parent), path.stem],
        cwd=FOLDER.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with caller:
        assert caller.stdout is not None
        children = [psutil.Process(pid) for pid in json.loads(caller.stdout.readline())]
        caller.kill()
    assert children
    deadline = time.monotonic() + DEADLINE
    while not all(has_ended(child) for child in children):
        assert time.monotonic() < deadline, [child for child in children if not has_ended(child)]
        time.sleep(0.02)


def has_ended(process: psutil.Process) -> bool:
    """A zombie has ended; whoever adopted it (a container's first process) may never ask for its status."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
