"""Who holds the GIL of another process is read from its memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from diag.probes.gil import gil_offset
from diag.probes.remote import RemoteStacks

TARGET = """
import ctypes, hashlib, sys, threading, time
get = ctypes.pythonapi.PyThreadState_Get
get.restype = ctypes.c_void_p

def count():
    while True:
        sum(i * i for i in range(1000))

def hash_away():
    data = bytes(1 << 24)
    while True:
        hashlib.sha256(data)

def sort():
    numbers = [str(i) for i in range(100_000)]
    while True:
        sorted(numbers)

def sleep():
    while True:
        time.sleep(600)

def wait_for_another():
    threading.Thread(target=count, daemon=True).start()
    sleep()

print(get(), flush=True)
globals()[sys.argv[1]]()
"""


def held_by(tmp_path: Path, what: str) -> list[str]:
    """Who had the GIL at a thousand looks: the first thread, another one, or none."""
    path = tmp_path / "target.py"
    path.write_text(TARGET)
    with subprocess.Popen([sys.executable, str(path), what], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        state = int(child.stdout.readline())
        stacks = RemoteStacks.open(child.pid)
        assert stacks is not None
        seen: list[str] = []
        while len(seen) < 1_000:
            lines = stacks.stack_of(state)
            if lines is None or all(name != what for _, _, name in lines):
                continue  # not there yet
            holder = stacks.gil_holder()
            assert holder is not None
            seen.append("none" if not holder else "first" if holder == state else "another")
        stacks.close()
        child.kill()
        child.wait(20)
    return seen


def test_this_interpreter_says_who_holds_it() -> None:
    assert gil_offset() is not None


@pytest.mark.parametrize(
    ("what", "who"),
    [
        ("count", "first"),
        ("sort", "first"),
        ("hash_away", "none"),
        ("sleep", "none"),
        ("wait_for_another", "another"),
    ],
)
def test_what_a_thread_does_tells_who_holds_it(tmp_path: Path, what: str, who: str) -> None:
    seen = held_by(tmp_path, what)
    assert seen.count(who) > 0.9 * len(seen)


def test_the_owner_is_seen_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "target.py"
    path.write_text(TARGET)
    with subprocess.Popen([sys.executable, str(path), "wait_for_another"], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        stacks = RemoteStacks.open(child.pid)
        assert stacks is not None
        names: set[str] = set()
        while "count" not in names:
            lines = stacks.stack_of(stacks.gil_holder() or 0)
            names |= {name for _, _, name in lines or ()}
        stacks.close()
        child.kill()
        child.wait(20)
