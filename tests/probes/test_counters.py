"""What the kernel counts: read from /proc, and from a /proc made by hand."""

from __future__ import annotations

import mmap
import os
import socket
import time
from pathlib import Path

from diag.probes.counters import difference, read


def test_an_overflowing_accept_queue_is_counted() -> None:
    """A listener with a backlog of 1 that never accepts: the kernel drops what comes after."""
    before = read([os.getpid()])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        clients = [socket.socket() for _ in range(8)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        deadline = time.monotonic() + 5
        while (risen := rise(before)).get("listen_overflows", 0) < 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        for client in clients:
            client.close()
    assert risen["listen_overflows"] >= 1
    assert risen["listen_drops"] >= 1


def test_page_faults_of_a_process_are_counted() -> None:
    """Touching 400 fresh pages faults at least once for each; the kernel may map several at once."""
    before = read([os.getpid()])
    with mmap.mmap(-1, 400 * mmap.PAGESIZE) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for page in range(400):
            memory[page * mmap.PAGESIZE] = 1
        assert rise(before)["minor_faults"] >= 400


def test_files_are_read_by_the_names_they_give(tmp_path: Path) -> None:
    """Columns come and go between kernels; a command may have brackets and spaces in its name."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net/netstat").write_text(
        "TcpExt: New ListenDrops ListenOverflows\nTcpExt: 9 7 5\nIpExt: A\nIpExt: 1\n"
    )
    (tmp_path / "stat").write_text("cpu  1 2 3 4 5 6 7 100 0 0\ncpu0 1\n")
    (tmp_path / "12/task/12").mkdir(parents=True)
    (tmp_path / "12/stat").write_text("12 (a) b) S 1 2 3 4 5 6 70 8 90 10 11\n")
    (tmp_path / "12/task/12/status").write_text(
        "Name: x\nvoluntary_ctxt_switches:\t4\nnonvoluntary_ctxt_switches:\t6\n"
    )
    (tmp_path / "12/task/12/schedstat").write_text("5000 600 7\n")
    assert read([12, 13], tmp_path) == {
        "listen_overflows": 5,
        "listen_drops": 7,
        "steal_ns": 100 * 1_000_000_000 // os.sysconf("SC_CLK_TCK"),
        "minor_faults": 70,
        "major_faults": 90,
        "voluntary_switches": 4,
        "involuntary_switches": 6,
        "run_queue_ns": 600,
    }
    assert read([], tmp_path / "missing") == {}


def test_a_sum_that_fell_counts_as_nothing() -> None:
    """A worker that ended took its faults with it."""
    assert [(c.name, c.amount) for c in difference({"a": 5, "b": 1}, {"a": 3, "b": 4})] == [
        ("a", 0),
        ("b", 3),
    ]


def rise(before: dict[str, int]) -> dict[str, int]:
    """By how much each counter of this process rose."""
    return {counter.name: counter.amount for counter in difference(before, read([os.getpid()]))}
