"""gevent's hub is watched as event loops are: its steps are timed, waiting greenlets are not blocks."""

from __future__ import annotations

from pathlib import Path

import pytest
from watched import RUNNER, Watched, line_of, run, watch

from diag.recording import LaneKind, Step

pytest.importorskip("gevent", exc_type=ImportError)

PATCHED = """
from gevent import monkey
monkey.patch_all()
import gevent, json, random, sys, threading, time
really_sleep = monkey.get_original("time", "sleep")
"""
NEIGHBOURS = """
def neighbour():
    while True:
        time.sleep(0.003)

for _ in range(5):
    gevent.spawn(neighbour)
time.sleep(0.1)
"""
INJECTED = """
def inject(ms):
    with block(str(ms)):
        really_sleep(ms / 1e3)

for ms in random.Random(7).sample([1, 1, 1, 2, 2, 2, 5, 5, 5, 10, 10, 20, 20, 50, 100], 15):
    gevent.spawn(inject, ms).join()
    time.sleep(0.01)
"""
END = "\nprint(json.dumps(truth))\n"


def own_ns(step: Step) -> int:
    return step.end_ns - step.start_ns - (step.run_queue_ns or 0)


def long_steps(watched: Watched, at_least_ns: int = 5_000_000) -> list[Step]:
    return [step for step in watched.steps if own_ns(step) >= at_least_ns]


def test_injected_blocks_are_all_found_and_timed_exactly_and_none_is_invented(tmp_path: Path) -> None:
    watched = watch(tmp_path, PATCHED, NEIGHBOURS, INJECTED, END)
    assert watched.stderr == ""
    assert [lane.kind for lane in watched.seen.lanes] == [LaneKind.GEVENT]
    assert len(watched.truth) == 15
    known = [watched.step_around(began, ended) for _, began, ended in watched.truth]
    for step, (name, began, ended) in zip(known, watched.truth, strict=True):
        allowed = max(200_000, 0.02 * (ended - began)) + (step.run_queue_ns or 0)
        assert abs((step.end_ns - step.start_ns) - (ended - began)) <= allowed, name
        assert step.label == "inject"
    assert [step for step in long_steps(watched) if step not in known] == []


def test_the_canary_is_found_at_its_line(tmp_path: Path) -> None:
    watched = watch(tmp_path, PATCHED, NEIGHBOURS)
    (canary,) = watched.seen.canaries
    (step,) = [one for one in watched.seen.steps if "canary" in one.label]
    assert step.start_ns <= canary.start_ns
    assert canary.end_ns <= step.end_ns
    assert canary.end_ns - canary.start_ns >= 50_000_000  # it blocks, whatever was patched
    stacks = watched.stacks_of(step)
    assert any(f.path == canary.path and f.line == canary.line for one in stacks for f in one.frames)


def test_where_memory_may_not_be_read_the_main_thread_tells_its_greenlets_stack(tmp_path: Path) -> None:
    source = """
def hold():
    with block():
        sum(i * i for i in range(1_500_000))  # HERE

gevent.spawn(hold).join()
time.sleep(0.01)
"""
    watched = watch(tmp_path, PATCHED, NEIGHBOURS, source, END, memory=False)
    assert watched.slugs == []
    ((_, began, ended),) = watched.truth
    assert line_of(watched.path) in watched.lines_of(watched.step_around(began, ended))


HOLDING = {
    "a C call that was not patched": "really_sleep(0.03)",
    "computing": "sum(i * i for i in range(900_000))",
    "C code that holds the GIL": "sorted(numbers)",
    "a thread's lock": "really_lock.acquire(timeout=0.03)",
}


@pytest.mark.parametrize("kind", HOLDING)
def test_the_line_that_holds_the_hub_is_seen(tmp_path: Path, kind: str) -> None:
    source = f"""
really_lock = monkey.get_original("threading", "Lock")()
really_lock.acquire()
numbers = random.Random(0).sample(range(200_000), 200_000)

def hold():
    with block():
        {HOLDING[kind]}  # HERE

for _ in range(3):
    gevent.spawn(hold).join()
    time.sleep(0.01)
"""
    watched = watch(tmp_path, PATCHED, NEIGHBOURS, source, END)
    for _, began, ended in watched.truth:
        lines = watched.lines_of(watched.step_around(began, ended))
        assert lines
        assert lines.count(line_of(watched.path)) * 2 > len(lines)


@pytest.mark.parametrize(
    "wait",
    [
        "time.sleep(0.03)",
        "gevent.sleep(0.03)",
        "threading.Event().wait(0.03)",
        "left.recv(1)",
        "subprocess.run(['sleep', '0.03'])",
        "gevent.get_hub().threadpool.apply(really_sleep, (0.03,))",
    ],
)
def test_a_greenlet_that_waits_holds_nobody(tmp_path: Path, wait: str) -> None:
    source = f"""
import socket, subprocess

def feed(right):
    while True:
        time.sleep(0.02)
        try:
            right.send(b"x")
        except OSError:
            return

def work():
    left, right = socket.socketpair()
    gevent.spawn(feed, right)
    for _ in range(3):
        {wait}

gevent.joinall([gevent.spawn(work) for _ in range(2)])
"""
    watched = watch(tmp_path, PATCHED, NEIGHBOURS, source)
    assert watched.stderr == ""
    assert len(watched.seen.canaries) == 1
    assert [step.label for step in long_steps(watched, 15_000_000)] == []


def test_who_was_ready_meanwhile_has_waited(tmp_path: Path) -> None:
    source = """
def hold():
    with block(): really_sleep(0.04)

gevent.spawn(hold).join()
time.sleep(0.02)
"""
    watched = watch(tmp_path, PATCHED, NEIGHBOURS, source, END)
    ((_, began, ended),) = watched.truth
    waiters = watched.step_around(began, ended).waiters
    assert [waiter.label for waiter in waiters].count("neighbour") == 5


def test_what_the_hub_runs_itself_and_what_the_main_greenlet_runs_are_steps_too(tmp_path: Path) -> None:
    source = """
def called():
    with block("hub_callbacks"): really_sleep(0.02)

timer = gevent.get_hub().loop.timer(0.01)
timer.start(called)
time.sleep(0.03)
with block("main_greenlet"): really_sleep(0.02)
time.sleep(0.01)
"""
    watched = watch(tmp_path, PATCHED, source, END)
    for name, began, ended in watched.truth:
        assert watched.step_around(began, ended).label == name


def test_what_the_program_does_after_its_last_switch_is_not_a_step(tmp_path: Path) -> None:
    source = """
gevent.spawn(time.sleep, 0.01).join()
really_sleep(0.15)
"""
    watched = watch(tmp_path, PATCHED, source)
    assert long_steps(watched) == []
    assert len(watched.seen.canaries) == 1


def test_a_step_ends_where_the_next_request_begins(tmp_path: Path) -> None:
    source = """
from diag.agent import wrap_wsgi

def app(environ, start_response):
    with block(environ["REMOTE_PORT"]): really_sleep(float(environ["HOLD"]))
    gevent.spawn(late, environ["REMOTE_PORT"])
    return []

def late(port):
    with block(port): really_sleep(0.01)

watched = wrap_wsgi(app, 1)

def connection():  # requests that come one behind the other need no switch in between
    for port, hold in (("4001", "0.01"), ("4002", "0.02"), ("4003", "0.03")):
        watched({"REMOTE_PORT": port, "HOLD": hold}, None)
        if port == "4002":
            time.sleep(0.05)

gevent.spawn(connection).join()
time.sleep(0.02)
"""
    watched = watch(tmp_path, PATCHED, NEIGHBOURS, source, END)
    assert len(watched.truth) == 6
    for port, began, ended in watched.truth[:2]:
        assert watched.step_around(began, ended).port == int(port)
    ports = [(name, watched.step_around(began, ended).port) for name, began, ended in watched.truth[4:]]
    assert ports == [("4003", 4003)] * 2
    assert {lane.kind for lane in watched.seen.lanes} == {LaneKind.GEVENT}


def test_a_hub_in_a_second_thread_has_a_lane_of_its_own(tmp_path: Path) -> None:
    source = """
import gevent, json, threading, time

def work():
    gevent.sleep(0.01)
    def hold():
        with block(): time.sleep(0.03)
    gevent.spawn(hold).join()
    gevent.sleep(0.01)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    watched = watch(tmp_path, source, END)
    (lane,) = watched.seen.lanes
    assert lane.tid != lane.pid
    ((_, began, ended),) = watched.truth
    assert watched.step_around(began, ended).label == "work.<locals>.hold"


def test_a_forked_child_is_watched_anew_and_the_parent_still(tmp_path: Path) -> None:
    source = """
import os
child = gevent.os.fork()
name = "parent" if child else "child"

def hold():
    really_sleep(0.03)

time.sleep(0.1)
hold.__qualname__ = name
gevent.spawn(hold).join()
time.sleep(0.05)
if not child:
    os._exit(0)
os.waitpid(child, 0)
"""
    watched = watch(tmp_path, PATCHED, "import gevent.os", NEIGHBOURS, source)
    pids = {lane.lane_id: lane.pid for lane in watched.seen.lanes}
    found = {step.label: pids[step.lane_id] for step in long_steps(watched, 20_000_000)}
    assert set(found) == {"parent", "child"}
    assert found["parent"] != found["child"]


def test_a_tracer_of_the_targets_own_goes_on_and_one_that_comes_later_is_told_of(tmp_path: Path) -> None:
    source = """
import greenlet
seen = []
greenlet.settrace(lambda event, _: seen.append(event))
gevent.sleep(0.01)
assert seen, "the target's tracer was silenced"
def theirs(*_): pass
{later}
time.sleep(0.01)
hub = gevent.spawn(really_sleep, 0.03)
hub.join()
time.sleep(0.01)
"""
    kept = watch(tmp_path, PATCHED, source.format(later=""))
    assert (kept.stderr, kept.slugs) == ("", [])
    taken = watch(tmp_path, PATCHED, source.format(later="greenlet.settrace(theirs)"))
    assert (taken.stderr, taken.slugs) == ("", ["tracer-taken"])
    (step,) = long_steps(taken, 20_000_000)  # the pass of the hub, at least
    assert step.label == "hub_callbacks"


def test_a_program_runs_as_without_the_agent(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("""
from gevent import monkey
monkey.patch_all()
import gevent, sys, threading, time, warnings
import greenlet

def fail():
    time.sleep(0.01)
    raise ValueError("no")

failing = gevent.spawn(fail)
failing.join()
print(type(failing.exception), gevent.spawn(lambda: 3).get(), threading.Lock, time.sleep)
killed = gevent.spawn(time.sleep, 60)
time.sleep(0)
killed.kill()
print(killed.dead, isinstance(killed.value, greenlet.GreenletExit))
try:
    gevent.wait()
    gevent.get_hub().switch()
except gevent.exceptions.LoopExit:
    print("the loop is not kept alive")
thread = threading.Thread(target=gevent.sleep, args=(0.01,))
thread.start()
thread.join()
print(thread.is_alive())
gevent.get_hub().destroy()
gevent.sleep(0.001)
sys.exit(3)
""")
    plain = run(["program.py"], tmp_path, {})
    watched = run([RUNNER, "program.py"], tmp_path, {"DIAG_SPOOL": str(tmp_path)})
    assert plain.returncode == watched.returncode == 3
    assert _without_addresses(watched.stdout) == _without_addresses(plain.stdout)
    assert "the loop is not kept alive" in watched.stdout
    assert watched.stderr.count("\n") == plain.stderr.count("\n")


def _without_addresses(text: str) -> list[str]:
    return [word for word in text.split() if not word.startswith("0x")]


def test_uninstalling_leaves_nothing_behind(tmp_path: Path) -> None:
    ask = """
import gevent, gevent.hub, greenlet, sys
before = gevent.hub.Hub.run, greenlet.gettrace(), list(sys.meta_path)
import diag.agent
for turn in range(2):
    assert diag.agent.install()
    assert gevent.hub.Hub.run is not before[0]
    gevent.sleep(0.01)
    if turn:
        assert greenlet.gettrace() is not None  # a hub that runs already is watched at once
    diag.agent.uninstall()
    assert (gevent.hub.Hub.run, greenlet.gettrace(), list(sys.meta_path)) == before, turn
    gevent.sleep(0.01)
"""
    root = str(Path(RUNNER).parents[2])
    done = run(["-c", ask], tmp_path, {"PYTHONPATH": root, "DIAG_SPOOL": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")
