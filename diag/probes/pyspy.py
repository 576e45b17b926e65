"""py-spy on demand: one dump at a time, for what only it knows: who is active and who owns the GIL."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

PAUSE_NS = 120_000_000
"""Between two dumps: each costs 13 to 40 ms of CPU, on the core that the load generator uses."""

MAX_DUMPS = 60
TIMEOUT_S = 3.0


def find_py_spy() -> str | None:
    """The py-spy program: beside this interpreter, or on the PATH."""
    beside = Path(sys.executable).parent / "py-spy"
    return str(beside) if beside.exists() else shutil.which("py-spy")


class PySpy:
    """Runs ``py-spy dump --json`` in a thread of its own, so that the watcher never waits for it.

    ``--nonblocking``: the target is read while it runs, never paused, so that looking does not add to the
    delay that is measured. A dump that met the interpreter in the middle of a change fails and is dropped.
    """

    def __init__(self, program: str | None = None, *, dumps: int = MAX_DUMPS) -> None:
        """Find py-spy, unless another program is to be asked instead; it is asked `dumps` times at most."""
        self._program = program or find_py_spy()
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._records: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
        self._busy = False
        self._next = 0
        self._left = dumps
        self._refused = self._program is None
        self._child: subprocess.Popen[bytes] | None = None
        if self._program is None:
            self._refuse("py-spy-missing", "")
        self._thread = threading.Thread(target=self._work, name="py-spy", daemon=True)
        self._thread.start()

    def ask(self, pid: int, tid: int, lane: int, now: int) -> None:
        """Start a dump unless one is under way, was just made, or is known to be refused."""
        if self._refused or self._busy or now < self._next or self._left <= 0:
            return
        self._left -= 1
        self._busy = True
        self._orders.put(_Order(pid=pid, tid=tid, lane=lane))

    def collect(self) -> list[dict[str, object]]:
        """Records of dumps that have ended."""
        found: list[dict[str, object]] = []
        while not self._records.empty():
            found.append(self._records.get())
        return found

    def close(self) -> list[dict[str, object]]:
        """Stop the dump under way; the last records."""
        self._refused = True
        self._orders.put(None)
        child = self._child
        if child is not None:
            child.kill()
        self._thread.join(2)
        return self.collect()

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            try:
                self._dump(order)
            finally:
                self._next = time.monotonic_ns() + PAUSE_NS
                self._busy = False

    def _dump(self, order: _Order) -> None:
        command = [str(self._program), "dump", "--json", "--nonblocking", "--pid", str(order.pid)]
        sent = time.monotonic_ns()
        try:
            with subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as child:
                self._child = child
                try:
                    output, errors = child.communicate(timeout=TIMEOUT_S)
                except subprocess.TimeoutExpired:
                    child.kill()
                    return
        except OSError as error:
            self._refuse("py-spy-missing", str(error))
            return
        finally:
            self._child = None
        if child.returncode:
            self._failed(errors.decode(errors="replace"))
            return
        record = _record(order, sent, time.monotonic_ns(), output)
        if record is not None:
            self._records.put(record)

    def _failed(self, text: str) -> None:
        lowered = text.lower()
        last = text.strip().splitlines()[-1][:200] if text.strip() else ""
        if "permission denied" in lowered or "operation not permitted" in lowered:
            self._refuse("no-ptrace", last)
        elif "failed to find python version" in lowered or "unsupported version" in lowered:
            self._refuse("py-spy-version", last)

    def _refuse(self, slug: str, detail: str) -> None:
        self._refused = True
        self._records.put({"k": "note", "slug": slug, "detail": detail})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """One dump: of which thread, and of which lane of the words."""

    pid: int
    tid: int
    lane: int


def _record(order: _Order, sent: int, seen: int, output: bytes) -> dict[str, object] | None:
    try:
        threads = json.loads(output)
    except ValueError:
        return None
    wanted = next((thread for thread in threads if thread.get("os_thread_id") == order.tid), None)
    if wanted is None:
        return None
    owner = next((thread for thread in threads if thread.get("owns_gil")), None)
    return {
        "k": "py-spy",
        "pid": order.pid,
        "l": order.lane,
        "sent": sent,
        "seen": seen,
        "frames": _frames(wanted),
        "active": bool(wanted.get("active")),
        "owns": bool(wanted.get("owns_gil")),
        "owner": _frames(owner) if owner is not None and owner is not wanted else [],
    }


def _frames(thread: dict[str, object]) -> list[list[object]]:
    frames = thread.get("frames")
    if not isinstance(frames, list):
        return []
    return [[str(f.get("filename", "")), int(f.get("line") or 0), str(f.get("name", ""))] for f in frames]
