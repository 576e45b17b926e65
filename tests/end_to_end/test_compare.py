"""`diag compare`, on real servers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from diag.errors import RecordingError
from diag.store import read_recording

WORK = """
import time

def work():
    time.sleep(0.03)

async def work_async():
    import asyncio
    await asyncio.sleep(0.03)
"""
APP = """
from flask import Flask
app = Flask(__name__)

@app.get("/")
def hello():
    return {"hello": "world"}
"""
ASGI = ("--select", "framework=fastapi,server=uvicorn,loop=asyncio,strategy=native,strategy=blocking")


def diag(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder of its own."""
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "shop.py").write_text(APP)
    return tmp_path


def test_a_blocking_cell_loses_with_its_line_as_the_reason(folder: Path) -> None:
    """End to end: interleaved trials, the answer, the same from the recording, and nothing left running."""
    done = diag(folder, "compare", "work.py", *ASGI, "--trials", "3", "--duration", "1s", "-o", "c.diag")
    assert done.returncode == 0, done.stderr
    assert "2 cells, 3 trials of 1.0 s each, interleaved: about" in done.stderr
    assert "▸ Use native:" in done.stdout
    assert "as many as blocking." in " ".join(done.stdout.split())
    assert "work.py:5 (off-CPU (waiting))" in " ".join(done.stdout.split())
    assert diag(folder, "report", "c.diag").stdout == done.stdout
    recording = read_recording(folder / "c.diag")
    assert recording.meta.target_kind == "comparison"
    assert [run.trial for run in recording.runs] == [1, 1, 2, 2, 3, 3]
    assert {run.cell.strategy for run in recording.runs[:2]} == {"blocking", "native"}
    for run in recording.runs:
        assert {one.stream for one in run.streams} == {"warm-up", "work", "ping"}
        assert {"listen_overflows", "minor_faults", "run_queue_ns"} <= {one.name for one in run.counters}
    document = json.loads(diag(folder, "report", "c.diag", "--json").stdout)
    native, blocking = document["contests"][0]["cells"]
    assert (native["rank"], blocking["rank"]) == (1, 2)
    assert blocking["blocked_share"]["value"] > 0.8
    assert native["blocked_share"]["value"] < 0.2
    assert native["throughput"]["value"] > 2 * blocking["throughput"]["value"]
    assert blocking["victim_p99_ns"]["value"] > 2 * native["victim_p99_ns"]["value"]
    assert native["memory_bytes"]["value"] > 10_000_000


def test_a_connection_a_request_over_http_1_0_and_a_total(folder: Path) -> None:
    """As ApacheBench does it, on a server for WSGI."""
    done = diag(
        folder, "compare", "shop.py", "--select", "server=gunicorn-gthread", "--trials", "2", "--requests", "40",
        "--connection", "per-request", "--http", "1.0", "--users", "2", "--json", "-o", "c.diag",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads(done.stdout)["contests"][0]["cells"]
    assert (cell["answered"], cell["failed"], cell["trials"]) == (80, 0, 2)
    assert cell["connect_p50_ns"]["value"] > 0
    assert cell["load"] == "closed, 2 users, 40 requests, a connection each, HTTP/1.0"
    assert "Complete requests:      40" in diag(folder, "report", "c.diag", "--format", "ab").stdout


def test_many_requests_are_summed_up_and_not_kept(folder: Path) -> None:
    """A fast cell leaves its sums; its requests would fill the disk."""
    arguments = ("--select", "server=gunicorn-gthread", "--trials", "1", "--requests", "2500", "--users", "4")
    done = diag(folder, "compare", "shop.py", *arguments, "-o", "c.diag")
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(folder / "c.diag") as connection:
        query = "SELECT answered FROM stream WHERE stream = 'app'"
        assert connection.execute(query).fetchall() == [(2500,)]
        assert connection.execute("SELECT count(*) FROM request WHERE stream = 'app'").fetchone() == (0,)


def test_another_generator_drives_the_same_cells(folder: Path) -> None:
    """Its figures lie in the same recording; there are no innocent requests beside it."""
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not installed: apt install wrk (.ci/run does)")
    arguments = (
        "--select",
        "server=gunicorn-gthread",
        "--trials",
        "1",
        "--duration",
        "1s",
        "--generator",
        "wrk",
    )
    done = diag(folder, "compare", "shop.py", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads(done.stdout)["contests"][0]["cells"]
    assert cell["median_trial"]["generator"] == "wrk"
    assert cell["answered"] > 50
    assert cell["load"].endswith("by wrk")
    assert cell["victim_p99_ns"] is None
    assert 0 < cell["generator_share"]["value"] < 1


def test_ctrl_c_keeps_what_was_measured(folder: Path) -> None:
    """In the third of many trials; the two before it are compared by diag report."""
    command = [sys.executable, "-m", "diag", "compare", "shop.py", "--select", "server=werkzeug"]
    command += ["--trials", "50", "--requests", "20", "-o", "c.diag"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and _trials_done(folder / "c.diag") < 2:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "diag report c.diag" in told
    again = diag(folder, "report", "c.diag")
    assert again.returncode == 0
    assert "it was broken off: what had been measured by then is compared" in " ".join(again.stdout.split())


def _trials_done(path: Path) -> int:
    try:
        return sum(run.ended_ns > 0 for run in read_recording(path).runs)
    except RecordingError:
        return 0


def test_all_cells_are_listed_without_running_any(folder: Path) -> None:
    done = diag(folder, "compare", "work.py", "--list")
    assert done.returncode == 0
    assert "fastapi uvicorn (asyncio): blocking, native" in done.stdout
    assert "uvicorn does not serve WSGI applications:" in done.stdout
    assert not (folder / "state").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("work.py", "--select", "server=nginx"), "diag compare work.py --list"),
        (("work.py", "--select", "flask"), "Try: --select"),
        (("crawl.py",), "crawl.py cannot be compared"),
        ((), "There is no target"),
        (("shop.py", "--generator", "ab"), "ab cannot make this load"),
    ],
)
def test_bad_input_is_an_error_with_the_next_command(
    folder: Path, arguments: tuple[str, ...], words: str
) -> None:
    (folder / "crawl.py").write_text("import asyncio\nasync def main(): pass\nasyncio.run(main())\n")
    done = diag(folder, "compare", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cell_that_cannot_start_is_a_row_with_its_reason(folder: Path) -> None:
    """It is tried twice, and the others are measured all the same; alone, the exit code is 2."""
    (folder / "picky.py").write_text(
        "import sys\nif 'gunicorn' in ' '.join(sys.orig_argv): raise RuntimeError('not here')\n" + APP
    )
    servers = "server=gunicorn-gthread,server=werkzeug"
    done = diag(folder, "compare", "picky.py", "--select", servers, "--trials", "3", "--duration", "1s")
    told = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stderr
    assert "gunicorn-gthread is not ranked:" in told
    assert "werkzeug: " in told
    assert (
        diag(folder, "compare", "picky.py", "--select", "server=gunicorn-sync", "--trials", "1").returncode
        == 2
    )
