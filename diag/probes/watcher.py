"""The watcher: a process beside the target that wakes up when a loop is late.

It reads the "busy since" words of every process in the spool. While nothing is late it does nothing else.
When a lane has been busy for `FIRST_STACK_NS`, it reads the stack of the lane's thread from the process'
memory, even inside C code that holds the GIL, without stopping or signalling anything, and who holds the GIL;
it looks at what the kernel says of the thread (running, waiting, waiting for the GIL). Where it may not read
memory, it sends SIGURG, and the thread tells its stack itself; where it does not find who holds the GIL, it
asks py-spy now and then.

What it saw goes to ``watch.jsonl`` in the spool, one JSON object a line. It is also the guard: told to
``stop`` on standard input it watches no longer, but it stays; when its standard input closes, because diag
is done or was killed, it kills every process of the run that is left, removes the spool, and ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diag.agent import words as w
from diag.agent.process import lane_base
from diag.limits import clear, members
from diag.probes.pyspy import MAX_DUMPS, PySpy
from diag.probes.remote import Line, RemoteStacks, layout
from diag.probes.threads import ThreadProbe
from diag.probes.words import WordsFile, find_words
from diag.reap import end_all, run_pids

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import TextIOWrapper

POLL_S = 0.0012
SCAN_NS = 4_000_000
"""How often the spool is searched for new processes, and the known ones are seen to be alive."""

FIRST_STACK_NS = 2_000_000
"""A lane is late from here on: blocks of 10 ms leave 8 ms for a stack, if the watcher is late as well."""

LONGEST_PAUSE_NS = 8_000_000
"""Pause between two stacks of one step, below the 10 ms that make a block; it begins at `FIRST_STACK_NS`."""

LONGEST_ASKING_PAUSE_NS = 25_000_000
"""The same where a stack has to be asked for by signal, which disturbs the thread."""

PAUSE_SHARE = 20
"""Of a step this many times longer than that a stack is taken whenever it has grown by the 20th part."""

LOST_SIGNAL_NS = 2_000_000_000
"""A signal that was not answered by then is sent again; C code can keep an answer waiting."""

PY_SPY_AFTER_NS = 2_000_000
"""py-spy is started once a step is this old; it needs another 13 to 40 ms itself. A convoy's steps are hardly
longer: what py-spy then sees is one of the next ones."""

STATE_AFTER_NS = 1_500_000
UNENDED_NS = 100_000_000
"""A step that was under way for this long when its process died is a block; a server that ends itself by a
signal is in a step as well, and takes some 10 ms to be gone."""

GRACE_S = 1.0
"""Between SIGTERM and SIGKILL for what is left of a run whose diag was killed."""


@dataclass(slots=True)
class _LaneWatch:
    """What the watcher remembers of a lane.

    `latest` is since when it was busy at the last look, `since` when it was last found late.
    """

    since: int = 0
    latest: int = 0
    next_stack: int = 0
    pause: int = FIRST_STACK_NS
    probe: ThreadProbe | None = None
    written: dict[str, object] | None = None
    written_at: int = 0

    def wait(self, now: int, longest: int) -> None:
        """The next stack is due after a pause, and the pauses grow."""
        self.next_stack = now + self.pause
        self.pause = max(min(self.pause * 3 // 2, longest), (now - self.since) // PAUSE_SHARE)


@dataclass(slots=True)
class _ProcessWatch:
    """What the watcher remembers of a process."""

    words: WordsFile
    pidfd: int  # -1 where the kernel has none
    lanes: dict[int, _LaneWatch] = field(default_factory=dict)
    remote: RemoteStacks | None = None
    answered: bool = False  # whether its memory may be read

    def alive(self) -> bool:
        """False once the process has ended: its number may then be another's."""
        if self.pidfd < 0:
            return os.path.exists(f"/proc/{self.words.pid}")
        return not select.select([self.pidfd], [], [], 0)[0]


class Watcher:
    """Watches every process that appears in a spool folder."""

    def __init__(
        self, spool: str, *, py_spy: PySpy | None, memory: bool = True, patience_ns: int = 0
    ) -> None:
        """Watch a spool.

        Args:
            spool: the folder.
            py_spy: None leaves py-spy out.
            memory: False has stacks asked for by signal.
            patience_ns: how old a step must be before it is looked at, where shorter ones are of no interest.
        """
        self.memory = memory
        self.state_after = max(STATE_AFTER_NS, patience_ns)
        self.first_stack = max(FIRST_STACK_NS, patience_ns)
        self.py_spy_after = max(PY_SPY_AFTER_NS, patience_ns)
        self.spool = spool
        self.processes: dict[int, _ProcessWatch] = {}
        self.gone: set[int] = set()
        self.next_scan = 0
        self.out: TextIOWrapper = open(  # noqa: SIM115  # closed in `close`
            os.path.join(spool, "watch.jsonl"), "a", buffering=1, encoding="utf-8"
        )
        self.py_spy = py_spy
        self.signal = _ThreadSignal()
        self.frame_ids: dict[Line, int] = {}
        self._unwritten: list[Line] = []

    def write(self, record: dict[str, object]) -> None:
        """Append one line; what finds no room is lost."""
        with contextlib.suppress(OSError):
            self.out.write(json.dumps(record, separators=(",", ":")) + "\n")

    def poll(self, now: int) -> None:
        """Look once at everything."""
        if now >= self.next_scan:
            self.next_scan = now + SCAN_NS
            self._scan(now)
        for process in self.processes.values():
            self._look(process, now)
        if self.py_spy is not None:
            for record in self.py_spy.collect():
                self.write(record)

    def _scan(self, now: int) -> None:
        for pid, path in find_words(self.spool):
            if pid not in self.processes and pid not in self.gone:
                words = WordsFile.open(path)
                if words is not None:
                    self._welcome(pid, words)
            process = self.processes.get(pid)
            if process is not None and not process.answered and process.words.values[w.H_PERMITTED]:
                self._answer(process)
        for pid, process in list(self.processes.items()):
            if not process.alive():
                self._farewell(process, now)
                del self.processes[pid]
                self.gone.add(pid)

    def _welcome(self, pid: int, words: WordsFile) -> None:
        self.processes[pid] = _ProcessWatch(words=words, pidfd=_pidfd(pid))
        words.values[w.H_WATCHED] = os.getpid()

    def _answer(self, process: _ProcessWatch) -> None:
        """Tell a process whether its memory may be read; it has given permission, where that is needed."""
        pid = process.words.pid
        process.answered = True
        process.remote = RemoteStacks.open(pid) if self.memory else None
        process.words.values[w.H_READABLE] = w.READS if process.remote is not None else w.ASKS
        self.write({"k": "process", "pid": pid, "permitted": ThreadProbe.permitted(pid)})
        if self.memory and process.remote is None and layout() is None:
            self.write({"k": "note", "slug": "unknown-layout", "detail": ""})

    def _farewell(self, process: _ProcessWatch, now: int) -> None:
        """Write down the steps that a process never ended."""
        values = process.words.values
        for slot, lane in process.lanes.items():
            in_memory = values[lane_base(slot) + w.L_SINCE_AT]
            since = lane.latest if in_memory else values[lane_base(slot) + w.L_BUSY_SINCE]
            if since and lane.since == since and now - since >= UNENDED_NS:
                self.write({"k": "unended", "pid": process.words.pid, "l": slot, "s": since, "e": now})
        if process.remote is not None:
            process.remote.close()
        if process.pidfd >= 0:
            os.close(process.pidfd)

    def _look(self, process: _ProcessWatch, now: int) -> None:
        values = process.words.values
        for slot in range(process.words.lane_count()):
            lane = process.lanes.get(slot)
            since = _busy_since(process, slot)
            if since is None:
                continue
            if lane is not None:
                lane.latest = since
            if not since or now - since < STATE_AFTER_NS:
                continue
            if lane is None:
                lane = process.lanes[slot] = _LaneWatch(latest=since)
            if lane.since != since:
                lane.since = since
                lane.pause = FIRST_STACK_NS
                lane.next_stack = since + FIRST_STACK_NS
            self._late(process, slot, lane, values[lane_base(slot) + w.L_TID], now)

    def _late(self, process: _ProcessWatch, slot: int, lane: _LaneWatch, tid: int, now: int) -> None:
        pid = process.words.pid
        if lane.probe is None or lane.probe.tid != tid:
            lane.probe = ThreadProbe(pid, tid)
        state = lane.probe.read()
        if now >= lane.next_stack:
            self._stack(process, slot, lane, tid, now, state)
        # A thread that sleeps on says nothing new at each look.
        if state is not None and (state != lane.written or now - lane.written_at > LONGEST_PAUSE_NS):
            lane.written, lane.written_at = state, now
            self.write({"k": "state", "pid": pid, "l": slot, "at": time.monotonic_ns(), **state})
        unseen = process.remote is None or process.remote.gil_holder() is None
        if unseen and self.py_spy is not None and now - lane.since >= PY_SPY_AFTER_NS:
            self.py_spy.ask(pid, tid, slot, now)

    def _stack(
        self,
        process: _ProcessWatch,
        slot: int,
        lane: _LaneWatch,
        tid: int,
        now: int,
        state: Mapping[str, object] | None,
    ) -> None:
        """Read the lane's stack and who holds the GIL, or ask for the stack."""
        values = process.words.values
        if process.remote is not None:
            sent = time.monotonic_ns()
            holder = process.remote.gil_holder()
            mine = values[lane_base(slot) + w.L_STATE]
            lines = process.remote.stack(mine, tid)
            if lines is not None:
                unchanged = holder is not None and holder == process.remote.gil_holder()
                gil: dict[str, object] = {}
                if state is not None and unchanged and holder is not None:
                    gil.update(a=state["s"] == "running", o=holder == mine)
                    other = process.remote.stack_of(holder) if holder not in {0, mine} else None
                    if other is not None:
                        gil["w"] = self._numbered(other)
                self._write_stack(process.words.pid, slot, sent, lines, gil)
                lane.wait(now, LONGEST_PAUSE_NS)
        elif values[w.H_TELLS] and now - values[w.H_ASKED_AT] > LOST_SIGNAL_NS:
            values[w.H_ASKED], values[w.H_ASKED_AT] = slot, now
            self.signal(process.words.pid, process.words.pid)  # whose handlers run in its main thread
            lane.wait(now, LONGEST_ASKING_PAUSE_NS)

    def _write_stack(
        self, pid: int, slot: int, sent: int, lines: tuple[Line, ...], gil: Mapping[str, object]
    ) -> None:
        record: dict[str, object] = {"k": "stack", "pid": pid, "l": slot, "sent": sent}
        record.update(seen=time.monotonic_ns(), f=self._numbered(lines), **gil, new=self._unwritten)
        self._unwritten = []
        self.write(record)

    def _numbered(self, lines: tuple[Line, ...]) -> list[int]:
        """Each line is written once, and numbered; later stacks name the number."""
        known = self.frame_ids
        for line in lines:
            if line not in known:
                known[line] = len(known)
                self._unwritten.append(line)
        return [known[line] for line in lines]

    def close(self) -> None:
        """Write down what is still under way."""
        now = time.monotonic_ns()
        self._scan(now)
        for process in self.processes.values():
            self._farewell(process, now)
        self.processes.clear()
        if self.py_spy is not None:
            for record in self.py_spy.close():
                self.write(record)
        with contextlib.suppress(OSError):
            self.out.close()


def _busy_since(process: _ProcessWatch, slot: int) -> int | None:
    """Since when a lane is busy, 0 while it is idle; None where it cannot be read: the process is ending."""
    values, base = process.words.values, lane_base(slot)
    cell = values[base + w.L_SINCE_AT]
    if not cell:
        return values[base + w.L_BUSY_SINCE]
    return process.remote.integer(cell) if process.remote is not None else None


def _pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


class _ThreadSignal:
    """tgkill(2): the standard library can only signal threads of its own process."""

    def __init__(self) -> None:
        self._tgkill = ctypes.CDLL(None, use_errno=True).tgkill

    def __call__(self, pid: int, tid: int) -> bool:
        return bool(self._tgkill(pid, tid, int(w.STACK_SIGNAL)) == 0)


def _watcher(spool: str, arguments: list[str]) -> Watcher:
    given = dict(one.split("=", 1) for one in arguments if "=" in one)
    dumps = int(given.get("--dumps", MAX_DUMPS))
    return Watcher(
        spool,
        py_spy=None if "--no-py-spy" in arguments else PySpy(dumps=dumps),
        memory="--no-memory" not in arguments,
        patience_ns=int(given.get("--patience-ns", 0)),
    )


def main(arguments: list[str]) -> int:
    """Watch until standard input says so; kill what is left of the run once it closes."""
    spool, run_id = arguments[0], arguments[1]
    failed = False
    try:
        _watch(_watcher(spool, arguments))
    except Exception:  # noqa: BLE001  # a watcher that fails is a guard all the same
        failed = True
        traceback.print_exc()
    _say("stopped")
    while os.read(0, 64):
        pass
    end_all(lambda: run_pids(run_id) | members(run_id), GRACE_S)
    clear(run_id)
    shutil.rmtree(spool, ignore_errors=True)
    return int(failed)


def _watch(watcher: Watcher) -> None:
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)  # where permitted: a late watcher sees less
    _say("watching")
    while not select.select([0], [], [], POLL_S)[0]:
        watcher.poll(time.monotonic_ns())
    watcher.close()


def _say(word: str) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        sys.stdout.write(word + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
