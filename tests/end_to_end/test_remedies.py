"""Remedies, tried: the right one for each cause is recommended, plausible wrong ones are not, and no file changes."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from diag import proving
from diag.diagnose import Explained, explain_and_try
from diag.finding import Status, Verdict
from diag.proof import judge_remedies
from diag.recording import RunStatus
from diag.remedy import RemedyResult
from diag.settings import ExplainOptions
from diag.store import read_recording

ROOT = Path(__file__).parents[2]
HEAD = """
import hashlib, time
from fastapi import FastAPI
app = FastAPI()

@app.get("/quick")
async def quick():
    return {"quick": True}
"""
SLEEP = (
    HEAD
    + """
@app.get("/slow")
async def slow():
    time.sleep(0.05)  # a comment that stays
    return {"slept": True}
"""
)
COMPUTE = (
    HEAD
    + """
def total(count):
    return sum(i * i for i in range(count))

@app.get("/slow")
async def slow():
    return {"total": total(900_000)}
"""
)
HASH = (
    HEAD
    + """
@app.get("/slow")
async def slow():
    return {"hash": hashlib.pbkdf2_hmac("sha256", b"a", b"b", 200_000).hex()}
"""
)
FLASK = """
import time
from flask import Flask
app = Flask(__name__)

@app.get("/slow")
def slow():
    time.sleep(0.05)
    return {"slept": True}

@app.get("/quick")
def quick():
    return {"quick": True}
"""


@pytest.fixture(autouse=True)
def short_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of 0.8 s each."""
    monkeypatch.setattr(proving, "TRIAL_NS", 800_000_000)
    monkeypatch.setattr(proving, "MOST_TRIALS", 3)


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def tried(folder: Path, text: str, *names: str) -> Explained:
    """Explain an app and try some remedies; its folder must not change."""
    shop = folder / "shop"
    shop.mkdir()
    (shop / "app.py").write_text(dedent(text))
    before = files(shop)
    told: list[Verdict] = []
    options = ExplainOptions(
        target=str(shop / "app.py"),
        duration_ns=1_500_000_000,
        output=folder / "run.diag",
        remedies=names,
        cwd=shop,
    )
    explained = explain_and_try(options, told=told.append)
    assert files(shop) == before
    assert told == [explained.verdict]
    assert explained.verdict.status is Status.BLOCKED
    return explained


def results(explained: Explained) -> dict[str, RemedyResult]:
    """Of the worst culprit: a busy machine may make others."""
    return {one.remedy.name: one for one in explained.tried[0].results}


def helps(result: RemedyResult) -> bool:
    """The step has gone, the answers are the same, and nothing but noise on this machine speaks against it."""
    assert result.answers_equal is True
    assert result.original_held_share > 0
    gone = result.held_share < 0.5 * result.original_held_share or result.remedy.server is not None
    noise = result.reason.startswith(("No difference", "It answers fewer requests"))
    return gone and not result.moved_to and (result.recommended or noise)


def does_not_move_the_step(result: RemedyResult) -> bool:
    """However noisy the machine is: the same line holds the loop as long as before."""
    return not result.recommended and result.held_share > 0.5 * result.original_held_share


def test_a_blocking_sleep_is_awaited(tmp_path: Path) -> None:
    """A pause before it does not help, and is shown not to; `diag report` says the same again."""
    explained = tried(tmp_path, SLEEP, "native", "sleep-zero")
    native, zero = results(explained)["native"], results(explained)["sleep-zero"]
    assert helps(native)
    assert does_not_move_the_step(zero)
    assert native.predicted_ns > 0
    assert native.victim_p99_ns.value < zero.victim_p99_ns.value
    assert "+    await asyncio.sleep(0.05)  # a comment that stays" in native.remedy.diff
    assert judge_remedies(read_recording(explained.verdict.recording)) == explained.tried


def test_computing_goes_to_processes_and_not_to_threads(tmp_path: Path) -> None:
    """Which share the GIL; the cost of pickling and the processes' memory are told."""
    explained = tried(tmp_path, COMPUTE, "process-pool", "to-thread")
    process, thread = results(explained)["process-pool"], results(explained)["to-thread"]
    assert helps(process)
    assert not thread.recommended
    assert process.victim_p99_ns.value < thread.victim_p99_ns.value
    said = " ".join(process.checks)
    assert "Pickling: " in said
    assert "processes, " in said


def test_hashing_goes_to_a_thread(tmp_path: Path) -> None:
    """It lets the GIL go; a pause before it changes nothing."""
    explained = tried(tmp_path, HASH, "to-thread", "sleep-zero")
    assert helps(results(explained)["to-thread"])
    assert does_not_move_the_step(results(explained)["sleep-zero"])


def test_flask_gets_more_threads(tmp_path: Path) -> None:
    explained = tried(tmp_path, FLASK, "gthread")
    threads = results(explained)["gthread"]
    assert helps(threads)
    assert threads.remedy.server is not None
    assert "gthread" in threads.remedy.server.command


def test_where_nothing_helps_nothing_is_recommended(tmp_path: Path) -> None:
    """And what was tried is told, each with its measured reason."""
    explained = tried(tmp_path, SLEEP, "sleep-zero")
    assert all(against.recommended is None for against in explained.tried)
    assert does_not_move_the_step(results(explained)["sleep-zero"])


@pytest.mark.parametrize("number", range(2))
def test_an_interrupt_at_any_moment_keeps_the_diagnosis_and_the_users_files(
    tmp_path: Path, number: int
) -> None:
    """Once the diagnosis is printed; every process and every temporary folder is gone as well."""
    shop, scratch = tmp_path / "shop", tmp_path / "scratch"
    shop.mkdir()
    scratch.mkdir()
    (shop / "app.py").write_text(SLEEP)
    before = files(shop)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "diag",
            "explain",
            "app.py",
            "--duration",
            "1500ms",
            "-o",
            str(tmp_path / "run.diag"),
        ],
        cwd=shop,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = ""
    while "figures: " not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    pids: set[int] = set()
    spools: set[Path] = set()  # the changed text lies in there
    until = time.monotonic() + random.Random(number).uniform(0.1, 9.0)
    while time.monotonic() < until and process.poll() is None:  # the moment is the point
        for child in psutil.Process(process.pid).children(recursive=True):
            pids.add(child.pid)
            with contextlib.suppress(psutil.Error):
                command = child.cmdline()
                if "diag.probes.watcher" in command:
                    spools.add(Path(command[command.index("diag.probes.watcher") + 1]))
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL if number == 1 else signal.SIGINT)
    rest = process.stdout.read()
    code = process.wait(60)
    assert files(shop) == before
    if number == 0:
        assert code == 1
        assert "verdict: BLOCKED" in rest
    assert "BLOCKED  GET /slow" in said

    def left() -> list[object]:
        places = [*scratch.iterdir(), *(spool for spool in spools if spool.exists())]
        return [*(pid for pid in pids if psutil.pid_exists(pid)), *places]

    until = time.monotonic() + 30
    while left() and time.monotonic() < until:
        time.sleep(0.05)
    assert left() == []
    first, *trials = read_recording(tmp_path / "run.diag").runs
    assert first.status is RunStatus.DONE
    assert all(run.attempts for run in trials)
