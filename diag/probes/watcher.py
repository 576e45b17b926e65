"""The watcher: a process beside the target that wakes up when a loop is late.

It reads the "busy since" words of every process in the spool. While nothing is late it does nothing else.
When a lane has been busy for `FIRST_SIGNAL_NS`, it sends SIGURG to the lane's thread, whose stack
`faulthandler` then writes at once, even inside C code that holds the GIL; it looks at what the kernel says
of the thread (running, waiting, waiting for the GIL); and it asks py-spy, now and then, who owns the GIL.

It is also the guard: when its standard input closes because diag was killed, it kills every process of the
run. What it saw goes to ``watch.jsonl`` in the spool, one JSON object a line.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diag.agent import words as w
from diag.agent.process import lane_base
from diag.probes.pyspy import PySpy
from diag.probes.threads import ThreadProbe
from diag.probes.words import WordsFile, find_words

if TYPE_CHECKING:
    from io import TextIOWrapper

POLL_S = 0.0012
SCAN_NS = 4_000_000
"""How often the spool is searched for new processes."""

FIRST_SIGNAL_NS = 3_000_000
"""A lane is late from here on: blocks of 10 ms leave 7 ms for the signal to arrive."""

LONGEST_PAUSE_NS = 25_000_000
"""Pause between two stacks of one step; it starts at `FIRST_SIGNAL_NS` and doubles up to this."""

SETTLE_NS = 1_000_000
"""A stack file that has not grown for this long holds the whole stack."""

LOST_SIGNAL_NS = 2_000_000_000
PY_SPY_AFTER_NS = 4_000_000
"""py-spy is started once a step is this old; it needs another 13 to 40 ms itself."""

STATE_AFTER_NS = 1_500_000


@dataclass(slots=True)
class _LaneWatch:
    """What the watcher remembers of a lane."""

    since: int = 0
    next_signal: int = 0
    pause: int = FIRST_SIGNAL_NS
    probe: ThreadProbe | None = None
    written: dict[str, object] | None = None
    written_at: int = 0


@dataclass(slots=True)
class _ProcessWatch:
    """What the watcher remembers of a process."""

    words: WordsFile
    lanes: dict[int, _LaneWatch] = field(default_factory=dict)
    sent: int = 0  # when the signal went out whose stack has not been seen; 0 if there is none
    sent_lane: int = 0
    sent_tid: int = 0
    size: int = 0  # of the stack file before it
    grown: int = 0
    grown_at: int = 0


class Watcher:
    """Watches every process that appears in a spool folder."""

    def __init__(self, spool: str, *, py_spy: bool = True) -> None:
        self.spool = spool
        self.processes: dict[int, _ProcessWatch] = {}
        self.next_scan = 0
        self.out: TextIOWrapper = open(  # noqa: SIM115  # closed in `close`
            os.path.join(spool, "watch.jsonl"), "a", buffering=1, encoding="utf-8"
        )
        self.py_spy = PySpy() if py_spy else None
        self.signal = _ThreadSignal()

    def write(self, record: dict[str, object]) -> None:
        """Append one line."""
        self.out.write(json.dumps(record, separators=(",", ":")) + "\n")

    def poll(self, now: int) -> None:
        """Look once at everything."""
        if now >= self.next_scan:
            self.next_scan = now + SCAN_NS
            self._scan()
        for process in list(self.processes.values()):
            if process.sent:
                self._await_stack(process, now)
            self._look(process, now)
        if self.py_spy is not None:
            for record in self.py_spy.collect():
                self.write(record)

    def _scan(self) -> None:
        for pid, path in find_words(self.spool):
            if pid not in self.processes:
                words = WordsFile.open(path)
                if words is not None:
                    self.processes[pid] = _ProcessWatch(words=words)
                    words.values[w.H_WATCHED] = 1
                    self.write({"k": "process", "pid": pid, "permitted": ThreadProbe.permitted(pid)})

    def _look(self, process: _ProcessWatch, now: int) -> None:
        values = process.words.values
        for slot in range(process.words.lane_count()):
            base = lane_base(slot)
            since = values[base + w.L_BUSY_SINCE]
            if not since or not values[base + w.L_KIND]:
                continue
            age = now - since
            if age < STATE_AFTER_NS:
                continue
            lane = process.lanes.get(slot)
            if lane is None:
                lane = process.lanes[slot] = _LaneWatch()
            if lane.since != since:
                lane.since = since
                lane.pause = FIRST_SIGNAL_NS
                lane.next_signal = since + FIRST_SIGNAL_NS
            self._late(process, slot, lane, values[base + w.L_TID], now)

    def _late(self, process: _ProcessWatch, slot: int, lane: _LaneWatch, tid: int, now: int) -> None:
        pid = process.words.pid
        if lane.probe is None or lane.probe.tid != tid:
            lane.probe = ThreadProbe(pid, tid)
        if now >= lane.next_signal and not process.sent and process.words.stacks_ok():
            process.size = process.grown = process.words.stack_bytes()
            process.sent, process.sent_lane, process.sent_tid = time.monotonic_ns(), slot, tid
            if not self.signal(pid, tid):
                process.sent = 0
            lane.next_signal = now + lane.pause
            lane.pause = min(lane.pause * 2, LONGEST_PAUSE_NS)
        state = lane.probe.read()
        # A thread that sleeps on says nothing new at each look.
        if state is not None and (state != lane.written or now - lane.written_at > LONGEST_PAUSE_NS):
            lane.written, lane.written_at = state, now
            self.write({"k": "state", "pid": pid, "l": slot, "at": time.monotonic_ns(), **state})
        if self.py_spy is not None and now - lane.since >= PY_SPY_AFTER_NS:
            self.py_spy.ask(pid, tid, slot, now)

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
        self.write(
            {
                "k": "signal",
                "pid": process.words.pid,
                "l": process.sent_lane,
                "sent": process.sent,
                "seen": seen,
                "from": process.size,
            }
        )
        process.sent = 0

    def close(self) -> None:
        """Write down what is still under way."""
        now = time.monotonic_ns()
        for process in self.processes.values():
            if process.sent and process.words.stack_bytes() > process.size:
                self._stack_sent(process, now)
        if self.py_spy is not None:
            for record in self.py_spy.close():
                self.write(record)
        self.out.close()


def _thread_exists(pid: int, tid: int) -> bool:
    return os.path.exists(f"/proc/{pid}/task/{tid}")


class _ThreadSignal:
    """tgkill(2): the standard library can only signal threads of its own process."""

    def __init__(self) -> None:
        self._tgkill = ctypes.CDLL(None, use_errno=True).tgkill

    def __call__(self, pid: int, tid: int) -> bool:
        return bool(self._tgkill(pid, tid, int(w.STACK_SIGNAL)) == 0)


def main(arguments: list[str]) -> int:
    """Watch until standard input says ``stop``; kill the run if it closes without."""
    spool, run_id = arguments[0], arguments[1]
    watcher = Watcher(spool, py_spy="--no-py-spy" not in arguments)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)  # where permitted: a late watcher sees less
    sys.stdout.write("watching\n")
    sys.stdout.flush()
    os.set_blocking(0, False)
    orphaned = False
    while True:
        watcher.poll(time.monotonic_ns())
        ready, _, _ = select.select([0], [], [], POLL_S)
        if ready:
            orphaned = os.read(0, 64) == b""
            break
    watcher.close()
    if orphaned:
        from diag.servers.reap import kill_run  # noqa: PLC0415  # only when diag is gone

        kill_run(run_id, grace_s=1.0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
