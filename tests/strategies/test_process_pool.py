"""The work is called in processes that are there before the first request, and gone with their maker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from served import eventually, living

from diag.hosting import READY, SERVE, SPOOL, with_diag_importable
from diag.strategies import Forms
from diag.strategies.process_pool import ProcessPool

HANDLER = ProcessPool().handler


def leave_pid(folder: str) -> None:
    """Work that says where it ran, and what it could see of the server there."""
    seen = [name for name in (SPOOL, READY, SERVE) if name in os.environ]
    Path(folder, str(os.getpid())).write_text(" ".join(seen))


def give(value: object) -> object:
    return value


def give_lock() -> object:
    return threading.Lock()


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.fixture(autouse=True)
def ended():
    """No pool of a test is left to the next one."""
    before = children()
    yield
    for child in psutil.Process().children(recursive=True):
        if child.pid not in before and "spawn_main" in " ".join(child.cmdline()):  # not the resource tracker
            os.kill(child.pid, signal.SIGKILL)


def test_the_processes_are_there_before_the_first_request_and_answer_it(tmp_path: Path, monkeypatch) -> None:
    for name in (SPOOL, READY, SERVE):
        monkeypatch.setenv(name, str(tmp_path))
    before = children()
    handler = HANDLER(Forms(sync=leave_pid, params={"folder": str(tmp_path)}, pool=2))
    workers = children() - before
    assert len(workers) >= 2  # and the resource tracker of `multiprocessing`

    async def some() -> None:
        await asyncio.gather(*(handler() for _ in range(6)))

    asyncio.run(some())
    seen = {int(path.name): path.read_text() for path in tmp_path.iterdir()}
    assert set(seen) <= workers
    assert set(seen.values()) == {""}  # they are no workers of the server, and the agent is not in them
    assert children() - before == workers


def test_outside_of_a_loop_the_handler_waits_for_the_process(tmp_path: Path) -> None:
    handler = HANDLER(Forms(sync=leave_pid, params={"folder": str(tmp_path)}, pool=1, on_loop=False))
    assert handler() == {"ok": True}
    assert [path.name for path in tmp_path.iterdir()] != [str(os.getpid())]


def test_arguments_that_cannot_be_sent_are_an_error_before_any_process_is_made() -> None:
    before = children()
    with pytest.raises(TypeError, match="arguments cannot be sent to another process"):
        HANDLER(Forms(sync=give, params={"value": threading.Lock()}))
    with pytest.raises(TypeError, match="function cannot be sent to another process"):
        HANDLER(Forms(sync=lambda: None))
    assert children() <= before


def refuse() -> object:
    raise ZeroDivisionError("not here")


def test_work_that_cannot_be_made_there_is_an_error_that_shows_the_users_line() -> None:
    before = children()
    with pytest.raises(RuntimeError, match="could not be loaded in another process") as caught:
        HANDLER(Forms(sync=give, elsewhere=refuse, pool=2))
    text = str(caught.value)
    assert text.endswith("ZeroDivisionError: not here")
    assert "in refuse" in text
    assert "diag/strategies" not in text
    eventually(lambda: len(children() - before) <= 1)  # the resource tracker of `multiprocessing` stays


def test_a_result_that_cannot_be_sent_back_is_the_requests_error() -> None:
    handler = HANDLER(Forms(sync=give_lock, pool=1, on_loop=False))
    with pytest.raises(TypeError, match="pickle"):
        handler()


MAKER = """
import os, time
from diag.strategies import Forms
from diag.strategies.process_pool import ProcessPool
if __name__ == "__main__":
    ProcessPool().handler(Forms(sync=os.getpid, pool=2))
    print("ready", flush=True)
    time.sleep(60)
"""


def test_processes_and_semaphores_go_with_their_maker_even_if_it_was_killed(tmp_path: Path) -> None:
    (tmp_path / "maker.py").write_text(MAKER)
    memory = Path("/dev/shm")
    before = set(memory.glob("sem.*"))
    maker = subprocess.Popen(
        [sys.executable, str(tmp_path / "maker.py")],
        stdout=subprocess.PIPE,
        env=with_diag_importable(os.environ),
    )
    assert maker.stdout is not None
    assert maker.stdout.readline() == b"ready\n"
    workers = [child.pid for child in psutil.Process(maker.pid).children(recursive=True)]
    assert len(workers) >= 2
    maker.kill()
    maker.wait()
    maker.stdout.close()
    eventually(lambda: not living(workers))
    eventually(lambda: set(memory.glob("sem.*")) <= before)
