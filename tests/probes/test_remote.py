"""Stacks read from a process' memory are those that it would tell itself, and reading them leaves it alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from diag.probes import layout as layouts
from diag.probes.remote import RemoteStacks, layout

TARGET = """
import ctypes, json, sys, threading, time
get = ctypes.pythonapi.PyThreadState_Get
get.restype = ctypes.c_void_p
print(get(), threading.get_native_id(), flush=True)

def count(n):
    return sum(i * i for i in range(n))  # COUNT

def größe_中():
    data = [list(range(50))] * 20000
    return json.dumps(data)  # DUMP

end = time.monotonic() + float(sys.argv[1])
done = 0
while time.monotonic() < end:
    count(100000)
    größe_中()
    done += 1
print("done", flush=True)
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "grüße.py"
    path.write_text(TARGET, encoding="utf-8")
    return path


def test_this_interpreter_is_understood() -> None:
    assert layout() is not None


def test_a_computing_thread_is_read_at_its_lines(target: Path) -> None:
    lines = target.read_text(encoding="utf-8").splitlines()
    numbers = {
        mark: next(n for n, t in enumerate(lines, 1) if t.endswith(mark)) for mark in ("# COUNT", "# DUMP")
    }
    with subprocess.Popen([sys.executable, str(target), "2"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        state, tid = map(int, child.stdout.readline().split())
        stacks = RemoteStacks.open(child.pid)
        assert stacks is not None
        read = []
        while child.poll() is None and len(read) < 3_000:
            read.append(stacks.stack(state, tid))
        assert child.stdout.readline() == "done\n"
        assert child.wait(10) == 0
        stacks.close()
    whole = [stack for stack in read if stack is not None and stack[-1][2] == "<module>"]
    assert len(whole) > 0.9 * len(read)
    mine = Counter(next((line, name) for path, line, name in stack if path == str(target)) for stack in whole)
    assert mine[numbers["# COUNT"], "<genexpr>"] + mine[numbers["# COUNT"], "count"] > 0
    assert mine[numbers["# DUMP"], "größe_中"] > 0


def test_a_thread_that_is_not_the_one_meant_is_not_read() -> None:
    stacks = RemoteStacks.open(os.getpid())
    assert stacks is not None
    assert stacks.stack(layouts.thread_state(), os.getpid() + 100_000) is None
    assert stacks.stack(12_345, os.getpid()) is None
    stacks.close()


def test_a_process_that_is_gone_is_not_read(target: Path) -> None:
    with subprocess.Popen([sys.executable, str(target), "600"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        state, tid = map(int, child.stdout.readline().split())
        stacks = RemoteStacks.open(child.pid)
        child.kill()
        child.wait(20)
    assert stacks is not None
    assert stacks.stack(state, tid) is None
    stacks.close()
    assert RemoteStacks.open(child.pid) is None


def test_what_was_torn_is_neither_believed_nor_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code object that changes while it is read may give any line."""
    stacks = RemoteStacks.open(os.getpid())
    assert stacks is not None
    monkeypatch.setattr("diag.probes.remote.line_at", lambda *_: -17_165_144_095)
    assert stacks.stack(layouts.thread_state(), os.getpid()) is None
    monkeypatch.undo()
    found = stacks.stack(layouts.thread_state(), os.getpid())
    assert found is not None
    assert found[-1][2] in {"<module>", "_run_module_as_main"}
    stacks.close()
