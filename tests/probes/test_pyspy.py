"""py-spy is asked now and then, and what refuses it is said once."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest
from served import eventually
from watched import innermost, line_of, watch

from diag.probes.pyspy import PySpy, find_py_spy
from diag.recording import StackSource


def _program(folder: Path, script: str) -> str:
    path = folder / "py-spy"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def _ask(py_spy: PySpy) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    py_spy.ask(os.getpid(), threading.get_native_id(), 0, time.monotonic_ns())
    eventually(lambda: not py_spy._busy)
    found.extend(py_spy.collect())
    return found


@pytest.mark.parametrize(
    ("says", "slug"),
    [
        ("Error: Permission Denied: Try running again with elevated permissions", "no-ptrace"),
        ("Error: Operation not permitted (os error 1)", "no-ptrace"),
        ("Error: Failed to find python version from target process", "py-spy-version"),
    ],
)
def test_a_refusal_is_said_once_and_not_asked_for_again(tmp_path: Path, says: str, slug: str) -> None:
    asked = tmp_path / "asked"
    py_spy = PySpy(_program(tmp_path, f"echo x >> {asked}; echo '{says}' >&2; exit 1"))
    assert [record["slug"] for record in _ask(py_spy)] == [slug]
    py_spy.ask(os.getpid(), 1, 0, time.monotonic_ns() + 10**12)
    assert py_spy.close() == []
    assert asked.read_text() == "x\n"


def test_a_dump_that_fails_otherwise_is_dropped(tmp_path: Path) -> None:
    py_spy = PySpy(_program(tmp_path, "echo 'Error: Failed to copy memory' >&2; exit 1"))
    assert _ask(py_spy) == []
    py_spy.close()


def test_an_answer_that_is_none_is_dropped(tmp_path: Path) -> None:
    py_spy = PySpy(_program(tmp_path, "echo '[{'"))
    assert _ask(py_spy) == []
    py_spy.close()


def test_a_missing_program_is_said(tmp_path: Path) -> None:
    py_spy = PySpy(str(tmp_path / "none"))
    assert [record["slug"] for record in _ask(py_spy)] == ["py-spy-missing"]
    py_spy.close()


def test_who_owns_the_gil_is_read_from_the_dump(tmp_path: Path) -> None:
    tid = threading.get_native_id()
    frame = {"name": "C.work", "filename": "/a.py", "line": 3}
    threads = [
        {"os_thread_id": tid, "active": True, "owns_gil": False, "frames": [frame]},
        {"os_thread_id": 1, "active": True, "owns_gil": True, "frames": [{**frame, "line": None}]},
    ]
    py_spy = PySpy(_program(tmp_path, f"echo '{json.dumps(threads)}'"))
    (record,) = _ask(py_spy)
    assert (record["active"], record["owns"]) == (True, False)
    assert record["frames"] == [["/a.py", 3, "C.work"]]
    assert record["owner"] == [["/a.py", 0, "C.work"]]
    py_spy.close()


def test_closing_does_not_wait_for_a_dump_that_hangs(tmp_path: Path) -> None:
    py_spy = PySpy(_program(tmp_path, "exec sleep 30"))
    py_spy.ask(os.getpid(), 1, 0, time.monotonic_ns())
    eventually(lambda: py_spy._child is not None)
    began = time.monotonic()
    py_spy.close()
    assert time.monotonic() - began < 2.5


def test_the_real_program_sees_waiting_computing_and_who_has_the_gil(tmp_path: Path) -> None:
    assert find_py_spy() is not None, "py-spy is among diag's dependencies"
    source = """
    import asyncio, time

    async def main():
        await asyncio.sleep(0.1)
        time.sleep(0.8)  # HERE
        await asyncio.sleep(0.1)
        until = time.monotonic() + 0.8
        while time.monotonic() < until: pass

    asyncio.run(main())
    """
    watched = watch(tmp_path, source, py_spy=True, memory=False)
    if "no-ptrace" in watched.slugs:  # then nothing may have been seen, and that is said
        assert not [s for s in watched.seen.stacks if s.source is StackSource.PY_SPY]
        return
    waiting, computing = (s for s in watched.steps if s.end_ns - s.start_ns > 700_000_000)
    idle = watched.stacks_of(waiting, StackSource.PY_SPY)
    assert idle
    lines = [innermost(stack, watched.path) for stack in idle]
    assert lines.count(line_of(watched.path)) * 2 > len(lines)  # a dump may come too late for its step
    assert sum(bool(stack.active or stack.owns_gil) for stack in idle) * 2 < len(idle)
    busy = watched.stacks_of(computing, StackSource.PY_SPY)
    assert busy
    assert sum(bool(stack.active and stack.owns_gil) for stack in busy) * 2 > len(busy)
