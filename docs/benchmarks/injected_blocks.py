"""Are blocks found, how exactly, and at the right line? Known ones are injected at random times.

    python docs/benchmarks/injected_blocks.py --loop asyncio --repeats 4
    python docs/benchmarks/injected_blocks.py --loop uvloop --busy 4
    python docs/benchmarks/injected_blocks.py --loop gevent

A script with many tasks (or greenlets) blocks its loop now and then, for 1 to 500 ms, in ways that wait, compute in Python,
compute in C while holding the GIL, and compute in C without it; it writes down when, for how long and at
which line. diag runs it as it runs any script. Printed for each duration: blocks injected, blocks found, the
largest error of the duration beyond what is allowed, and how many were seen at the right line. `--busy N`
lets N processes compete for the cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from diag.plan import ScriptPlan
from diag.progress import Silent
from diag.recording import Cell, Machine, Meta, Run, StackSource, Step
from diag.runner import Runner
from diag.store import SCHEMA_VERSION, RecordingWriter, read_recording

SCRIPT = """
import asyncio, hashlib, inspect, json, random, re, socket, subprocess, sys, threading, time, zlib

out, loop_name, repeats, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
chosen = random.Random(seed)
truth = []
left, right = socket.socketpair()
event = threading.Event()
lock = threading.Lock()
data = {str(i): [i] * 5 for i in range(200)}
noise = random.Random(1).randbytes(4_000_000)


def sleep(s):
    time.sleep(s)  # LINE

def wait_event(s):
    event.wait(s)  # LINE

def acquire(s):
    with lock:
        lock.acquire(timeout=s)  # LINE

def receive(s):
    left.settimeout(s)
    try:
        left.recv(1)  # LINE
    except TimeoutError:
        pass

def run_process(s):
    subprocess.run(["sleep", str(s)])  # LINE

def loop_python(n):
    sum(i * i for i in range(n))  # LINE

def deep_python(n):
    def descend(depth):
        return descend(depth - 1) if depth else sum(i for i in range(n))  # LINE
    descend(30)

def dump_json(n):
    json.dumps([data] * n)  # LINE

def backtrack(n):
    re.match(r"(?:a|a)*b" if False else r"(a?){%d}a{%d}" % (n, n), "a" * n)  # LINE

def sort(n):
    sorted(noise[:n])  # LINE

def compress(n):
    zlib.compress(noise[:n], 6)  # LINE

def derive(n):
    hashlib.pbkdf2_hmac("sha256", b"p", b"s", n)  # LINE


WAITING = [sleep, wait_event, acquire, receive, run_process]
# work units that take 1 ms each on this machine, found out before the loop runs
COMPUTING = {}
for function, start in ((loop_python, 5000), (deep_python, 5000), (dump_json, 2), (sort, 20000), (compress, 20000), (derive, 500)):
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        function(start * 8)
        best = min(best, (time.perf_counter() - begin) * 1e3)
    COMPUTING[function] = max(1e-9, start * 8 / best)


def line_of(function):
    lines, first = inspect.getsourcelines(function)
    return first + next(i for i, text in enumerate(lines) if "# LINE" in text)


LINES = {function: line_of(function) for function in [*WAITING, *COMPUTING]}


def inject_now(function, ms):
    argument = ms / 1e3 if function in WAITING else 1 + int(COMPUTING[function] * ms * 1.15)
    begin = time.monotonic_ns()
    function(argument)
    end = time.monotonic_ns()
    truth.append([function.__name__, ms, begin, end, LINES[function]])


async def inject(function, ms):
    inject_now(function, ms)


def planned():
    plan = [(f, ms) for f in [*WAITING, *COMPUTING] for ms in (1, 2, 5, 10, 20, 50, 100, 500) for _ in range(repeats)]
    plan = [(f, ms) for f, ms in plan if not (f is run_process and ms < 10) and not (ms == 500 and chosen.random() < 0.75)]
    chosen.shuffle(plan)
    return plan


async def background(stop):
    while not stop.is_set():
        await asyncio.sleep(chosen.random() * 0.02)


async def main():
    stop = asyncio.Event()
    tasks = [asyncio.create_task(background(stop)) for _ in range(20)]
    await asyncio.sleep(0.3)
    for function, ms in planned():
        await asyncio.create_task(inject(function, ms))
        await asyncio.sleep(0.005 + chosen.random() * 0.03)
    stop.set()
    await asyncio.gather(*tasks)
    json.dump(truth, open(out, "w"))


def on_hub():
    import gevent  # which patches nothing here, so that all that waits blocks

    def background():
        while True:
            gevent.sleep(chosen.random() * 0.02)

    greenlets = [gevent.spawn(background) for _ in range(20)]
    gevent.sleep(0.3)
    for function, ms in planned():
        gevent.spawn(inject_now, function, ms).join()
        gevent.sleep(0.005 + chosen.random() * 0.03)
    gevent.killall(greenlets)
    json.dump(truth, open(out, "w"))


if loop_name == "gevent":
    on_hub()
elif loop_name == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """One injected block: what it was, what it was meant to last (ms), and what it did."""

    kind: str
    ms: int
    start_ns: int
    end_ns: int
    line: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--loop", choices=("asyncio", "uvloop", "gevent"), default="asyncio")
    parser.add_argument("--repeats", type=int, default=4, help="blocks of each kind and duration")
    parser.add_argument("--busy", type=int, default=0, help="processes that compete for the cores")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    competitors = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.busy)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            injected, run, path = record(Path(folder), options.loop, options.repeats, options.seed)
    finally:
        for competitor in competitors:
            competitor.kill()
            competitor.wait()
    report(injected, run, path)


def record(folder: Path, loop: str, repeats: int, seed: int) -> tuple[list[Injected], Run, str]:
    """Run the script under diag; what it injected, and what diag saw."""
    script, truth, recording = folder / "injected.py", folder / "truth.json", folder / "injected.diag"
    script.write_text(SCRIPT)
    plan = ScriptPlan(
        cell=Cell(label="injected", target=str(script)),
        path=str(script),
        args=(str(truth), loop, str(repeats), str(seed)),
        cwd=folder,
        timeout_ns=900_000_000_000,
    )
    machine = Machine(python="", implementation="", platform="", cores=0, memory_bytes=0)
    meta = Meta(
        schema_version=SCHEMA_VERSION,
        diag_version="",
        argv=(),
        target=str(script),
        target_kind="script",
        roots=(str(folder),),
        created_utc="",
        seed=seed,
        threshold_ns=1_000_000,
        machine=machine,
    )
    with RecordingWriter(recording, meta) as writer:
        Runner(writer, Silent()).script(plan)
    rows = json.loads(truth.read_text())
    injected = [Injected(kind=k, ms=ms, start_ns=s, end_ns=e, line=n) for k, ms, s, e, n in rows]
    return injected, read_recording(recording).runs[0], str(script)


def report(injected: list[Injected], run: Run, path: str) -> None:
    """Print one row a duration, then what was missed and what was invented."""
    steps = sorted(run.steps, key=lambda step: step.start_ns)
    starts = [step.start_ns for step in steps]
    used: set[int] = set()
    rows: dict[int, list[tuple[Injected, Step | None, bool]]] = {}
    for one in injected:
        index = bisect_right(starts, one.start_ns) - 1
        step = steps[index] if index >= 0 and steps[index].end_ns >= one.end_ns - 100_000 else None
        if step is not None:
            used.add(index)
        rows.setdefault(one.ms, []).append((one, step, step is not None and seen_at(run, step, path, one.line)))
    print("    ms  injected  found  max error ms  beyond max(0.2 ms, 2 %)  right line")
    for ms, row in sorted(rows.items()):
        errors = [(one, step.end_ns - step.start_ns - (one.end_ns - one.start_ns)) for one, step, _ in row if step]
        beyond = [one for one, error in errors if abs(error) > max(200_000, 0.02 * (one.end_ns - one.start_ns))]
        found, right = len(errors), sum(line for *_, line in row)
        worst = max((abs(error) for _, error in errors), default=0) / 1e6
        print(f"{ms:6}  {len(row):8}  {found:5}  {worst:12.3f}  {len(beyond):23}  {right:4} of {len(row)}")
        for one, step, line in row:
            if ms >= 10 and not line:
                print(f"        {one.kind}: {'line not seen' if step else 'not found'}")
    canary = {id(step) for step in steps if "canary" in step.label}
    invented = [
        step
        for index, step in enumerate(steps)
        if index not in used and id(step) not in canary and own_ns(step) >= 1_000_000
    ]
    print(f"invented: {len(invented)} of 1 ms and longer by their own doing")
    for step in invented[:10]:
        print(f"        {step.label}: {(step.end_ns - step.start_ns) / 1e6:.2f} ms, own {own_ns(step) / 1e6:.2f} ms")


def seen_at(run: Run, step: Step, path: str, line: int) -> bool:
    """True if most stacks taken in the step have their innermost line of the script there.

    One asked for in the last half millisecond may show what comes behind the block in the same step.
    """
    seen = [
        next((frame.line for frame in stack.frames if frame.path == path), 0)
        for stack in run.stacks
        if stack.source is not StackSource.PY_SPY
        and stack.lane_id == step.lane_id
        and step.start_ns <= stack.sent_ns <= stack.seen_ns <= step.end_ns
    ]
    return bool(seen) and seen.count(line) * 2 > len(seen)


def own_ns(step: Step) -> int:
    """The step's duration without the time for which the machine did not run it."""
    return step.end_ns - step.start_ns - (step.run_queue_ns or 0)


if __name__ == "__main__":
    main()
