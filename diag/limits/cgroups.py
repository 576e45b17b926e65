"""Control groups: where one can be made, what they are told, what they tell.

A group is made below the one that diag itself is in, so that the limits on diag hold for it as well. With
version 2 that is often impossible (a group that holds processes may not have limited groups in it); then it
is made below the nearest ancestor that hands its controllers on. A run's groups have its id in their name, by
which the guard finds them. Sources: cgroups(7), Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PERIOD_US = 100_000
"""Of a CPU quota: Docker's, and the kernel's default."""

_PREFIX = "diag-"
_REMOVAL_PATIENCE_S = 2.0
_POLL_S = 0.01
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """One mounted tree of groups.

    Attributes:
        version: 1 or 2.
        controllers: of version 1, what it controls; version 2 tells it group by group.
        top: where it is mounted.
        own: the group that this process is in.
    """

    version: int
    controllers: frozenset[str]
    top: Path
    own: Path

    def parents(self, wanted: frozenset[str]) -> Iterator[Path]:
        """Groups below which one with these controllers may be made, the nearest first."""
        if self.version == 1:
            if wanted <= self.controllers:
                yield self.own
            return
        for place in (self.own, *self.own.parents):
            if wanted <= set(_text(place / "cgroup.subtree_control").split()):
                yield place
            if place == self.top:
                return


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group that diag made.

    Attributes:
        path: its folder.
        version: 1 or 2.
        controllers: what it limits.
    """

    path: Path
    version: int
    controllers: frozenset[str]

    @property
    def door(self) -> str:
        """The file that a process writes itself into."""
        return str(self.path / "cgroup.procs")

    def killed(self) -> int:
        """Processes that the kernel killed for memory."""
        return _field(
            self.path / ("memory.events" if self.version == 2 else "memory.oom_control"), "oom_kill"
        )

    def peak_bytes(self) -> int:
        """Most memory in use at once, 0 where the kernel does not tell (version 2 before Linux 5.19)."""
        return _number(self.path / ("memory.peak" if self.version == 2 else "memory.max_usage_in_bytes"))

    def held_back_ns(self) -> int:
        """How long its processes were kept from running, their CPU quota being used up."""
        stat = self.path / "cpu.stat"
        return _field(stat, "throttled_usec") * 1_000 if self.version == 2 else _field(stat, "throttled_time")


def hierarchies(proc: Path = Path("/proc/self")) -> list[Hierarchy]:
    """Every mounted tree of groups, version 2 first."""
    own: dict[str, str] = {}
    for line in _text(proc / "cgroup").splitlines():
        _, names, path = line.split(":", 2)
        own |= dict.fromkeys(names.split(","), path)
    found = []
    for line in _text(proc / "mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        root, mount = (_unescaped(text) for text in before.split()[3:5])
        kind, _, options = (*after.split(), "", "")[:3]
        if kind not in ("cgroup", "cgroup2"):
            continue
        controllers = frozenset(options.split(",")) & own.keys() if kind == "cgroup" else frozenset()
        path = own.get(next(iter(controllers), ""), "/")
        below = os.path.relpath(path, root) if path.startswith(root) else "."  # else it is not in this mount
        top = Path(mount)
        found.append(
            Hierarchy(
                version=1 if kind == "cgroup" else 2,
                controllers=controllers,
                top=top,
                own=Path(os.path.normpath(top / below)),
            )
        )
    return sorted(found, key=lambda one: -one.version)


def make(
    run_id: str, amounts: Mapping[str, float], trees: Sequence[Hierarchy] | None = None
) -> tuple[list[Group], str]:
    """Make groups that limit as many of some resources as they can.

    Args:
        run_id: of the run, in the groups' names.
        amounts: cores by ``cpu``, bytes by ``memory``.
        trees: those that are mounted, unless given.

    Returns:
        The groups, and why there are none for the resources that are left, "" if none is left.
    """
    left = dict(amounts)
    groups: list[Group] = []
    reason = "no control group with these controllers is mounted"
    for tree in hierarchies() if trees is None else trees:
        subsets = (
            [frozenset(left), *(frozenset((name,)) for name in left)] if len(left) > 1 else [frozenset(left)]
        )
        for wanted in subsets:
            # A process can be in one group of a tree only.
            if not wanted or not wanted <= left.keys() or any(tree.top in one.path.parents for one in groups):
                continue
            for parent in tree.parents(wanted):
                try:
                    groups.append(_made(parent / (_PREFIX + run_id), tree.version, wanted, amounts))
                except OSError as error:
                    reason = f"{error.filename or parent}: {error.strerror}"
                    continue
                left = {name: amount for name, amount in left.items() if name not in wanted}
                break
    return groups, reason if left else ""


def _made(path: Path, version: int, wanted: frozenset[str], amounts: Mapping[str, float]) -> Group:
    path.mkdir()
    try:
        for name in sorted(wanted):
            for file, value, needed in _settings(name, version, amounts[name]):
                if needed or (path / file).exists():
                    (path / file).write_text(str(value), encoding="ascii")
    except OSError:
        path.rmdir()
        raise
    return Group(path=path, version=version, controllers=wanted)


def _settings(name: str, version: int, amount: float) -> list[tuple[str, object, bool]]:
    """Files of a group, what goes into them, whether they must be there; swap is as with Docker."""
    octets, quota = int(amount), max(1_000, round(amount * PERIOD_US))
    settings: dict[tuple[str, int], list[tuple[str, object, bool]]] = {
        ("cpu", 2): [("cpu.max", f"{quota} {PERIOD_US}", True)],
        ("cpu", 1): [("cpu.cfs_period_us", PERIOD_US, True), ("cpu.cfs_quota_us", quota, True)],
        ("memory", 2): [("memory.max", octets, True), ("memory.swap.max", octets, False)],
        ("memory", 1): [
            ("memory.limit_in_bytes", octets, True),
            ("memory.memsw.limit_in_bytes", 2 * octets, False),
        ],
    }
    return settings[name, version]


def members(run_id: str) -> set[int]:
    """Living processes in the groups of a run, whatever they did to their environment."""
    return {pid for path in _paths(run_id) for pid in pids_of(path)}


def clear(run_id: str) -> None:
    """Kill what is left in the groups of a run, and remove them."""
    for path in _paths(run_id):
        remove(path)


def remove(path: Path) -> bool:
    """Kill what is left in a group, and remove it with the groups in it; True if it is gone."""
    deadline = time.monotonic() + _REMOVAL_PATIENCE_S
    while True:
        for pid in pids_of(path):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            for folder, _, _ in os.walk(path, topdown=False):
                os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:  # a process in it is still dying
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
            continue
        return True


def sweep() -> None:
    """Remove empty groups of diags that were killed together with their guard."""
    for place in _places():
        for path in place.glob(f"{_PREFIX}*-*"):
            owner = path.name.removeprefix(_PREFIX).partition("-")[0]
            if owner.isdigit() and not os.path.exists(f"/proc/{owner}") and not pids_of(path):
                with contextlib.suppress(OSError):
                    path.rmdir()


def _places() -> Iterator[Path]:
    """Where a group of this process' may be."""
    for tree in hierarchies():
        for place in (tree.own, *tree.own.parents):
            yield place
            if place == tree.top:
                break


def _paths(run_id: str) -> list[Path]:
    return [path for place in _places() if (path := place / (_PREFIX + run_id)).is_dir()]


def pids_of(path: Path) -> set[int]:
    """Living processes in a group and the groups in it."""
    found: set[int] = set()
    for folder, _, _ in os.walk(path):
        found |= {int(word) for word in _text(Path(folder) / "cgroup.procs").split() if word.isdigit()}
    return found - {0, os.getpid()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _text(path).strip()
    return int(text) if text.isdigit() else 0


def _field(path: Path, name: str) -> int:
    """The number on the line of a file that begins with a name."""
    for line in _text(path).splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == name and words[1].isdigit():
            return int(words[1])
    return 0


def _unescaped(text: str) -> str:
    """A path as /proc/PID/mountinfo has it: spaces and the like are octal."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
