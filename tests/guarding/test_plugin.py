"""The pytest plugin on test files of every kind, each run by a pytest of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from textwrap import dedent

import pytest

SUITE = """
import asyncio, hashlib, os, time
from unittest import IsolatedAsyncioTestCase
import pytest

def helper():
    time.sleep(0.15)

async def test_waits():
    await asyncio.sleep(0)
    helper()

async def test_computes():
    total, end = 0, time.thread_time() + 0.15
    while time.thread_time() < end:
        total += 1

async def test_hashes():
    end = time.thread_time() + 0.15
    while time.thread_time() < end:
        hashlib.pbkdf2_hmac("sha256", b"x", b"y", 20_000)

async def test_awaits():
    await asyncio.sleep(0.3)

def test_has_no_loop():
    time.sleep(0.1)

@pytest.mark.xfail(strict=True)
async def test_is_known_to():
    helper()

@pytest.mark.allow_blocking("a test")
async def test_may():
    helper()

async def test_fails_by_itself():
    helper()
    assert 0, "its own"

@pytest.fixture
async def slow():
    time.sleep(0.15)
    yield
    time.sleep(0.15)

async def test_needs_slow(slow):
    pass

@pytest.fixture(scope="module")
def shared():
    asyncio.run(blocks())

async def blocks():
    helper()

def test_needs_shared(shared):
    pass

class TestCase(IsolatedAsyncioTestCase):
    async def test_waits(self):
        helper()

def test_client():
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from starlette.testclient import TestClient
    async def home(request):
        helper()
        return PlainTextResponse("x")
    with TestClient(Starlette(routes=[Route("/", home)])) as client:
        assert client.get("/").text == "x"

@pytest.mark.anyio
async def test_anyio(anyio_backend):
    helper()

@pytest.fixture
def anyio_backend():
    return "asyncio"

def test_uvloop():
    import uvloop
    uvloop.run(blocks())

def test_fork():
    pid = os.fork()
    if not pid:
        asyncio.run(blocks())
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""
HELD = {
    "test_waits", "test_computes", "test_hashes", "test_needs_slow", "TestCase::test_waits", "test_client",
    "test_anyio", "test_uvloop",
}  # fmt: skip


class Outcome:
    """A run of pytest.

    Attributes:
        code: its exit code.
        text: what it printed.
        held: names of tests that failed for holding a loop.
        failed: names of all tests that failed.
        messages: first lines of the failures, by name.
    """

    def __init__(self, folder: Path, *options: str, stdin: str = "") -> None:
        for path in folder.glob("*.xml"):
            path.unlink()
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--junitxml=out.xml",
            *options,
        ]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("DIAG_", "PYTEST_"))
        }
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.code, self.text = done.returncode, done.stdout + done.stderr
        self.messages: dict[str, str] = {}
        if (folder / "out.xml").exists():
            for case in ET.parse(folder / "out.xml").iter("testcase"):
                name = "::".join([*(case.get("classname") or "").split(".")[1:], case.get("name") or ""])
                for bad in [*case.findall("failure"), *case.findall("error")]:
                    self.messages[name] = bad.get("message") or ""
        self.failed = set(self.messages)
        self.held = {name for name, text in self.messages.items() if "Held the event loop" in text}


def suite(folder: Path, source: str) -> Path:
    """A folder with a test file, and pytest-asyncio switched on."""
    (folder / "test_it.py").write_text(dedent(source))
    (folder / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    )
    return folder


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The suite, watched."""
    return Outcome(suite(tmp_path_factory.mktemp("suite"), SUITE), "--diag")


def test_what_holds_a_loop_fails_and_nothing_else_does(watched: Outcome):
    assert watched.held == HELD
    assert watched.failed == {*HELD, "test_fails_by_itself"}


def test_the_line_the_cause_and_the_duration_are_told(watched: Outcome):
    line = 1 + SUITE.split("\n").index("    time.sleep(0.15)")
    head = re.search(
        rf"Held the event loop for (\d+) ms at test_it\.py:{line} \(budget 50 ms\)", watched.text
    )
    assert head is not None
    assert 150 <= int(head[1]) <= 160  # its own time, whatever the machine did beside it
    assert "time.sleep(0.15)" in watched.text
    assert "off-CPU (waiting)" in watched.text
    assert "on-CPU" in watched.text
    assert re.search(r"via  : test_it\.py:\d+ test_waits", watched.text)


def test_a_fixture_is_named_with_its_phase(watched: Outcome):
    assert "when : setup, in the fixture slow (function scope)" in watched.text
    assert "when : teardown, in the fixture slow (function scope)" in watched.text


def test_a_shared_fixture_fails_no_test_and_is_told(watched: Outcome):
    assert "SHARED FIXTURE, fails no test 15" in watched.text
    assert "in the module fixture shared" in watched.text


def test_a_failing_test_keeps_its_own_failure(watched: Outcome):
    assert "its own" in watched.messages["test_fails_by_itself"]
    assert "diag: it held the event loop as well" in watched.text


def test_the_section_at_the_end_says_how_well_it_was_measured(watched: Outcome):
    assert "diag: held event loops" in watched.text
    assert "canaries found: 1 of 1" in watched.text
    assert re.search(r"data: \d+ of 15 tests ran an event loop; \d+ steps timed; budget 50 ms", watched.text)
    assert "ALLOWED 15" in watched.text


def test_inert_it_changes_no_outcome_and_imports_nothing(tmp_path: Path):
    source = SUITE + "\ndef test_inert():\n    import sys\n    assert 'diag.guarding' not in sys.modules\n"
    outcome = Outcome(suite(tmp_path, source))
    assert outcome.failed == {"test_fails_by_itself", "test_is_known_to"}  # strict: it passes
    assert "diag" not in outcome.text


def test_importing_it_imports_pytest_only():
    code = "import pytest, sys; old = set(sys.modules); import diag.pytest_plugin; print(*set(sys.modules) - old)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"diag", "diag.pytest_plugin"}


MARKED = """
import time, pytest

@pytest.mark.no_blocking(budget="300ms")
async def test_patient():
    time.sleep(0.15)

@pytest.mark.no_blocking
async def test_marked():
    time.sleep(0.15)

async def test_fixture(no_blocking):
    time.sleep(0.15)

async def test_other():
    time.sleep(0.15)
"""


@pytest.mark.parametrize("options", [(), ("-n2",)])
def test_marker_and_fixture_ask_for_single_tests_with_xdist_too(tmp_path: Path, options: tuple[str, ...]):
    outcome = Outcome(suite(tmp_path, MARKED), *options)
    assert outcome.held == outcome.failed == {"test_marked", "test_fixture"}
    assert "BLOCKED 15" in outcome.text
    assert f"canaries found: {2 if options else 1} of" in outcome.text


@pytest.mark.parametrize("budget", ["soon", "5", "1us"])
def test_a_budget_that_is_none_is_explained(tmp_path: Path, budget: str):
    outcome = Outcome(suite(tmp_path, MARKED), "--diag", f"--diag-budget={budget}")
    assert outcome.code == 4
    assert "must be a time from 1 ms on" in outcome.text


DEBUGGED = """
async def test_stops():
    breakpoint()
"""


def test_time_in_a_debugger_does_not_count(tmp_path: Path):
    commands = "import time\ntime.sleep(0.2)\nc\n"
    outcome = Outcome(suite(tmp_path, DEBUGGED), "--diag", "-s", stdin=commands)
    assert outcome.code == 0, outcome.text
    assert "because of a debugger" in outcome.text


LEFT = """
import asyncio, gc, os, signal, sys, threading
import asyncio.base_events, asyncio.events

def files():
    # One mapping stays: loops that go on may still touch it.
    every = (os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}"))
    return sorted({one for one in every if not one.endswith(".words (deleted)")})

def state():
    return (
        asyncio.events.Handle._run, asyncio.base_events.BaseEventLoop.run_forever, signal.signal,
        signal.getsignal(signal.SIGURG), list(gc.callbacks), sorted(os.environ), files(),
        threading.active_count(), [type(one).__name__ for one in sys.meta_path],
    )

def pytest_configure(config):
    config.before = state()

def pytest_unconfigure(config):
    before, after = config.before, state()
    print("\\nLEFT:", [(a, b) for a, b in zip(before, after) if a != b])
"""


def test_nothing_is_left_behind(tmp_path: Path):
    (tmp_path / "conftest.py").write_text(dedent(LEFT))
    outcome = Outcome(suite(tmp_path, "async def test_it():\n    pass\n"), "--diag", "-s")
    (left,) = [line for line in outcome.text.splitlines() if line.startswith("LEFT:")]
    assert left == "LEFT: []"


CRASHES = """
import os, re, signal

async def test_dies():
    (spool,) = set(re.findall(r"(/\\S+/diag-[\\w-]+)/\\d+\\.words", open("/proc/self/maps").read()))
    open("spool.txt", "w").write(spool)
    assert os.path.isdir(spool)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_pytest_leaves_no_spool(tmp_path: Path):
    outcome = Outcome(suite(tmp_path, CRASHES), "--diag")
    assert outcome.code == -9
    spool = Path((tmp_path / "spool.txt").read_text())
    deadline = time.monotonic() + 20
    while spool.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
