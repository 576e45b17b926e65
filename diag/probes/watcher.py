"""The watcher: a process beside the target that wakes up when a loop is late.

It reads the "busy since" words of every process in the spool. While nothing is late it does nothing else.
When a lane has been busy for `FIRST_SIGNAL_NS`, it sends SIGURG to the lane's thread, whose stack
`faulthandler` then writes at once, even inside C code that holds the GIL; it looks at what the kernel says
of the thread (running, waiting, waiting for the GIL); and it asks py-spy, now and then, who owns the GIL.

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
from diag.probes.pyspy import PySpy
from diag.probes.threads import ThreadProbe, runtime_of
from diag.probes.words import WordsFile, find_words
from diag.reap import kill_run

if TYPE_CHECKING:
    from io import TextIOWrapper

POLL_S = 0.0012
SCAN_NS = 4_000_000
"""How often the spool is searched for new processes, and the known ones are seen to be alive."""

FIRST_SIGNAL_NS = 3_000_000
"""A lane is late from here on: blocks of 10 ms leave 7 ms for the signal to arrive."""

LONGEST_PAUSE_NS = 25_000_000
"""Pause between two stacks of one step; it starts at `FIRST_SIGNAL_NS` and doubles up to this."""

PAUSE_SHARE = 20
"""Of a step this many times longer than that a stack is taken whenever it has grown by the 20th part."""

STILL_PAUSE_NS = 250_000_000
"""Pause between two stacks of a thread that has not moved: a signal ends a sleep inside C code early."""

SETTLE_NS = 1_000_000
"""A stack file that has not grown for this long holds the whole stack."""

LOST_SIGNAL_NS = 2_000_000_000
PY_SPY_AFTER_NS = 4_000_000
"""py-spy is started once a step is this old; it needs another 13 to 40 ms itself."""

STATE_AFTER_NS = 1_500_000
UNENDED_NS = 100_000_000
"""A step that was under way for this long when its process died is a block; a server that ends itself by a
signal is in a step as well, and takes some 10 ms to be gone."""

GRACE_S = 1.0
"""Between SIGTERM and SIGKILL for what is left of a run whose diag was killed."""


@dataclass(slots=True)
class _LaneWatch:
    """What the watcher remembers of a lane."""

    since: int = 0
    next_signal: int = 0
    pause: int = FIRST_SIGNAL_NS
    turns_before: int = -1  # of the thread, when the last signal went out
    waited: bool = False  # the thread, at that time
    signalled_at: int = 0
    stack_from: int = -1  # where the stack of the last signal begins, once it has been seen
    probe: ThreadProbe | None = None
    written: dict[str, object] | None = None
    written_at: int = 0

    def wait(self, now: int) -> None:
        """The next stack is due after a pause, and the pauses grow."""
        self.next_signal = now + self.pause
        self.pause = max(min(self.pause * 2, LONGEST_PAUSE_NS), (now - self.since) // PAUSE_SHARE)


@dataclass(slots=True)
class _ProcessWatch:
    """What the watcher remembers of a process."""

    words: WordsFile
    pidfd: int  # -1 where the kernel has none
    lanes: dict[int, _LaneWatch] = field(default_factory=dict)
    sent: int = 0  # when the signal went out whose stack has not been seen; 0 if there is none
    sent_lane: int = 0
    sent_tid: int = 0
    size: int = 0  # of the stack file before it
    grown: int = 0
    grown_at: int = 0

    def alive(self) -> bool:
        """False once the process has ended: its number may then be another's."""
        if self.pidfd < 0:
            return os.path.exists(f"/proc/{self.words.pid}")
        return not select.select([self.pidfd], [], [], 0)[0]


class Watcher:
    """Watches every process that appears in a spool folder."""

    def __init__(self, spool: str, *, py_spy: PySpy | None) -> None:
        self.spool = spool
        self.processes: dict[int, _ProcessWatch] = {}
        self.gone: set[int] = set()
        self.next_scan = 0
        self.out: TextIOWrapper = open(  # noqa: SIM115  # closed in `close`
            os.path.join(spool, "watch.jsonl"), "a", buffering=1, encoding="utf-8"
        )
        self.py_spy = py_spy
        self.signal = _ThreadSignal()

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
            if process.sent:
                self._await_stack(process, now)
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
        for pid, process in list(self.processes.items()):
            if not process.alive():
                self._farewell(process, now)
                del self.processes[pid]
                self.gone.add(pid)

    def _welcome(self, pid: int, words: WordsFile) -> None:
        self.processes[pid] = _ProcessWatch(words=words, pidfd=_pidfd(pid))
        words.values[w.H_WATCHED] = 1
        self.write({"k": "process", "pid": pid, "permitted": ThreadProbe.permitted(pid)})
        runtime_of(pid)  # now, so that the first late lane does not wait for it

    def _farewell(self, process: _ProcessWatch, now: int) -> None:
        """Write down the steps that a process never ended."""
        if process.sent and process.words.stack_bytes() > process.size:
            self._stack_sent(process, now)
        values = process.words.values
        for slot, lane in process.lanes.items():
            since = values[lane_base(slot) + w.L_BUSY_SINCE]
            if since and lane.since == since and now - since >= UNENDED_NS:
                self.write({"k": "unended", "pid": process.words.pid, "l": slot, "s": since, "e": now})
        if process.pidfd >= 0:
            os.close(process.pidfd)

    def _look(self, process: _ProcessWatch, now: int) -> None:
        values = process.words.values
        for slot in range(process.words.lane_count()):
            base = lane_base(slot)
            since = values[base + w.L_BUSY_SINCE]
            if not since or now - since < STATE_AFTER_NS:
                continue
            lane = process.lanes.get(slot)
            if lane is None:
                lane = process.lanes[slot] = _LaneWatch()
            if lane.since != since:
                lane.since = since
                lane.pause = FIRST_SIGNAL_NS
                lane.turns_before = lane.stack_from = -1
                lane.next_signal = since + FIRST_SIGNAL_NS
            self._late(process, slot, lane, values[base + w.L_TID], now)

    def _late(self, process: _ProcessWatch, slot: int, lane: _LaneWatch, tid: int, now: int) -> None:
        pid = process.words.pid
        if lane.probe is None or lane.probe.tid != tid:
            lane.probe = ThreadProbe(pid, tid)
        due = now >= lane.next_signal and not process.sent and process.words.stacks_ok()
        state = lane.probe.read()
        waits = state is not None and state["s"] == "waiting"
        if due and waits and self._still(lane, now):
            self._repeat(process, slot, lane, now)
        elif due:
            lane.waited = waits
            self._signal(process, slot, lane, tid, now)
        # A thread that sleeps on says nothing new at each look.
        if state is not None and (state != lane.written or now - lane.written_at > LONGEST_PAUSE_NS):
            lane.written, lane.written_at = state, now
            self.write({"k": "state", "pid": pid, "l": slot, "at": time.monotonic_ns(), **state})
        if self.py_spy is not None and now - lane.since >= PY_SPY_AFTER_NS:
            self.py_spy.ask(pid, tid, slot, now)

    def _still(self, lane: _LaneWatch, now: int) -> bool:
        """True of a waiting thread that waited at its last stack too, and has run only to write that.

        One that ran then may have gone on to wait elsewhere within the same turn.
        """
        assert lane.probe is not None
        if lane.stack_from < 0 or not lane.waited:
            return False
        return lane.probe.turns == lane.turns_before + 1 and now < lane.signalled_at + STILL_PAUSE_NS

    def _repeat(self, process: _ProcessWatch, slot: int, lane: _LaneWatch, now: int) -> None:
        """The last stack holds at this moment as well: nobody has to be disturbed for another one."""
        self._write_stack(process.words.pid, slot, now, now, lane.stack_from)
        lane.wait(now)

    def _signal(self, process: _ProcessWatch, slot: int, lane: _LaneWatch, tid: int, now: int) -> None:
        assert lane.probe is not None
        lane.turns_before = max(lane.probe.turns, 0)
        lane.stack_from, lane.signalled_at = -1, now
        process.size = process.grown = process.words.stack_bytes()
        process.sent, process.sent_lane, process.sent_tid = time.monotonic_ns(), slot, tid
        if not self.signal(process.words.pid, tid):
            process.sent = 0
        lane.wait(now)

    def _await_stack(self, process: _ProcessWatch, now: int) -> None:
        size = process.words.stack_bytes()
        if size > process.grown:
            process.grown, process.grown_at = size, now
            return
        if process.grown > process.size and now - process.grown_at >= SETTLE_NS:
            self._stack_sent(process, process.grown_at)
        elif now - process.sent > LOST_SIGNAL_NS or not _thread_exists(process.words.pid, process.sent_tid):
            if process.words.stack_bytes() > process.size:
                self._stack_sent(process, now)
            process.sent = 0  # the thread ended before the signal reached it

    def _stack_sent(self, process: _ProcessWatch, seen: int) -> None:
        lane = process.lanes[process.sent_lane]
        if lane.since <= process.sent:
            lane.stack_from = process.size
        self._write_stack(process.words.pid, process.sent_lane, process.sent, seen, process.size)
        process.sent = 0

    def _write_stack(self, pid: int, slot: int, sent: int, seen: int, place: int) -> None:
        self.write({"k": "signal", "pid": pid, "l": slot, "sent": sent, "seen": seen, "from": place})

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


def _pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def _thread_exists(pid: int, tid: int) -> bool:
    return os.path.exists(f"/proc/{pid}/task/{tid}")


class _ThreadSignal:
    """tgkill(2): the standard library can only signal threads of its own process."""

    def __init__(self) -> None:
        self._tgkill = ctypes.CDLL(None, use_errno=True).tgkill

    def __call__(self, pid: int, tid: int) -> bool:
        return bool(self._tgkill(pid, tid, int(w.STACK_SIGNAL)) == 0)


def main(arguments: list[str]) -> int:
    """Watch until standard input says so; kill what is left of the run once it closes."""
    spool, run_id = arguments[0], arguments[1]
    failed = False
    try:
        _watch(Watcher(spool, py_spy=None if "--no-py-spy" in arguments else PySpy()))
    except Exception:  # noqa: BLE001  # a watcher that fails is a guard all the same
        failed = True
        traceback.print_exc()
    _say("stopped")
    while os.read(0, 64):
        pass
    kill_run(run_id, grace_s=GRACE_S)
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
