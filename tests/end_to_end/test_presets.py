"""`diag compare --preset`, on real servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from diag.store import read_recording

SLEEPING = "workload=blocking_sleep,framework=fastapi,strategy=blocking,strategy=native"


def diag(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder of its own, which has no workloads in it."""
    environment = os.environ | {
        "XDG_STATE_HOME": str(folder / "state"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return subprocess.run(
        [sys.executable, "-m", "diag", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_a_preset_judges_its_claims_and_so_does_its_recording(tmp_path: Path) -> None:
    """With the time it takes first; cells that were left out leave their claims open."""
    arguments = ("--preset", "blocking-sleep", "--scale", "0.03", "--trials", "2", "--select", SLEEPING)
    done = diag(tmp_path, "compare", *arguments, "-o", "c.diag")
    assert done.returncode == 0, done.stderr
    assert "at scale 0.03, 2 cells, 2 trials each, interleaved: about" in " ".join(done.stderr.split())
    told = " ".join(done.stdout.split())
    assert 'holds here: "time.sleep(10) in an async def endpoint serialises requests"' in told
    assert "4 requests that sleep 300 ms took" in told
    assert "blocking_sleep.py:31 (off-CPU (waiting))" in told
    assert 'cannot tell: "gevent patches the sleep" because Flask on gevent was not measured' in told
    assert diag(tmp_path, "report", "c.diag").stdout == done.stdout
    document = json.loads(diag(tmp_path, "report", "c.diag", "--json").stdout)
    assert document["preset"] == "blocking-sleep"
    assert [one["ruling"] for one in document["claims"]][2:] == ["cannot tell"] * 3
    runs = read_recording(tmp_path / "c.diag").runs
    assert [run.trial for run in runs] == [1, 1, 2, 2]
    assert all(stream.stream == "work" for run in runs for stream in run.streams)


def test_a_presets_cells_are_listed_without_running_any(tmp_path: Path) -> None:
    done = diag(tmp_path, "compare", "--preset", "h2load-container", "--list")
    assert done.returncode == 0, done.stderr
    assert "  1 CPU, 100 MiB: FastAPI, gunicorn with 4 uvicorn workers\n" in done.stdout
    assert "+ 1 CPU, memory without limit: FastAPI, gunicorn with 4 uvicorn workers\n" in done.stdout
    assert not (tmp_path / "state").exists()


def test_a_number_of_requests_is_waited_for_until_the_last_answer(tmp_path: Path) -> None:
    """Three that sleep 3.2 s one after another: the last answer comes 9.6 s after all were sent."""
    (tmp_path / "slow.py").write_text("import time\n\ndef work():\n    time.sleep(3.2)\n")
    done = diag(
        tmp_path, "compare", "slow.py", "--select", "framework=fastapi,server=uvicorn,loop=asyncio,strategy=blocking",
        "--trials", "1", "--requests", "3", "--users", "3", "-o", "c.diag",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run,) = read_recording(tmp_path / "c.diag").runs
    (work,) = (stream for stream in run.streams if stream.stream == "work")
    assert (work.answered, work.failed, work.timeouts) == (3, 0, 0)
    assert work.max_ns > 9_000_000_000
