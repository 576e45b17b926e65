"""Where the kernel really denies diag a look into the target, it says so, and names the line all the same."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from pathlib import Path

TARGET = """
import ctypes, time
ctypes.CDLL(None).prctl(4, 0)  # PR_SET_DUMPABLE: from now on ptrace needs CAP_SYS_PTRACE

def work():
    time.sleep(0.06)  # CULPRIT
"""
_PR_CAPBSET_DROP, _CAP_SYS_PTRACE = 24, 19


def _without_the_capability() -> None:
    """What is executed next cannot get it any more, not even as root; others never had it."""
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_SYS_PTRACE, 0, 0, 0)


def test_a_target_that_may_not_be_looked_into_is_explained_and_the_reason_is_told(tmp_path: Path) -> None:
    path = tmp_path / "closed.py"
    path.write_text(TARGET)
    command = [sys.executable, "-m", "diag", "explain", str(path), "--no-verify", "--json"]
    done = subprocess.run(  # one thread runs here
        [*command, "--strategy", "blocking", "-o", str(tmp_path / "closed.diag")],
        capture_output=True,
        text=True,
        preexec_fn=_without_the_capability,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert any("does not let diag look into the target" in one for one in told["quality"]["degradations"])
    (finding,) = [one for one in told["findings"] if one["rule"] == "blocked-loop"]
    assert finding["location"]["text"].endswith("# CULPRIT")
    assert finding["causes"][0]["cause"] == "waiting"
