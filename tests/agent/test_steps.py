"""Steps are timed exactly, and the user's line is found while they run."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest
from watched import Watched, line_of, watch

from diag.agent.lane import describe
from diag.recording import LaneKind, Step

RUN = {
    "asyncio": "asyncio.run(main())",
    "uvloop": "import uvloop; uvloop.run(main())",
}
END = "\nprint(json.dumps(truth))\n"
INJECTED = """
import asyncio, json, random, sys, time

async def neighbour():
    while True:
        await asyncio.sleep(0.003)

async def inject(ms):
    with block(str(ms)):
        time.sleep(ms / 1e3)

async def main():
    neighbours = [asyncio.create_task(neighbour()) for _ in range(5)]
    await asyncio.sleep(0.1)
    for ms in random.Random(7).sample([1, 1, 1, 2, 2, 2, 5, 5, 5, 10, 10, 20, 20, 50, 100], 15):
        await asyncio.create_task(inject(ms))
        await asyncio.sleep(0.01)

"""


@pytest.fixture(params=RUN)
def start(request: pytest.FixtureRequest) -> str:
    """How a program's `main` is run."""
    return RUN[request.param]


def test_injected_blocks_are_all_found_and_timed_exactly(tmp_path: Path, start: str) -> None:
    watched = watch(tmp_path, INJECTED, start, END)
    assert len(watched.truth) == 15
    for name, began, ended in watched.truth:
        step = watched.step_around(began, ended)
        allowed = max(200_000, 0.02 * (ended - began)) + (step.run_queue_ns or 0)
        assert abs((step.end_ns - step.start_ns) - (ended - began)) <= allowed, name
        assert step.label == "inject"


def test_no_block_is_invented(tmp_path: Path, start: str) -> None:
    watched = watch(tmp_path, INJECTED, start, END)
    known = [watched.step_around(began, ended) for _, began, ended in watched.truth]
    others = [step for step in watched.steps if step not in known]
    assert [step for step in others if _own_ns(step) >= 5_000_000] == []


def _own_ns(step: Step) -> int:
    return step.end_ns - step.start_ns - (step.run_queue_ns or 0)


def test_the_parts_of_a_step_add_up(tmp_path: Path, start: str) -> None:
    source = """
    import asyncio, json, time

    async def main():
        await asyncio.sleep(0.1)
        with block("computing"):
            until = time.thread_time_ns() + 60_000_000
            while time.thread_time_ns() < until: pass
        await asyncio.sleep(0.01)
        with block("sleeping"):
            time.sleep(0.06)
        await asyncio.sleep(0.01)

    """
    watched = watch(tmp_path, source, start, END)
    computing, sleeping = (watched.step_around(began, ended) for _, began, ended in watched.truth)
    assert computing.cpu_ns is not None
    assert 55_000_000 < computing.cpu_ns < 70_000_000
    assert sleeping.cpu_ns is not None
    assert sleeping.cpu_ns < 10_000_000
    for step in (computing, sleeping):
        assert step.run_queue_ns is not None
        lasted = step.end_ns - step.start_ns + step.gap_ns
        assert step.cpu_ns + step.run_queue_ns <= 1.02 * lasted + 1_000_000  # the clocks tick differently


def test_sums_count_every_step(tmp_path: Path, start: str) -> None:
    source = """
    import asyncio, json, time

    async def main():
        for _ in range(1000):
            await asyncio.sleep(0)
        for _ in range(4):
            time.sleep(0.03)
            await asyncio.sleep(0.02)

    """
    watched = watch(tmp_path, source, start, END)
    (totals,) = watched.seen.totals
    assert totals.steps > 1000
    assert totals.dropped == 0
    slept = 120_000_000 + sum(one.end_ns - one.start_ns for one in watched.seen.canaries)
    assert slept <= totals.busy_ns


KINDS = {
    "time.sleep": "time.sleep(0.03)",
    "lock": "lock.acquire(timeout=0.03)",
    "pure Python": "sum(i * i for i in range(900_000))",
    "json.dumps": "json.dumps(data)",
    "sorted": "sorted(numbers)",
    "regex": "re.match(r'(a?){22}a{22}', 'a' * 22)",
    "numpy product": "array * array * array",
    "numpy matrix product": "square @ square",
    "pbkdf2": "hashlib.pbkdf2_hmac('sha256', b'p', b's', 200_000)",
    "subprocess": "subprocess.run(['sleep', '0.03'])",
}
WORKS = """
import asyncio, hashlib, json, random, re, subprocess, threading, time
import numpy
lock = threading.Lock(); lock.acquire()
data = [{str(i): [i] * 5 for i in range(200)}] * 150
numbers = [random.random() for _ in range(120_000)]
array = numpy.ones(6_000_000)
square = numpy.ones((1300, 1300))

"""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """A program that blocks in every way of `KINDS`, three times each."""
    functions = "".join(
        f"def work_{n}():\n    before = 1\n    {code}  # KIND {n}\n    after = 2\n"
        for n, code in enumerate(KINDS.values())
    )
    main = """
async def main():
    await asyncio.sleep(0.1)
    for turn in range(3):
        for n in range(%d):
            with block(str(n)):
                globals()[f"work_{n}"]()
            await asyncio.sleep(0.005)
asyncio.run(main())
"""
    return watch(tmp_path_factory.mktemp("kinds"), WORKS, functions, main % len(KINDS), END)


@pytest.mark.parametrize("kind", KINDS)
def test_the_line_is_found_whatever_the_thread_does(kinds: Watched, kind: str) -> None:
    number = list(KINDS).index(kind)
    expected = line_of(kinds.path, f"# KIND {number}")
    long = [
        kinds.lines_of(kinds.step_around(began, ended))
        for name, began, ended in kinds.truth
        if name == str(number) and ended - began > 10_000_000
    ]
    assert long, "no block of this kind was long enough to be seen"
    right = [lines for lines in long if lines and lines.count(expected) * 2 > len(lines)]
    assert len(right) == len(long), f"expected line {expected}, saw {long}"


def test_who_waited_behind_a_block_is_named(tmp_path: Path) -> None:
    source = """
    import asyncio, json, time

    async def waits_for_timer():
        await asyncio.sleep(0.2)

    async def waits_for_event(event):
        await event.wait()

    async def main():
        await asyncio.sleep(0.1)  # behind the canary
        event = asyncio.Event()
        tasks = [asyncio.create_task(waits_for_timer()), asyncio.create_task(waits_for_event(event))]
        await asyncio.sleep(0.18)
        event.set()
        with block():
            time.sleep(0.06)
        await asyncio.gather(*tasks)

    asyncio.run(main())
    """
    watched = watch(tmp_path, source, END)
    ((_, began, ended),) = watched.truth
    waiters = {waiter.label: waiter for waiter in watched.step_around(began, ended).waiters}
    assert set(waiters) == {"waits_for_timer", "waits_for_event"}
    timer = waiters["waits_for_timer"]
    assert timer.exact
    assert began < timer.since_ns < ended
    assert not waiters["waits_for_event"].exact


def test_each_way_to_schedule_a_callback_is_timed_once(tmp_path: Path, start: str) -> None:
    source = """
    import asyncio, json, os, time

    def work():
        with block():
            time.sleep(0.005)

    async def main():
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0.1)
        read, write = os.pipe()
        def readable():
            loop.remove_reader(read)
            work()
        def writable():
            loop.remove_writer(write)
            work()
        loop.add_reader(read, readable)
        await asyncio.sleep(0.01)
        loop.add_writer(write, writable)
        await asyncio.sleep(0.05)
        os.write(write, b"x")
        await asyncio.sleep(0.05)
        loop.call_soon(work)
        loop.call_later(0.02, work)
        loop.call_at(loop.time() + 0.04, work)
        await loop.run_in_executor(None, lambda: loop.call_soon_threadsafe(work))
        await asyncio.sleep(0.1)

    """
    watched = watch(tmp_path, source, start, END)
    assert watched.returncode == 0, watched.stderr
    assert len({watched.step_around(began, ended) for _, began, ended in watched.truth}) == 6


def test_who_waited_on_uvloop_is_named_as_well(tmp_path: Path) -> None:
    source = """
    import asyncio, json, time, uvloop

    async def waits(event):
        await event.wait()

    async def main():
        await asyncio.sleep(0.1)
        for _ in range(5):
            event = asyncio.Event()
            task = asyncio.create_task(waits(event))
            await asyncio.sleep(0.01)
            event.set()
            with block():
                time.sleep(0.02)
            await task

    uvloop.run(main())
    """
    watched = watch(tmp_path, source, END)
    for _, began, ended in watched.truth:
        assert "waits" in {waiter.label for waiter in watched.step_around(began, ended).waiters}


def test_the_first_and_only_step_of_a_program_is_seen_and_has_its_canary(tmp_path: Path, start: str) -> None:
    source = """
    import asyncio, json, time

    async def main():
        with block():
            time.sleep(0.05)  # HERE

    """
    watched = watch(tmp_path, source, start, END)
    ((_, began, ended),) = watched.truth
    step = watched.step_around(began, ended)
    assert set(watched.lines_of(step)) == {line_of(watched.path)}
    (canary,) = watched.seen.canaries
    assert canary.end_ns - canary.start_ns >= 50_000_000
    assert any(
        step.start_ns <= canary.start_ns and canary.end_ns <= step.end_ns
        for step in watched.seen.steps
        if "canary" in step.label
    )


def test_a_step_that_an_exception_ends_is_written_down(tmp_path: Path, start: str) -> None:
    source = """
    import asyncio, atexit, json, sys, time

    async def main():
        await asyncio.sleep(0.1)
        with block():
            time.sleep(0.05)
        sys.exit(3)

    atexit.register(lambda: print(json.dumps(truth)))
    """
    watched = watch(tmp_path, source, start)
    assert watched.returncode == 3
    ((_, began, ended),) = watched.truth
    assert watched.step_around(began, ended)


def test_loops_in_several_threads_are_told_apart(tmp_path: Path, start: str) -> None:
    source = """
    import asyncio, json, threading, time

    async def main(ms=0):
        await asyncio.sleep(0.1)
        for _ in range(5):
            with block(str(threading.get_native_id())):
                time.sleep(ms / 1e3)
            await asyncio.sleep(0.004)

    threads = [threading.Thread(target=lambda ms=ms: RUN) for ms in (20, 30, 40)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    """.replace("RUN", start.rpartition("; ")[2].replace("main()", "main(ms)"))
    watched = watch(tmp_path, "import uvloop" if "uvloop" in start else "", source, END)
    assert len(watched.seen.lanes) == 3
    tids = {lane.lane_id: lane.tid for lane in watched.seen.lanes}
    for name, began, ended in watched.truth:
        steps = [s for s in watched.steps if tids[s.lane_id] == int(name)]
        assert [s for s in steps if s.start_ns <= began and s.end_ns >= ended - 1000]


def test_a_thousand_loops_one_after_the_other_share_a_lane(tmp_path: Path, start: str) -> None:
    source = """
    import asyncio, json, threading, time

    async def main(): pass

    for _ in range(300):
        RUN
    def another(): RUN
    for _ in range(300):
        thread = threading.Thread(target=another); thread.start(); thread.join()
    """.replace("RUN", start)
    watched = watch(tmp_path, source, END)
    assert watched.returncode == 0, watched.stderr
    assert watched.slugs == []
    (lane,) = watched.seen.lanes
    assert watched.seen.totals[0].steps >= 600
    assert lane.kind is (LaneKind.UVLOOP if "uvloop" in start else LaneKind.ASYNCIO)


def test_a_loop_run_again_and_a_runner_are_watched(tmp_path: Path) -> None:
    source = """
    import asyncio, json, time

    async def main():
        with block():
            time.sleep(0.02)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.run_until_complete(main())
    loop.call_later(0.05, loop.stop)
    loop.run_forever()
    loop.close()
    with asyncio.Runner() as runner:
        runner.run(main())
        runner.run(main())
    """
    watched = watch(tmp_path, source, END)
    assert watched.returncode == 0, watched.stderr
    assert len({watched.step_around(began, ended) for _, began, ended in watched.truth}) == 4


def test_a_program_that_never_ends_its_step_is_explained(tmp_path: Path) -> None:
    source = """
    import asyncio, os, signal, threading, time

    async def main():
        await asyncio.sleep(0.1)
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
        while True:
            time.sleep(0.001)  # HERE

    asyncio.run(main())
    """
    watched = watch(tmp_path, source)
    (step,) = [step for step in watched.steps if step.label == "(never ended)"]
    assert step.end_ns - step.start_ns > 400_000_000
    assert line_of(watched.path) in watched.lines_of(step)


def test_truth_is_what_the_program_measured(tmp_path: Path) -> None:
    """The tests' own ruler: nothing is read from what the agent wrote."""
    watched = watch(tmp_path, "import json\nwith block('x'): pass\n", END)
    ((name, began, ended),) = watched.truth
    assert name == "x"
    assert began <= ended
    assert json.loads(watched.stdout) == [["x", began, ended]]


def test_an_anyio_task_is_named_for_its_own_coroutine() -> None:
    """Newer versions of anyio await it in a coroutine of their own; a name that was given stays."""
    seen: list[tuple[str, str]] = []

    async def look() -> None:
        seen.append(describe(SimpleNamespace(__self__=asyncio.current_task())))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(look)
            group.start_soon(look, name="mine")

    asyncio.run(main())
    assert all("_run_coro" not in label for label, _ in seen)
    assert seen[0][0].endswith("look")
    assert seen[1][1] == "mine"
