"""py-spy on demand: one dump at a time, for what only it knows: who is active and who owns the GIL."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

PAUSE_NS = 120_000_000
"""Between two dumps: each costs 13 to 40 ms of CPU, on the core that the load generator uses."""

MAX_DUMPS = 60
TIMEOUT_NS = 3_000_000_000


def find_py_spy() -> str | None:
    """The py-spy program: beside this interpreter, or on the PATH."""
    beside = Path(sys.executable).parent / "py-spy"
    return str(beside) if beside.exists() else shutil.which("py-spy")


class PySpy:
    """Runs ``py-spy dump --json`` in the background.

    ``--nonblocking``: the target is read while it runs, never paused, so that looking does not add to the
    delay that is measured. A dump that met the interpreter in the middle of a change fails and is dropped.
    """

    def __init__(self) -> None:
        self._program = find_py_spy()
        self._child: subprocess.Popen[bytes] | None = None
        self._about = (0, 0, 0, 0)
        self._next = 0
        self._left = MAX_DUMPS
        self._refused = self._program is None
        self._notes: list[dict[str, object]] = []
        if self._program is None:
            self._notes.append({"k": "note", "slug": "py-spy-missing", "detail": ""})

    def ask(self, pid: int, tid: int, lane: int, now: int) -> None:
        """Start a dump unless one is under way, was just made, or is known to be refused."""
        if self._refused or self._child is not None or now < self._next or self._left <= 0:
            return
        self._left -= 1
        command = [str(self._program), "dump", "--json", "--nonblocking", "--pid", str(pid)]
        try:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            self._refuse("py-spy-missing", str(error))
            return
        self._about = (pid, tid, lane, time.monotonic_ns())

    def collect(self, now: int) -> list[dict[str, object]]:
        """Records of the dump that has ended, if one has."""
        notes, self._notes = self._notes, []
        child = self._child
        if child is None:
            return notes
        if child.poll() is None:
            # Its output can fill the pipe: it must be drained before the child can end.
            if child.stdout is not None and _readable(child.stdout.fileno()):
                return notes + self._finish(child)
            if now - self._about[3] > TIMEOUT_NS:
                child.kill()
            return notes
        return notes + self._finish(child)

    def _finish(self, child: subprocess.Popen[bytes]) -> list[dict[str, object]]:
        output, errors = child.communicate()
        seen = time.monotonic_ns()
        self._child = None
        self._next = seen + PAUSE_NS
        if child.returncode:
            return self._failed(errors.decode(errors="replace"))
        try:
            threads = json.loads(output)
        except ValueError:
            return []
        pid, tid, lane, sent = self._about
        wanted = [thread for thread in threads if thread.get("os_thread_id") == tid]
        if not wanted:
            return []
        owner = next((thread for thread in threads if thread.get("owns_gil")), None)
        frames = _frames(wanted[0])
        others = _frames(owner) if owner is not None and owner is not wanted[0] else []
        return [
            {
                "k": "py-spy",
                "pid": pid,
                "l": lane,
                "sent": sent,
                "seen": seen,
                "frames": frames,
                "active": bool(wanted[0].get("active")),
                "owns": bool(wanted[0].get("owns_gil")),
                "owner": others,
            }
        ]

    def _failed(self, text: str) -> list[dict[str, object]]:
        lowered = text.lower()
        if "permission denied" in lowered or "operation not permitted" in lowered:
            self._refuse("no-ptrace", text.strip().splitlines()[-1][:200] if text.strip() else "")
        elif "failed to find python version" in lowered or "unsupported version" in lowered:
            self._refuse("py-spy-version", text.strip()[:200])
        notes, self._notes = self._notes, []
        return notes

    def _refuse(self, slug: str, detail: str) -> None:
        self._refused = True
        self._notes.append({"k": "note", "slug": slug, "detail": detail})

    def close(self) -> list[dict[str, object]]:
        """Stop the dump under way."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None
        return self._notes


def _frames(thread: dict[str, object]) -> list[list[object]]:
    frames = thread.get("frames")
    if not isinstance(frames, list):
        return []
    return [[str(f.get("filename", "")), int(f.get("line") or 0), str(f.get("name", ""))] for f in frames]


def _readable(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])
