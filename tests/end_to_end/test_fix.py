"""From a file that blocks to one that does not, by the command line alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

WORKLOAD = Path(__file__).parents[2] / "workloads" / "blocking_sleep.py"


def diag(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "diag", *words]
    environment = os.environ | {"XDG_STATE_HOME": str(folder.parent / "state")}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_a_workload_is_fixed_and_then_found_clean_as_it_says_itself(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    file = folder / WORKLOAD.name
    shutil.copy(WORKLOAD, file)
    before = file.read_text()
    checked = diag(
        folder, "fix", file.name, "--check", "--remedies", "native", "--duration", "1s", "-o", "first.diag"
    )
    assert checked.returncode == 1, checked.stderr
    assert file.read_text() == before
    applied = diag(folder, "fix", "first.diag", "--apply")
    assert applied.returncode == 0, applied.stderr
    assert "return await blocking_sleep_async(seconds)" in file.read_text()
    again = diag(folder, "explain", file.name, "--expect", "--no-verify", "--duration", "1s", "--json")
    verdict = json.loads(again.stdout)
    assert (again.returncode, verdict["status"]) == (0, "clean"), again.stdout
    assert sorted(path.name for path in folder.iterdir()) == [file.name, "first.diag"]
