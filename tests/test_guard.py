"""What a run started is ended when its guard is left, and when diag dies without a word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

from served import eventually, living

from diag.frameworks.inspect import inspect_target
from diag.guard import Guard
from diag.targets import parse_target

LEAKING = """
import subprocess, sys
from fastapi import FastAPI
app = FastAPI()
child = subprocess.Popen(["setsid", "sleep", "600"], stdout=subprocess.DEVNULL)
open("pid", "w").write(str(child.pid))
{wait}
"""


def test_leaving_a_guard_ends_what_carries_its_run() -> None:
    run_id = uuid.uuid4().hex
    with Guard(run_id):
        child = subprocess.Popen(["sleep", "600"], env={**os.environ, "DIAG_RUN_ID": run_id})
    assert child.wait(5) == -signal.SIGKILL


def test_what_an_import_starts_in_a_session_of_its_own_does_not_outlive_the_look_at_it(
    tmp_path: Path,
) -> None:
    # The import waits until the child has left the session: then killing the group does not reach it.
    wait = "import os, time\nwhile os.getsid(child.pid) == os.getsid(0): time.sleep(0.01)"
    (tmp_path / "app.py").write_text(LEAKING.format(wait=wait))
    inspect_target(parse_target("app.py:app", cwd=tmp_path))
    assert living([int((tmp_path / "pid").read_text())]) == []


def test_what_an_import_starts_is_ended_when_diag_is_killed_during_it(tmp_path: Path) -> None:
    wait = "open('waiting', 'w').close()\nimport time\ntime.sleep(600)"
    (tmp_path / "app.py").write_text(LEAKING.format(wait=wait))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "diag", "explain", "app.py:app"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            eventually((tmp_path / "waiting").exists, 30)
        finally:
            process.kill()
    child = int((tmp_path / "pid").read_text())
    eventually(lambda: living([child]) == [])
