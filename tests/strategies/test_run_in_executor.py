"""The pool has the size that was asked for."""

from __future__ import annotations

import asyncio
import threading

from diag.strategies import Forms
from diag.strategies.run_in_executor import RunInExecutor


class Crowd:
    """Counts who works at the same time; each stays until `together` are there, or gives up."""

    def __init__(self, together: int) -> None:
        self.barrier = threading.Barrier(together)
        self.met = 0
        self.threads: set[str] = set()

    def work(self) -> None:
        self.threads.add(threading.current_thread().name)
        try:
            self.barrier.wait(0.05)
        except threading.BrokenBarrierError:
            return
        self.met += 1


def served(crowd: Crowd, pool: int, requests: int) -> None:
    handler = RunInExecutor().handler(Forms(sync=crowd.work, pool=pool))

    async def all_at_once() -> None:
        await asyncio.gather(*(handler() for _ in range(requests)))

    asyncio.run(all_at_once())


def test_as_many_calls_as_threads_run_at_the_same_time() -> None:
    crowd = Crowd(3)
    served(crowd, 3, 3)
    assert (crowd.met, len(crowd.threads)) == (3, 3)


def test_one_thread_makes_calls_follow_each_other() -> None:
    crowd = Crowd(2)
    served(crowd, 1, 4)
    assert (crowd.met, len(crowd.threads)) == (0, 1)
