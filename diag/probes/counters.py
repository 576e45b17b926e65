"""What the kernel counts beside the target: overflowing accept queues, retransmissions, page faults, steal.

    before = read(pids)
    ...
    counters = difference(before, read(server.pids()))

The network's counters are those of the network namespace: on a machine that serves others as well, theirs are
in it. The processes' are sums over the target's tree.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from diag.recording import Counter

_NETWORK = {
    ("TcpExt", "ListenOverflows"): "listen_overflows",
    ("TcpExt", "ListenDrops"): "listen_drops",
    ("TcpExt", "TCPReqQFullDrop"): "syn_queue_drops",
    ("TcpExt", "TCPTimeouts"): "tcp_timeouts",
    ("TcpExt", "TCPSynRetrans"): "syn_retransmits",
    ("Tcp", "RetransSegs"): "retransmits",
}
"""By the names of /proc/net/netstat and /proc/net/snmp (kernel Documentation/networking/snmp_counter.rst)."""

_STEAL = 7
"""Its place among the numbers of the line ``cpu`` of /proc/stat (proc(5))."""

_MINOR_FAULTS, _MAJOR_FAULTS = 7, 9
"""Their places in /proc/PID/stat behind the command's closing bracket (proc(5))."""

_WAITED = 1
"""The place of the time on a run queue in /proc/PID/task/TID/schedstat (kernel scheduler/sched-stats.rst)."""

_SWITCHES = {
    "voluntary_ctxt_switches": "voluntary_switches",
    "nonvoluntary_ctxt_switches": "involuntary_switches",
}


def read(pids: Iterable[int], proc: Path = Path("/proc")) -> dict[str, int]:
    """All counters as they are now; those that this kernel does not have are missing.

    Args:
        pids: the target's processes.
        proc: where the kernel shows them.
    """
    counters = dict(_network(proc))
    counters |= _steal(proc)
    for pid in pids:
        for name, amount in _process(proc / str(pid)):
            counters[name] = counters.get(name, 0) + amount
    return counters


def difference(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[Counter, ...]:
    """By how much each rose; a process that ended meanwhile makes a sum fall, which counts as nothing."""
    risen = {name: max(0, amount - before.get(name, 0)) for name, amount in after.items()}
    return tuple(Counter(name=name, amount=amount) for name, amount in sorted(risen.items()))


def _network(proc: Path) -> Iterator[tuple[str, int]]:
    for file in ("net/netstat", "net/snmp"):
        lines = _lines(proc / file)
        for head, values in zip(lines[::2], lines[1::2], strict=False):
            group, _, names = head.partition(":")
            for name, value in zip(names.split(), values.partition(":")[2].split(), strict=False):
                if (group, name) in _NETWORK and value.isdigit():
                    yield _NETWORK[group, name], int(value)


def _steal(proc: Path) -> dict[str, int]:
    words = next((line.split() for line in _lines(proc / "stat") if line.startswith("cpu ")), [])
    if len(words) <= _STEAL + 1:
        return {}
    return {"steal_ns": int(words[_STEAL + 1]) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")}


def _process(folder: Path) -> Iterator[tuple[str, int]]:
    stat = " ".join(_lines(folder / "stat"))
    fields = stat.rpartition(")")[2].split()
    if len(fields) > _MAJOR_FAULTS:
        yield "minor_faults", int(fields[_MINOR_FAULTS])
        yield "major_faults", int(fields[_MAJOR_FAULTS])
    for task in _tasks(folder):
        for line in _lines(task / "status"):
            name, _, value = line.partition(":")
            if name in _SWITCHES:
                yield _SWITCHES[name], int(value)
        times = " ".join(_lines(task / "schedstat")).split()
        if len(times) > _WAITED:
            yield "run_queue_ns", int(times[_WAITED])


def _tasks(folder: Path) -> list[Path]:
    try:
        return list((folder / "task").iterdir())
    except OSError:
        return []


def _lines(path: Path) -> list[str]:
    """A file's lines; none if it is not there, or its process has just ended."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
