"""The watcher beside a target, and the guard that leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from served import eventually, living
from watched import RUNNER

from diag.errors import MeasurementError
from diag.hosting import RUN_ID, SPOOL
from diag.probes import observer as observer_module
from diag.probes.observer import Observer

SLEEPER = "import asyncio, time\nasync def main():\n    await asyncio.sleep(60)\nasyncio.run(main())\n"
PARENT = """
import os, subprocess, sys, time
from diag.probes.observer import Observer
observer = Observer(sys.argv[1])
observer.__enter__()
environment = {**os.environ, "DIAG_SPOOL": observer.spool, "DIAG_RUN_ID": observer.run_id}
child = subprocess.Popen([sys.executable, *sys.argv[2:]], env=environment, start_new_session=True)
print(observer.spool, child.pid, observer._watcher.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def run_id() -> str:
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def observer(run_id: str) -> Iterator[Observer]:
    with Observer(run_id, py_spy=False) as found:
        yield found


def _start(observer: Observer, folder: Path, source: str) -> subprocess.Popen[bytes]:
    path = folder / "program.py"
    path.write_text(source)
    environment = {**os.environ, SPOOL: observer.spool, RUN_ID: observer.run_id}
    return subprocess.Popen([sys.executable, RUNNER, str(path)], env=environment)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_diag_is_killed_the_run_ends_and_the_spool_is_gone(
    tmp_path: Path, run_id: str, number: signal.Signals
) -> None:
    path = tmp_path / "program.py"
    path.write_text(SLEEPER)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, run_id, RUNNER, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert parent.stdout is not None
    with parent, parent.stdout:
        spool, *pids = parent.stdout.readline().decode().split()
        eventually(lambda: list(Path(spool).glob("*.words")))
        parent.send_signal(number)
        parent.wait(10)
    eventually(lambda: not living(map(int, pids)))
    eventually(lambda: not Path(spool).exists())


def test_a_program_that_ignores_being_asked_is_killed(tmp_path: Path, run_id: str) -> None:
    path = tmp_path / "program.py"
    path.write_text("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPER)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, run_id, RUNNER, str(path)], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    with parent, parent.stdout:
        spool, *pids = parent.stdout.readline().decode().split()
        eventually(lambda: list(Path(spool).glob("*.words")))
        parent.kill()
    eventually(lambda: not living(map(int, pids)))


def test_the_guard_stays_after_the_watching(tmp_path: Path, observer: Observer) -> None:
    child = _start(observer, tmp_path, SLEEPER)
    eventually(lambda: list(Path(observer.spool).glob("*.words")))
    observer.finish()
    assert observer.degradations() == []
    observer.close()
    assert child.wait(10) == -signal.SIGTERM
    assert not Path(observer.spool).exists()


def test_closing_twice_does_no_harm(run_id: str) -> None:
    with Observer(run_id, py_spy=False) as observer:
        observer.finish()
        observer.close()
    observer.close()
    assert not Path(observer.spool).exists()


def test_a_watcher_that_was_killed_is_said(observer: Observer) -> None:
    watcher = observer._watcher
    assert watcher is not None
    watcher.kill()
    watcher.wait()
    observer.finish()
    assert [one.slug for one in observer.degradations()] == ["watcher-ended"]


def test_a_full_spool_is_said(observer: Observer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer_module, "LEAST_ROOM", 1 << 62)
    observer.finish()
    (found,) = observer.degradations()
    assert found.slug == "spool-full"
    assert observer.spool in found.text


def test_a_small_memory_disk_is_left_to_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer_module, "MUCH_ROOM", 1 << 62)
    found = Observer("never-entered")
    try:
        assert not found.spool.startswith("/dev/shm")
    finally:
        found.close()


def test_a_watcher_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\nexit 1\n")
    dying.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(dying))
    observer = Observer("never")
    with pytest.raises(MeasurementError, match="did not start"), observer:
        pass
    assert not Path(observer.spool).exists()


def test_samples_show_cpu_time_and_memory_of_the_whole_tree(tmp_path: Path, observer: Observer) -> None:
    source = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'while True: pass'])\n"
        "try: time.sleep(60)\nfinally: child.kill()\n"
    )
    child = _start(observer, tmp_path, source)
    process = psutil.Process(child.pid)
    observer.sample(lambda: [process.pid, *(one.pid for one in process.children(recursive=True))])
    samples = []

    def busy() -> bool:
        samples.extend(observer.samples())
        return bool(samples) and samples[-1].cpu_ns > 300_000_000

    eventually(busy)
    assert samples[-1].processes == 2
    assert samples[-1].rss_bytes > 5_000_000
    assert [one.cpu_ns for one in samples] == sorted(one.cpu_ns for one in samples)
    observer.close()
    child.wait(10)
