"""Finds and ends every process of a run, wherever in the process tree it went.

Every process that diag starts carries ``DIAG_RUN_ID`` in its environment and hands it on to its children,
so that even a daemon which left its session is found. Standard library only: the guard uses it too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

from diag.hosting import RUN_ID

_POLL_S = 0.02
_KILL_PATIENCE_S = 5.0
_CLEANER_PATIENCE_S = 1.0
_LOOKS = 2
"""How often nothing must be found: a process that becomes another program has no environment for a moment."""


def run_pids(run_id: str) -> set[int]:
    """Living processes that carry the run's id in their environment, without this one.

    Other users' processes cannot be looked into and are left out; zombies have no environment left.
    """
    needle = f"{RUN_ID}={run_id}".encode()
    found = set()
    for pid in _all_pids():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                environment = file.read()
        except OSError:
            continue
        if needle in environment.split(b"\0"):
            found.add(pid)
    return found - {os.getpid()}


def tree_pids(leader: int) -> set[int]:
    """Living processes of a leader's session, and all descendants; zombies left out.

    One pass over ``/proc``, since it is called while something is measured.
    """
    children: dict[int, list[int]] = {}
    zombies, session = set(), []
    for pid in _all_pids():
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                # The name in parentheses may hold anything; the fields after it do not.
                state, parent, _, sid, *_ = file.read().rpartition(b")")[2].split()
        except (OSError, ValueError):
            continue
        children.setdefault(int(parent), []).append(pid)
        if state == b"Z":
            zombies.add(pid)
        if int(sid) == leader:
            session.append(pid)
    found: set[int] = set()
    pending = [leader, *session]
    while pending:
        pid = pending.pop()
        if pid not in found:
            found.add(pid)
            pending += children.get(pid, ())
    return {pid for pid in found if os.path.exists(f"/proc/{pid}")} - zombies - {os.getpid()}


def kill_run(run_id: str, grace_s: float = 2.0) -> int:
    """End every process of a run: SIGTERM, a grace, SIGKILL until none is left.

    Args:
        run_id: as in ``DIAG_RUN_ID``.
        grace_s: seconds between the two signals; 0 for SIGKILL at once.

    Returns:
        How many processes were signalled.
    """
    return end_all(lambda: run_pids(run_id), grace_s)


def end_all(find: Callable[[], set[int]], grace_s: float) -> int:
    """End all processes that `find` finds, those that they start meanwhile included.

    Args:
        find: gives the pids that are still alive.
        grace_s: seconds between SIGTERM and SIGKILL; 0 for SIGKILL at once.

    Returns:
        How many processes were signalled.
    """
    signalled: set[int] = set()
    if grace_s > 0:
        signalled |= send(find(), signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while find() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
    began = time.monotonic()
    looks = 0
    while looks < _LOOKS and (passed := time.monotonic() - began) < _KILL_PATIENCE_S:
        left = find()
        if not left and not signalled:
            break
        looks = 0 if left else looks + 1
        spared = {pid for pid in left if cleans_up(pid)} if passed < _CLEANER_PATIENCE_S else set()
        signalled |= send(left - spared, signal.SIGKILL)
        time.sleep(_POLL_S)
    return len(signalled)


def cleans_up(pid: int) -> bool:
    """True for the process of `multiprocessing` that removes the semaphores of those killed, then ends."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"multiprocessing.resource_tracker" in file.read()
    except OSError:
        return False


def send(pids: set[int], number: signal.Signals) -> set[int]:
    """Signal processes; those that are gone or not ours are left out of the result."""
    reached = set()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
            reached.add(pid)
    return reached


def _all_pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())
