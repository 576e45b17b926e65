"""What the workloads do to a plain asyncio loop, step by step."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from asyncio.events import Handle
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from shipped import FOLDER, Loaded

LIMIT_NS = 10_000_000
# Longer steps than this are seen once in some thousand only; docs/explanation/workloads.md, "What is left".
USUAL_NS = 3_000_000
USERS = 3
CALLS = 2
ATTEMPTS = 3


@dataclass(slots=True)
class Steps:
    """Each step's duration without run-queue wait, by iteration of the loop."""

    iterations: list[list[int]] = field(default_factory=list)

    def longest_iteration_ns(self) -> int:
        return max(sum(steps) for steps in self.iterations)

    def all_ns(self) -> list[int]:
        return sorted(step for steps in self.iterations for step in steps)


class RunQueue:
    """Time the calling thread has waited for a CPU; always 0 where the kernel does not say."""

    def __enter__(self) -> Self:
        path = f"/proc/self/task/{threading.get_native_id()}/schedstat"
        self._file = os.open(path, os.O_RDONLY) if os.path.exists(path) else -1
        return self

    def __exit__(self, *_: object) -> None:
        if self._file >= 0:
            os.close(self._file)

    def ns(self) -> int:
        return int(os.pread(self._file, 64, 0).split()[1]) if self._file >= 0 else 0


def timed(work: Callable[[], Awaitable[object]], monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Run a coroutine function as several users would, each several times, after one first call."""
    steps = Steps()

    async def user() -> None:
        for _ in range(CALLS):
            await work()

    async def main() -> None:
        await work()
        steps.iterations[:] = [[]]
        await asyncio.gather(*(user() for _ in range(USERS)))

    with monkeypatch.context() as patch, RunQueue() as queue, asyncio.Runner() as runner:
        loop: Any = runner.get_loop()
        select, run = loop._selector.select, Handle._run

        def timed_select(timeout: float | None = None) -> object:
            steps.iterations.append([])
            return select(timeout)

        def timed_run(handle: Handle) -> None:
            waited, start = queue.ns(), time.perf_counter_ns()
            run(handle)
            steps.iterations[-1].append(time.perf_counter_ns() - start - (queue.ns() - waited))

        patch.setattr(loop._selector, "select", timed_select)
        patch.setattr(Handle, "_run", timed_run)
        runner.run(main())
    return steps


def bound(loaded: Loaded) -> Callable[[], Any]:
    return lambda: loaded.function(**loaded.spec.params)


def test_clean_workload_never_holds_the_loop(
    load: Callable[[Path], Loaded], clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No step and no iteration is long, for several users at once.

    Other processes only ever make a step longer, so one undisturbed attempt of a few is proof.
    """
    for _ in range(ATTEMPTS):
        steps = timed(bound(load(clean)), monkeypatch)
        durations = steps.all_ns()
        usual = durations[int(len(durations) * 0.95)]
        if steps.longest_iteration_ns() < LIMIT_NS and usual < USUAL_NS:
            return
    pytest.fail(f"longest step {durations[-1] / 1e6:.1f} ms, 95th percentile {usual / 1e6:.1f} ms")


def test_step_timer_finds_a_block(load: Callable[[Path], Loaded], monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer that finds clean workloads clean does find a sleep in a handler."""
    sleep = load(FOLDER / "blocking_sleep.py")

    async def handler() -> None:
        sleep.function(**sleep.spec.params)

    assert timed(handler, monkeypatch).longest_iteration_ns() > 5 * LIMIT_NS


def test_convoy_is_many_short_steps_in_one_iteration(
    load: Callable[[Path], Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No step reaches the limit, one iteration exceeds it several times over."""
    loaded = load(FOLDER / "convoy.py")
    attempts = [timed(bound(loaded), monkeypatch) for _ in range(ATTEMPTS)]
    assert min(steps.all_ns()[-1] for steps in attempts) < LIMIT_NS
    assert min(steps.longest_iteration_ns() for steps in attempts) > 4 * LIMIT_NS
