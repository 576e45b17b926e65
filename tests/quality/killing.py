"""Kill diag at random moments, and count what it leaves: `python tests/quality/killing.py --rounds 50 --seed 1`.

Each round starts a real `diag` on a target chosen by the seed, sends SIGKILL, SIGTERM or SIGINT at a moment chosen by
the seed, and waits until nothing of it is left: no process that carries the round's mark in its environment, no file
in its private folder for temporary files, no spool in memory, no control group. What is still there after
`PATIENCE_S` is named, and makes the script end with 1.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MARK = "DIAG_KILLING"
PATIENCE_S = 15.0
LATEST_S = 7.0
"""The moment of the signal lies before this; a run takes about as long, its start included."""

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
FILES = {
    "app.py": """
import subprocess, time
from fastapi import FastAPI
app = FastAPI()

@app.get("/slow")
async def slow():
    time.sleep(0.03)
    return 1

@app.get("/child")
def child():
    return subprocess.run(["sleep", "0.02"]).returncode
""",
    "work.py": """
import time

def work():
    time.sleep(0.02)
""",
    "script.py": """
import asyncio, subprocess, time

async def main():
    subprocess.Popen(["sleep", "600"])
    while True:
        time.sleep(0.02)
        await asyncio.sleep(0.01)

asyncio.run(main())
""",
    "stubborn.py": """
import signal, subprocess
from fastapi import FastAPI
app = FastAPI()
subprocess.Popen(["setsid", "sleep", "600"])

@app.get("/")
async def hello():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return 1
""",
}
EXPLAIN = ("explain", "--duration", "3s", "-o", "run.diag")
COMPARE = ("compare", "--trials", "2", "--duration", "1s", "-o", "run.diag")
COMMANDS = (
    (*EXPLAIN, "app.py:app"),
    (*EXPLAIN, "app.py:app", "--workers", "2", "--cpus", "1", "--memory", "300m"),
    (*EXPLAIN, "app.py:app", "--server", "gunicorn-uvicorn", "--workers", "2"),
    (*EXPLAIN, "script.py"),
    (*EXPLAIN, "script.py", "--memory", "200m"),
    (*EXPLAIN, "stubborn.py:app"),
    (*EXPLAIN, "work.py", "--strategy", "process-pool"),
    (*COMPARE, "work.py", "--select", "framework=flask,server=gunicorn-gthread", "--memory", "300m"),
    (*COMPARE, "app.py:app", "--select", "server=uvicorn", "--request", "GET /slow", "--generator", "wrk"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One kill.

    Attributes:
        command: diag's arguments.
        number: of the signal.
        moment_s: when it was sent, in seconds after the start.
        exited: diag's exit code, negative for a signal.
        left: what was left of it, each in words; () as it should be.
        took_s: from the signal until nothing was left.
    """

    command: tuple[str, ...]
    number: signal.Signals
    moment_s: float
    exited: int
    left: tuple[str, ...]
    took_s: float

    @property
    def words(self) -> str:
        """One line."""
        ending = "; ".join(self.left) if self.left else f"nothing left after {self.took_s:.1f} s"
        return f"{self.number.name} at {self.moment_s:.2f} s, exit {self.exited}: {' '.join(self.command)}: {ending}"


def rounds(number: int, seed: int, patience_s: float = PATIENCE_S) -> Iterator[Round]:
    """Kill diag so many times."""
    chance = random.Random(seed)
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # a shell's background job, which diag would inherit
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for index in range(number):
        command = COMMANDS[(index + seed) % len(COMMANDS)]
        yield one_round(command, SIGNALS[chance.randrange(3)], chance.uniform(0.0, LATEST_S), patience_s)


def one_round(
    command: tuple[str, ...], number: signal.Signals, moment_s: float, patience_s: float = PATIENCE_S
) -> Round:
    """Start diag, send the signal, and wait until nothing is left, or patience is."""
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="killing-") as place:
        folder, temporary = Path(place, "shop"), Path(place, "tmp")
        folder.mkdir()
        temporary.mkdir()
        for name, text in FILES.items():
            (folder / name).write_text(text)
        process = subprocess.Popen(
            [sys.executable, "-m", "diag", *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), MARK: mark,
                 "XDG_STATE_HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(moment_s)
            sent = time.monotonic()
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience_s)
            left = leftovers(mark, temporary, process.pid)
            while left and time.monotonic() - sent < patience_s:
                time.sleep(0.05)
                left = leftovers(mark, temporary, process.pid)
            took = time.monotonic() - sent
        finally:
            _end(mark)
            process.wait()
    _remove(process.pid)
    return Round(
        command=command, number=number, moment_s=moment_s, exited=process.returncode, left=left, took_s=took
    )


def leftovers(mark: str, temporary: Path, pid: int) -> tuple[str, ...]:
    """What there is of a diag with this pid and this mark, in words."""
    processes = [f"process {_command(one)} (pid {one})" for one in sorted(_marked(mark))]
    files = [f"file {path.relative_to(temporary)}" for path in sorted(temporary.rglob("*"))]
    return (*processes, *files, *(f"{path}" for path in _named(pid)))


def _marked(mark: str) -> set[int]:
    """Living processes that carry the round's mark."""
    needle = f"{MARK}={mark}".encode()
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if needle in Path("/proc", name, "environ").read_bytes().split(b"\0"):
                found.add(int(name))
    return found


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")[:80]
    return "that has just ended"


def _named(pid: int) -> list[Path]:
    """Spools and control groups that have diag's pid in their name."""
    name = f"diag-{pid}-"
    found = [path for path in Path("/dev/shm").iterdir() if path.name.startswith(name)]
    for folder, folders, _ in os.walk("/sys/fs/cgroup"):
        found += [Path(folder, one) for one in folders if one.startswith(name)]
    return found


def _end(mark: str) -> None:
    while left := _marked(mark):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _remove(pid: int) -> None:
    for path in _named(pid):
        if path.is_relative_to("/sys"):
            with contextlib.suppress(OSError):
                path.rmdir()
        else:
            shutil.rmtree(path, ignore_errors=True)


def main() -> int:
    """Kill, count, and tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    done = []
    for one in rounds(asked.rounds, asked.seed):
        done.append(one)
        print(f"{len(done):>3}  {one.words}", flush=True)
    dirty = [one for one in done if one.left]
    slowest = max(one.took_s for one in done)
    print(f"{len(done)} kills, {len(dirty)} left something; the slowest was clean after {slowest:.1f} s")
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())
