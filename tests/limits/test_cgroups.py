"""Groups are found, made and removed: on this machine's own tree, and on version 2 as its documentation has it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from diag.limits import cgroups
from diag.limits.cgroups import Group, Hierarchy


def proc(folder: Path, *, cgroup: str, mountinfo: str) -> Path:
    """What /proc/self would say."""
    folder.mkdir(exist_ok=True)
    (folder / "cgroup").write_text(cgroup)
    (folder / "mountinfo").write_text(mountinfo)
    return folder


def version_2(top: Path, *groups: tuple[str, str]) -> Path:
    """A folder that looks like a tree of version 2: groups with the controllers that they hand on."""
    for name, controllers in groups:
        (top / name).mkdir(parents=True, exist_ok=True)
        (top / name / "cgroup.subtree_control").write_text(controllers)
    return top


def test_both_versions_are_found_with_this_process_own_group(tmp_path: Path) -> None:
    """A hybrid tree; a path with a space is escaped in mountinfo."""
    found = cgroups.hierarchies(
        proc(
            tmp_path / "proc",
            cgroup="4:memory:/box/one\n3:cpu,cpuacct:/\n1:name=systemd:/\n0::/user.slice/a.scope\n",
            mountinfo=(
                "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
                "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                "35 31 0:32 /box /sys/fs/my\\040memory rw - cgroup cgroup rw,memory\n"
                "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
            ),
        )
    )
    own = {tuple(sorted(one.controllers)): str(one.own) for one in found}
    assert [one.version for one in found] == [2, 1, 1]
    assert own == {
        (): "/sys/fs/cgroup/unified/user.slice/a.scope",
        ("cpu", "cpuacct"): "/sys/fs/cgroup/cpu,cpuacct",
        ("memory",): "/sys/fs/my memory/one",
    }


def test_a_group_of_version_2_is_made_below_the_nearest_that_hands_its_controllers_on(tmp_path: Path) -> None:
    top = version_2(
        tmp_path / "top",
        ("", "cpu memory"),
        ("app.slice", "cpu memory pids"),
        ("app.slice/terminal.scope", ""),
    )
    tree = Hierarchy(version=2, controllers=frozenset(), top=top, own=top / "app.slice/terminal.scope")
    (group,), reason = cgroups.make("12-ab", {"cpu": 0.5, "memory": 100 << 20}, [tree])
    assert (group.path, reason) == (top / "app.slice/diag-12-ab", "")
    assert (group.path / "cpu.max").read_text() == "50000 100000"
    assert (group.path / "memory.max").read_text() == str(100 << 20)
    assert not (group.path / "memory.swap.max").exists()  # a kernel without swap accounting has no such file


def test_what_no_group_can_limit_is_left_with_the_reason(tmp_path: Path) -> None:
    """Only memory is handed on; what is left is for affinity."""
    top = version_2(tmp_path / "top", ("", "memory"))
    tree = Hierarchy(version=2, controllers=frozenset(), top=top, own=top)
    (group,), reason = cgroups.make("12-ab", {"cpu": 1, "memory": 1 << 30}, [tree])
    assert group.controllers == {"memory"}
    assert reason == "no control group with these controllers is mounted"


def test_a_group_that_cannot_be_told_its_limit_is_not_left_behind(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "diag-12-ab").touch()  # in the place of the group
    tree = Hierarchy(version=1, controllers=frozenset({"cpu"}), top=tmp_path, own=own)
    groups, reason = cgroups.make("12-ab", {"cpu": 1}, [tree])
    assert groups == []
    assert reason == f"{own / 'diag-12-ab'}: File exists"


def test_figures_are_read_from_either_version(tmp_path: Path) -> None:
    (tmp_path / "memory.events").write_text("low 0\noom 3\noom_kill 2\noom_group_kill 0\n")
    (tmp_path / "memory.peak").write_text("1048576\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 9\nthrottled_usec 7\nthrottled_time 8\n")
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    (tmp_path / "memory.max_usage_in_bytes").write_text("4096\n")
    both = frozenset({"cpu", "memory"})
    second = Group(path=tmp_path, version=2, controllers=both)
    first = Group(path=tmp_path, version=1, controllers=both)
    assert (second.killed(), second.peak_bytes(), second.held_back_ns()) == (2, 1 << 20, 7_000)
    assert (first.killed(), first.peak_bytes(), first.held_back_ns()) == (1, 4_096, 8)
    assert Group(path=tmp_path / "gone", version=2, controllers=both).peak_bytes() == 0


@pytest.fixture
def real_group() -> Group:
    """One of this machine's; where none can be made, nothing of this can be seen."""
    run_id = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    groups, reason = cgroups.make(run_id, {"memory": 200 << 20})
    if not groups:
        pytest.skip(f"no control group can be made here: {reason}")
    return groups[0]


def test_removing_a_group_kills_who_is_in_it_and_the_groups_in_it(real_group: Group) -> None:
    inner = real_group.path / "inner"
    inner.mkdir()
    join = "import sys, time; open(sys.argv[1], 'w').write('0'); print(flush=True); time.sleep(600)"
    command = [sys.executable, "-c", join, str(inner / "cgroup.procs")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={}) as child:
        assert child.stdout is not None
        child.stdout.readline()
        run_id = real_group.path.name.removeprefix("diag-")
        assert cgroups.members(run_id) == {child.pid}
        cgroups.clear(run_id)
        assert child.wait(10) == -9
    assert not real_group.path.exists()
    cgroups.clear(run_id)  # nothing is left to do


def test_groups_of_diags_that_are_gone_are_swept_away(real_group: Group) -> None:
    """A killed diag whose guard was killed as well; one that still runs keeps its own."""
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    stale = real_group.path.with_name(f"diag-{gone.pid}-0123abcd")
    stale.mkdir()
    try:
        cgroups.sweep()
        assert not stale.exists()
        assert real_group.path.exists()
    finally:
        cgroups.remove(stale)
        cgroups.remove(real_group.path)
