"""Each blocking workload really takes its time, and takes it in the way that it says."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
from shipped import Loaded

from diag.workload import Blocks

# The amounts of work are fixed, for reproducible results; these bounds leave room for other machines.
SHORTEST_NS = 30_000_000
LONGEST_NS = 250_000_000
ATTEMPTS = 5
PULSE = 0.0005
# Beside work that gives the GIL back, a thread that sleeps 0.5 ms at a time wakes 1.5 times a millisecond;
# beside pure Python once every 5 ms (`sys.getswitchinterval`), beside C that holds the GIL never.
FREE_PULSES_PER_MS = 0.6
HELD_PULSES_PER_MS = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One call: wall time without run-queue wait, CPU time of its thread, pulses of a thread beside it."""

    own_ns: int
    cpu_ns: int
    pulses_per_ms: float


class Pulse:
    """Counts how often a thread that needs the GIL every half millisecond gets it."""

    def __init__(self) -> None:
        self.count = 0
        self._stop = False
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join()

    def _run(self) -> None:
        while not self._stop:
            time.sleep(PULSE)
            self.count += 1


def run_queue_ns() -> int:
    """Time this thread has waited for a CPU; 0 where the kernel does not say."""
    try:
        return int(Path(f"/proc/self/task/{threading.get_native_id()}/schedstat").read_text().split()[1])
    except OSError:
        return 0


def call(loaded: Loaded) -> object:
    if inspect.iscoroutinefunction(loaded.function):
        return asyncio.run(loaded.function(**loaded.spec.params))
    return loaded.function(**loaded.spec.params)


def measure(loaded: Loaded) -> Measured:
    with Pulse() as pulse:
        waited, pulses, cpu = run_queue_ns(), pulse.count, time.thread_time_ns()
        start = time.perf_counter_ns()
        call(loaded)
        wall_ns = time.perf_counter_ns() - start
        cpu_ns, counted = time.thread_time_ns() - cpu, pulse.count - pulses
        return Measured(
            own_ns=wall_ns - (run_queue_ns() - waited), cpu_ns=cpu_ns, pulses_per_ms=counted / (wall_ns / 1e6)
        )


@pytest.fixture
def measured(load: Callable[[Path], Loaded], blocking: Path) -> tuple[Blocks, list[Measured]]:
    """Several calls after a first one, which also pays for what is made lazily."""
    loaded = load(blocking)
    call(loaded)
    expect = loaded.spec.expect
    assert isinstance(expect, Blocks)
    return expect, [measure(loaded) for _ in range(ATTEMPTS)]


def test_duration_and_cause(measured: tuple[Blocks, list[Measured]]) -> None:
    """It lasts tens of milliseconds; it waits or computes; it holds the GIL or gives it back.

    Other processes only ever make a call longer and its pulses fewer, hence the shortest and the most.
    """
    expect, calls = measured
    shortest = min(calls, key=lambda one: one.own_ns)
    most_pulses = max(one.pulses_per_ms for one in calls)
    busy = shortest.cpu_ns / shortest.own_ns
    assert SHORTEST_NS < shortest.own_ns < LONGEST_NS
    assert busy < 0.2 if expect.cause == "waiting" else busy > 0.8
    if expect.cause == "on-cpu-gil":
        assert most_pulses < HELD_PULSES_PER_MS
    else:
        assert most_pulses > FREE_PULSES_PER_MS
