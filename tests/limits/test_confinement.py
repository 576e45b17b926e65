"""Limits are in force for a command and its children, whatever the mechanism, and what came of them is told."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid

import pytest
from served import living

from diag.errors import UsageError
from diag.limits import UNLIMITED, Confinement, check, confine
from diag.recording import LimitedResource

MIB = 1 << 20
EAT = "import sys; x = bytearray(int(sys.argv[1])); print(len(x))"


def run_id() -> str:
    return f"{os.getpid()}-{uuid.uuid4().hex[:8]}"


def run(box: Confinement, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        box.wrap([sys.executable, "-c", *command]), capture_output=True, text=True, timeout=60, check=False
    )


def needs_group(box: Confinement) -> None:
    """Skip where no control group can be made: `test_without_groups` shows what happens then."""
    missing = [one.cannot for one in box.state() if not one.mechanism.startswith("cgroup")]
    if missing:
        pytest.skip(missing[0])


def test_nothing_asked_limits_nothing() -> None:
    with confine(run_id()) as box:
        assert box is UNLIMITED
        assert box.wrap(("a", "b")) == ("a", "b")
        assert box.state() == ()
        assert box.pids() == set()


def test_more_cores_than_there_are_is_refused_before_anything_runs() -> None:
    with pytest.raises(UsageError) as caught:
        check(10_000)
    assert caught.value.slug == "too-many-cpus"
    check(len(os.sched_getaffinity(0)))


def test_a_process_that_needs_more_memory_is_killed_and_that_is_told() -> None:
    with confine(run_id(), memory_bytes=50 * MIB) as box:
        needs_group(box)
        assert run(box, EAT, str(MIB)).stdout == f"{MIB}\n"
        assert box.killed() == 0
        assert run(box, EAT, str(100 * MIB)).returncode == -9
        assert box.killed() == 1
        (limit,) = box.state()
    assert (limit.resource, limit.amount, limit.killed) == (LimitedResource.MEMORY, 50 * MIB, 1)
    assert 40 * MIB < limit.peak_bytes <= 50 * MIB
    assert box.state() == (limit,)  # still known when the group is gone


def test_memory_is_counted_over_all_processes_together() -> None:
    """Two children of 40 MiB each do not fit into 60 MiB, though one would."""
    fork = (
        "import os, sys\n"
        "if os.fork() == 0:\n"
        "    x = bytearray(40 << 20); os.write(1, b'x'); sys.stdin.read(); os._exit(0)\n"
        "os.read(int(sys.argv[1]), 1)\n"
        "x = bytearray(40 << 20)\n"
    )
    reading, writing = os.pipe()
    with confine(run_id(), memory_bytes=60 * MIB) as box:
        needs_group(box)
        child = subprocess.Popen(
            box.wrap([sys.executable, "-c", fork, str(reading)]),
            stdin=subprocess.PIPE, stdout=writing, pass_fds=(reading,),
        )  # fmt: skip
        with child:
            child.wait(60)
        assert box.killed() == 1
    os.close(reading)
    os.close(writing)


def test_a_part_of_a_core_is_had_by_waiting() -> None:
    spin = "import time; end = time.process_time() + 0.1\nwhile time.process_time() < end: pass"
    with confine(run_id(), cpus=0.05) as box:
        needs_group(box)
        assert run(box, spin).returncode == 0
        (limit,) = box.state()
    assert (limit.resource, limit.amount, limit.cannot) == (LimitedResource.CPU, 50, "")
    assert limit.held_back_ns > 0  # most of 2 s on an idle machine; a busy one gives it little more anyway


def test_what_is_left_in_a_group_is_ended_with_it() -> None:
    """A daemon that left its session and cleared its environment would escape everything else."""
    daemon = (
        "import os, sys\nif os.fork() == 0:\n    os.setsid(); os.execve('/bin/sleep', ['sleep', '600'], {})"
    )
    with confine(run_id(), memory_bytes=100 * MIB) as box:
        needs_group(box)
        subprocess.run(
            box.wrap([sys.executable, "-c", daemon]), stdout=subprocess.DEVNULL, timeout=60, check=True
        )
        (pid,) = box.pids()
    assert living([pid]) == []


@pytest.fixture
def without_groups() -> Confinement:
    """As where no group can be made, which every sandbox without privileges is."""
    amounts = {"cpu": 0.5, "memory": 100.0 * MIB}
    return Confinement(amounts, [], "/sys/fs/cgroup: Read-only file system")


def test_without_groups_affinity_and_rlimit_come_near_and_say_what_they_cannot(
    without_groups: Confinement,
) -> None:
    show = "import os; print(len(os.sched_getaffinity(0)))"
    assert run(without_groups, show).stdout == "1\n"
    assert run(without_groups, EAT, str(10 * MIB)).stdout == f"{10 * MIB}\n"
    assert "MemoryError" in run(without_groups, EAT, str(120 * MIB)).stderr
    cpu, memory = without_groups.state()
    assert (cpu.mechanism, memory.mechanism) == ("affinity", "rlimit")
    assert "pinned to 1 core: less than 1 core cannot be had so" in cpu.cannot
    assert "Read-only file system" in cpu.cannot
    assert "each process has the limit for itself" in memory.cannot
    assert without_groups.killed() == 0


def test_a_group_that_nobody_may_join_is_given_up_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with confine(run_id(), memory_bytes=100 * MIB) as box:
        needs_group(box)
    monkeypatch.setattr(Confinement, "refused", lambda _: "[Errno 13] Permission denied")
    with confine(run_id(), memory_bytes=100 * MIB) as box:
        (limit,) = box.state()
        assert limit.mechanism == "rlimit"
        assert "Permission denied" in limit.cannot
        assert box.pids() == set()
