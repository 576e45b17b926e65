"""Ending processes leaves nothing of theirs behind."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

from served import eventually

from diag.hosting import RUN_ID
from diag.reap import kill_run, run_pids

HOLDS_SEMAPHORES = """
import multiprocessing, time
context = multiprocessing.get_context("spawn")
held = [context.Lock() for _ in range(5)]
print(*(lock._semlock.name.lstrip("/") for lock in held), flush=True)
time.sleep(60)
"""


def test_semaphores_of_a_killed_process_are_removed_before_who_does_that_is_killed_too() -> None:
    memory, run_id = Path("/dev/shm"), uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS_SEMAPHORES],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, RUN_ID: run_id},
    )
    assert process.stdout is not None
    named = [memory / f"sem.{name}" for name in process.stdout.readline().decode().split()]
    assert len(run_pids(run_id)) == 2  # and the resource tracker of `multiprocessing`
    assert [path.exists() for path in named] == [True] * 5
    assert kill_run(run_id, grace_s=0) == 1
    process.wait()
    process.stdout.close()
    eventually(lambda: not any(path.exists() for path in named))
    assert run_pids(run_id) == set()
