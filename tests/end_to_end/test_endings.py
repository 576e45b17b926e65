"""Whatever ends diag, the recording is kept and nothing of the run is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from served import eventually, living

from diag.recording import RunStatus
from diag.store import read_recording

ROOT = Path(__file__).parents[2]
APP = """
import time
from fastapi import FastAPI
app = FastAPI()

@app.get("/slow")
async def slow():
    time.sleep(0.03)
    return 1
"""
SCRIPT = "import asyncio, time\nasync def main():\n    while True:\n        time.sleep(0.02)\n        await asyncio.sleep(0.01)\nasyncio.run(main())\n"


class Running:
    """A `diag explain` under way: what it has started, and where it writes."""

    def __init__(self, folder: Path, target: str) -> None:
        self.recording = folder / "run.diag"
        self.errors = folder / "stderr.txt"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "diag",
                    "explain",
                    target,
                    "-o",
                    str(self.recording),
                    "--duration",
                    "20s",
                    "--no-verify",
                ],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        self.pids: set[int] = set()
        self.spools: set[Path] = set()

    def look(self) -> int:
        """Remember the processes and spools that are there now; returns how many processes."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                command = child.cmdline()
            except psutil.Error:
                continue
            self.pids.add(child.pid)
            if "diag.probes.watcher" in command:
                self.spools.add(Path(command[command.index("diag.probes.watcher") + 1]))
        return len(self.pids)

    def under_load(self) -> bool:
        """True once steps have been written down, which happens under load only."""
        self.look()
        if not self.recording.exists():
            return False
        recording = read_recording(self.recording)
        return any(
            step.label != "" and "canary" not in step.label for r in recording.runs for step in r.steps
        )

    def leaves_nothing(self) -> None:
        """Fail if anything of the run is left."""
        eventually(lambda: not living(self.pids))
        eventually(lambda: not any(spool.exists() for spool in self.spools))


@pytest.fixture(params=["app.py", "script.py"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "script.py").write_text(SCRIPT)
    found = Running(tmp_path, request.param)
    yield found
    found.process.kill()
    found.process.wait()


def test_ctrl_c_keeps_what_was_measured(running: Running) -> None:
    eventually(running.under_load, 30)
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 130
    running.leaves_nothing()
    said = running.errors.read_text()
    assert str(ROOT / "diag") not in said  # the script's own traceback has no line of diag's
    assert "kept" in said
    (run,) = read_recording(running.recording).runs
    assert run.status is RunStatus.INTERRUPTED
    assert run.steps
    assert run.lanes


@pytest.mark.parametrize("seconds", [0.3, 0.9, 1.5])
@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_at_any_moment_leaves_nothing(tmp_path: Path, seconds: float, times: int) -> None:
    (tmp_path / "app.py").write_text(APP)
    running = Running(tmp_path, "app.py")
    until = time.monotonic() + seconds
    while time.monotonic() < until:  # the moment is the point; what is started until then is remembered
        running.look()
        time.sleep(0.02)
    for _ in range(times):
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    assert running.process.wait(20) in {130, -signal.SIGINT}
    running.leaves_nothing()
    said = running.errors.read_text()
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_a_killed_diag_leaves_a_readable_recording_and_nothing_else(running: Running) -> None:
    eventually(running.under_load, 30)
    running.process.kill()
    running.process.wait()
    running.leaves_nothing()
    recording = read_recording(running.recording)
    assert not recording.meta.finished
    assert recording.runs[0].status is RunStatus.RUNNING
    assert recording.runs[0].steps
