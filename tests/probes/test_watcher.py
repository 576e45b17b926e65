"""The watcher: what it sees of threads, and what it does not disturb."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy
import pytest
from watched import line_of, watch

from diag.probes.elf import find_runtime
from diag.probes.threads import ThreadProbe
from diag.recording import StackSource, ThreadState

ROOT = Path(__file__).parents[2]


def test_what_a_thread_does_is_told_apart(tmp_path: Path) -> None:
    source = """
    import asyncio, json, re, threading, time

    async def main():
        await asyncio.sleep(0.1)
        with block("waiting"): time.sleep(0.15)
        await asyncio.sleep(0.01)
        with block("running"):
            until = time.thread_time() + 0.15
            while time.thread_time() < until: pass
        await asyncio.sleep(0.01)
        thread = threading.Thread(target=re.match, args=(r"(a?){24}a{24}", "a" * 24))
        thread.start()
        with block("gil-wait"): sum(range(1000))
        thread.join()

    asyncio.run(main())
    print(json.dumps(truth))
    """
    watched = watch(tmp_path, source)
    seen = {
        name: [
            state.state
            for state in watched.seen.states
            if began + 2_000_000 < state.at_ns < ended - 1_000_000
        ]
        for name, began, ended in watched.truth
    }
    for name, state in (("waiting", ThreadState.WAITING), ("running", ThreadState.RUNNING)):
        assert seen[name].count(state) * 2 > len(seen[name]) > 0, name
    waited = [one for one in watched.truth if one[0] == "gil-wait" and one[2] - one[1] > 30_000_000]
    if waited and find_runtime(os.getpid()) is not None:  # the other thread did take the GIL away
        assert seen["gil-wait"].count(ThreadState.GIL_WAIT) * 2 > len(seen["gil-wait"]) > 0


def test_the_interpreters_state_is_found_where_it_lies() -> None:
    """Also where extension modules, which refer to it, are mapped before the interpreter is."""
    assert numpy.__file__
    found = find_runtime(os.getpid())
    assert found is not None, "gil-wait could not be told from other waits"
    assert found.end - found.start > 1000
    maps = Path("/proc/self/maps").read_text().splitlines()
    spans = [tuple(int(part, 16) for part in line.split()[0].split("-")) for line in maps]
    assert any(start <= found.start < end for start, end in spans)


def test_of_a_process_that_is_gone_nothing_is_known() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert find_runtime(child.pid) is None
    assert ThreadProbe(child.pid, child.pid).read() is None
    assert not ThreadProbe.permitted(child.pid)


def test_a_thread_of_ones_own_is_read() -> None:
    probe = ThreadProbe(os.getpid(), threading.get_native_id())
    found = probe.read()
    assert found is not None
    assert isinstance(found["c"], int)
    assert found["c"] > 0


def test_a_sleeping_thread_is_looked_at_without_being_woken(tmp_path: Path) -> None:
    """A signal would end a sleep inside C code early, and a wake-up would show as CPU time."""
    source = """
    import asyncio, json, time

    async def main():
        await asyncio.sleep(0.1)
        with block(): time.sleep(1)  # HERE

    asyncio.run(main())
    print(json.dumps(truth))
    """
    watched = watch(tmp_path, source)
    ((_, began, ended),) = watched.truth
    step = watched.step_around(began, ended)
    stacks = watched.stacks_of(step)
    assert step.cpu_ns is not None
    assert step.cpu_ns < 2_000_000
    times = [step.start_ns, *(stack.sent_ns for stack in stacks), step.end_ns]
    assert max(b - a for a, b in itertools.pairwise(times)) < 150_000_000
    assert set(watched.lines_of(step)) == {line_of(watched.path)}


def test_a_thread_that_moves_is_followed(tmp_path: Path) -> None:
    source = """
    import asyncio, json, time

    async def main():
        await asyncio.sleep(0.1)
        with block():
            time.sleep(0.1)  # FIRST
            for _ in range(5):
                time.sleep(0.02)  # SECOND

    asyncio.run(main())
    print(json.dumps(truth))
    """
    watched = watch(tmp_path, source)
    ((_, began, ended),) = watched.truth
    step = watched.step_around(began, ended)
    first, second = line_of(watched.path, "# FIRST"), line_of(watched.path, "# SECOND")
    middle = began + 100_000_000
    early = [
        n for n, s in zip(watched.lines_of(step), watched.stacks_of(step), strict=True) if s.sent_ns < middle
    ]
    assert set(early) == {first}
    assert second in watched.lines_of(step)


def test_threads_of_a_worker_are_watched_one_by_one(tmp_path: Path) -> None:
    source = """
    import json, threading, time
    from diag.agent import wrap_wsgi

    def app(environ, start_response):
        with block(str(threading.get_native_id())):
            time.sleep(0.06)  # HERE
        return [b""]

    served = wrap_wsgi(app, 4)
    threads = [threading.Thread(target=served, args=({"REMOTE_PORT": "5%d" % n}, None)) for n in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(json.dumps(truth))
    """
    watched = watch(tmp_path, source)
    assert watched.returncode == 0, watched.stderr
    tids = {int(name) for name, _, _ in watched.truth}
    assert {served.tid for served in watched.seen.served} == tids
    assert {served.port for served in watched.seen.served} == {50, 51, 52, 53}
    requests = [step for step in watched.steps if step.port]
    assert len({step.lane_id for step in requests}) == 4
    for step in requests:
        assert line_of(watched.path) in watched.lines_of(step)
    assert {lane.capacity for lane in watched.seen.lanes} == {4}


def test_without_permission_to_look_the_line_is_found_all_the_same(tmp_path: Path) -> None:
    """A target that may not be dumped cannot be read by anyone but root with all capabilities."""
    script = textwrap.dedent(
        """
        import asyncio, ctypes, time
        ctypes.CDLL(None).prctl(4, 0)

        async def main():
            await asyncio.sleep(0.1)
            time.sleep(0.2)

        asyncio.run(main())
        """
    )
    (tmp_path / "script.py").write_text(script)
    code = (
        "import sys; from pathlib import Path; from diag.diagnose import explain\n"
        "from diag.settings import ExplainOptions\n"
        "explain(ExplainOptions(target='script.py', output=Path('run.diag')))"
    )
    prefix = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"] if os.geteuid() == 0 else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*prefix, sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    from diag.store import read_recording

    (run,) = read_recording(tmp_path / "run.diag").runs
    assert "no-ptrace" in {one.slug for one in run.degradations}
    assert not [stack for stack in run.stacks if stack.source is StackSource.PY_SPY]
    lines = [frame.line for s in run.stacks for frame in s.frames if frame.path.endswith("script.py")]
    assert script.split("\n").index("    time.sleep(0.2)") + 1 in lines


@pytest.mark.parametrize("call", ["os._exit(0)", "os.kill(os.getpid(), 9)", "sys.exit()"])
def test_a_process_that_is_gone_is_watched_no_longer(tmp_path: Path, call: str) -> None:
    source = f"""
    import asyncio, os, subprocess, sys, time

    async def main():
        time.sleep(0.02)
        {call}

    if "child" in sys.argv:
        asyncio.run(main())
    for _ in range(2):
        subprocess.run([sys.executable, *sys.orig_argv[1:], "child"])
    async def after():
        await asyncio.sleep(0.3)
        with block(): time.sleep(0.05)
    asyncio.run(after())
    import json
    print(json.dumps(truth))
    """
    watched = watch(tmp_path, source, py_spy=True)
    ((_, began, ended),) = watched.truth
    assert watched.stacks_of(watched.step_around(began, ended))
    assert len({lane.pid for lane in watched.seen.lanes}) == 3
    last = max((s.at_ns for s in watched.seen.states if s.at_ns < began - 100_000_000), default=0)
    assert last < began - 200_000_000, "states of dead processes went on"
