"""Which mechanism limits a run, and what is known of it afterwards."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from diag.errors import UsageError
from diag.limits import cgroups
from diag.limits.cgroups import Group
from diag.recording import Limit, LimitedResource
from diag.units import cores as cores_words

_ENTER = str(Path(__file__).with_name("enter.py"))
_TRIAL_S = 10.0


def check(cpus: float) -> None:
    """Refuse more cores than there are.

    Raises:
        UsageError: as Docker does, for the result would be that of a smaller machine.
    """
    there = len(os.sched_getaffinity(0))
    if cpus > there:
        raise UsageError(
            f"--cpus {cpus:g} asks for more than the {cores_words(there)} that diag may use",
            cause="A limit cannot add cores.",
            next_step=f"Try: --cpus {there}",
            slug="too-many-cpus",
        )


def confine(run_id: str, *, cpus: float = 0.0, memory_bytes: int = 0) -> Confinement:
    """Limits for the processes of one run, not yet in force for any.

    Args:
        run_id: unique; the guard clears by it what a killed diag leaves.
        cpus: cores that they may use together, 0 for all.
        memory_bytes: memory that they may use together, 0 for all.
    """
    amounts = {name: value for name, value in (("cpu", cpus), ("memory", memory_bytes)) if value}
    if not amounts:
        return UNLIMITED
    cgroups.sweep()
    groups, reason = cgroups.make(run_id, amounts)
    box = Confinement(amounts, groups, reason)
    refused = box.refused()
    if not refused:
        return box
    box.close()
    return Confinement(amounts, [], refused)


class Confinement:
    """Limits for the processes of one run; leaving it kills what is left in its groups and removes them."""

    def __init__(self, amounts: dict[str, float], groups: list[Group], reason: str) -> None:
        """Take groups over.

        Args:
            amounts: what is limited: cores by ``cpu``, bytes by ``memory``.
            groups: that do it; what they do not limit is limited by affinity and rlimit.
            reason: why there is no group for something.
        """
        self._amounts = amounts
        self._groups = {name: group for group in groups for name in group.controllers}
        self._reason = reason
        self._state: tuple[Limit, ...] | None = None
        self._killed_before = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def limits_memory(self) -> bool:
        """True if memory is among what it limits."""
        return "memory" in self._amounts

    def wrap(self, command: Sequence[str]) -> tuple[str, ...]:
        """A command that limits itself, then becomes `command`, whose program must be a path."""
        if not self._amounts:
            return tuple(command)
        cpus, octets = (self._amounts.get(name, 0) for name in ("cpu", "memory"))
        cores = "" if "cpu" in self._groups or not cpus else ":".join(map(str, _first_cores(cpus)))
        private = "" if "memory" in self._groups or not octets else str(int(octets))
        doors = ":".join(dict.fromkeys(group.door for group in self._groups.values()))
        return (sys.executable, "-I", "-S", _ENTER, doors, cores, private, *command)

    def refused(self) -> str:
        """Why no process can join its groups, "" if they can: moving may need more than making."""
        if not self._groups:
            return ""
        doors = ":".join(dict.fromkeys(group.door for group in self._groups.values()))
        trial = (sys.executable, "-I", "-S", _ENTER, doors, "", "", sys.executable, "-I", "-S", "-c", "")
        try:
            done = subprocess.run(trial, capture_output=True, timeout=_TRIAL_S, check=False)
        except subprocess.TimeoutExpired:
            return "joining the control group took too long"
        self._killed_before = self._killed_in_all()  # Python alone may be too large
        said = done.stderr.decode("utf-8", "replace").strip()
        return (
            said.rpartition("diag could not limit the target: ")[2] if done.returncode == 1 and said else ""
        )

    def pids(self) -> set[int]:
        """Living processes in its groups."""
        return {pid for group in set(self._groups.values()) for pid in cgroups.pids_of(group.path)}

    def killed(self) -> int:
        """Processes that the kernel killed for memory so far."""
        return self._killed_in_all() - self._killed_before

    def _killed_in_all(self) -> int:
        group = self._groups.get("memory")
        return group.killed() if group else 0

    def state(self) -> tuple[Limit, ...]:
        """What is in force, and what came of it so far; after `close`, what it was then."""
        return self._state if self._state is not None else tuple(map(self._limit, self._amounts))

    def _limit(self, name: str) -> Limit:
        amount = self._amounts[name]
        is_cpu = name == "cpu"
        group = self._groups.get(name)
        kind = LimitedResource.CPU if is_cpu else LimitedResource.MEMORY
        scaled = round(amount * 1_000) if is_cpu else int(amount)
        if group is None:
            cannot = _affinity_cannot(amount, self._reason) if is_cpu else _rlimit_cannot(self._reason)
            mechanism = "affinity" if is_cpu else "rlimit"
            return Limit(resource=kind, amount=scaled, mechanism=mechanism, cannot=cannot)
        return Limit(
            resource=kind,
            amount=scaled,
            mechanism=f"cgroup v{group.version}",
            peak_bytes=0 if is_cpu else group.peak_bytes(),
            killed=0 if is_cpu else self.killed(),
            held_back_ns=group.held_back_ns() if is_cpu else 0,
        )

    def close(self) -> None:
        """Kill what is left in its groups and remove them; may be called again."""
        if self._state is None:
            self._state = self.state()
        for group in set(self._groups.values()):
            cgroups.remove(group.path)


UNLIMITED = Confinement({}, [], "")
"""What limits nothing."""


def _first_cores(cpus: float) -> list[int]:
    """The generator has the last core."""
    return sorted(os.sched_getaffinity(0))[: math.ceil(cpus)]


def _affinity_cannot(cpus: float, reason: str) -> str:
    whole = math.ceil(cpus)
    more = f"less than {cores_words(whole)} cannot be had so" if cpus < whole else "it cannot move to others"
    return f"There is no control group ({reason}), so the target was pinned to {cores_words(whole)}: {more}."


def _rlimit_cannot(reason: str) -> str:
    return (
        f"There is no control group ({reason}), so each process has the limit for itself, on the private "
        "memory that it reserves (RLIMIT_DATA): more raises MemoryError where a container would kill."
    )
