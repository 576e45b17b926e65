"""What the machine allows: loopback addresses, descriptors, cores, and the CPU time used."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import resource
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from diag.load.spec import Closed

if TYPE_CHECKING:
    from diag.load.spec import LoadSpec

_SPARE_DESCRIPTORS = 32  # pipes, poller, record file, and what the interpreter has open


class LimitError(Exception):
    """The load cannot be made here; the message says why, and what to do."""


class Usage(NamedTuple):
    """What this process has used so far, in ns."""

    wall_ns: int
    cpu_ns: int
    runqueue_ns: int
    """Time it was ready to run and did not get a core; 0 where the kernel does not say."""

    @classmethod
    def now(cls) -> Usage:
        """Read the clocks of this process, which has one thread."""
        return cls(time.monotonic_ns(), time.process_time_ns(), _runqueue_ns())


def _runqueue_ns() -> int:
    try:
        return int(Path("/proc/self/schedstat").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def loopback_addresses(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    """Resolve `host` to (family, address) pairs.

    Raises LimitError unless each address is a loopback one: a name that also leads elsewhere could
    point a full-speed load at somebody else's machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        msg = f"host: {host!r} does not resolve: {error}"
        raise LimitError(msg) from None
    addresses = [(int(family), (str(address[0]), port)) for family, _, _, _, address in found]
    for _, (address, _) in addresses:
        if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            msg = f"host: {host!r} is {address}, which is not this machine's loopback; use 127.0.0.1"
            raise LimitError(msg)
    return addresses


def pick_address(addresses: list[tuple[int, tuple[str, int]]]) -> tuple[int, tuple[str, int]]:
    """Give the first address that something listens on, or the first: localhost can be ::1 or 127.0.0.1."""
    if len(addresses) > 1:
        for family, address in addresses:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.settimeout(1)
                if probe.connect_ex(address) == 0:
                    return family, address
    return addresses[0]


def ensure_descriptors(spec: LoadSpec) -> None:
    """Raise the soft descriptor limit if the load needs it; raise LimitError if that is not allowed."""
    loads = [stream.load for stream in spec.streams]
    needed = _SPARE_DESCRIPTORS + sum(
        load.users if isinstance(load, Closed) else load.max_connections for load in loads
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if needed <= soft or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        msg = (
            f"users: the load needs {needed:,} file descriptors and this process may have {hard:,}; "
            f"use fewer users, or raise the limit first (as root: ulimit -Hn {needed}; systemd: LimitNOFILE=)"
        )
        raise LimitError(msg)
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else hard, hard))


def sharpen_timers() -> None:
    """Ask the kernel to wake this process on time, where it can be asked.

    Linux may delay each wake-up by the timer slack, 50 µs, to save power. Without it a sleep here ended
    20 µs late instead of 70 µs (median), so that less of each wait has to be spun.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/timerslack_ns").write_text("1")


def pin(cpu: int | None) -> str | None:
    """Pin this process to a core; give a sentence if that could not be done."""
    if cpu is None:
        return None
    try:
        os.sched_setaffinity(0, {cpu})
    except (AttributeError, OSError, ValueError) as error:
        return f"the generator could not be pinned to core {cpu}: {error}"
    return None
