"""Each shipped workload carries its ground truth, and importing it does nothing."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from shipped import BLOCKING, CLEAN, FOLDER, Loaded

from diag.finding import Cause
from diag.workload import Blocks, Clean, find_line

# Runs in an interpreter of its own, with what the workloads import already there, so that every audit
# event comes from the workload's own file.
IMPORTER = """
import importlib, json, sys, threading
import asyncio, concurrent.futures, concurrent.futures.process, concurrent.futures.thread
import fastapi, flask, httpx, numpy
import diag.workload
watched = ("socket.", "subprocess.", "os.fork", "os.posix_spawn", "os.exec", "tempfile.", "_thread.", "time.")
seen = []
active = False
def hook(event, args):
    if active and event.startswith(watched):
        seen.append(event)
sys.addaudithook(hook)
report = {}
for folder, name in json.loads(sys.argv[1]):
    sys.path.insert(0, folder)
    seen.clear()
    threads = threading.active_count()
    active = True
    importlib.import_module(name)
    active = False
    started = threading.active_count() - threads
    report[name] = seen[:] + ["thread"] * started
print(json.dumps(report))
"""


def test_imports_have_no_side_effects() -> None:
    """No file opens a socket, makes a temporary file, or starts a thread or a process on import."""
    paths = sorted(FOLDER.rglob("*.py"))
    files = json.dumps([[str(path.parent), path.stem] for path in paths])
    command = [sys.executable, "-c", IMPORTER, files]
    root = FOLDER.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {path.stem: [] for path in paths}
    assert done.stderr == ""


def test_blocking_workload_names_its_line(load: Callable[[Path], Loaded], blocking: Path) -> None:
    """The fragment stands on exactly one line of code, in the workload or in a function it calls."""
    expect = load(blocking).spec.expect
    assert isinstance(expect, Blocks)
    assert find_line(blocking.read_text(), expect.at) > 0
    assert expect.cause in {Cause.WAITING, Cause.CPU_GIL, Cause.CPU_NO_GIL}
    assert expect.victims


def test_clean_workload_says_why(load: Callable[[Path], Loaded], clean: Path) -> None:
    """A clean workload is an `async def` and gives its reason."""
    loaded = load(clean)
    assert inspect.iscoroutinefunction(loaded.function)
    assert isinstance(loaded.spec.expect, Clean)
    assert loaded.spec.expect.because


def test_parameters_are_accepted(load: Callable[[Path], Loaded], any_path: Path) -> None:
    """A workload and its native form take exactly the parameters that the decorator gives."""
    loaded = load(any_path)
    for function in filter(None, (loaded.function, loaded.spec.native)):
        assert set(inspect.signature(function).parameters) == set(loaded.spec.params)


def test_every_blocking_workload_has_a_clean_counterpart() -> None:
    """Each one points at its counterpart, and the counterpart points back."""
    pairs = {}
    for path in BLOCKING:
        fixed = next(other for other in CLEAN if f"See clean/{other.name}" in path.read_text())
        assert f"the counterpart of ../{path.name}" in fixed.read_text()
        pairs[path.stem] = fixed.stem
    assert sorted(pairs.values()) == [path.stem for path in CLEAN]


def test_table_lists_every_file() -> None:
    """README.md has a row for each workload, with its cause and its counterpart."""
    table = (FOLDER / "README.md").read_text()
    for path in sorted(FOLDER.rglob("*.py")):
        assert f"({path.relative_to(FOLDER)})" in table, path.name
