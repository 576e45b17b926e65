"""Everything that watches one run from outside: the watcher process, the process samples, the spool."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Self

import psutil

from diag.errors import MeasurementError
from diag.hosting import with_diag_importable
from diag.probes.spool import Seen, SpoolReader
from diag.recording import Degradation, ProcessSample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

SAMPLE_S = 0.2
"""Between two samples of the process tree; psutil's CPU times have a resolution of 10 ms anyway."""

WATCHER_START_S = 10.0
WATCHER_STOP_S = 6.0
WATCHER_END_S = 10.0

MUCH_ROOM = 32_000_000
"""What a long run needs at most; containers often have 64 MB in memory, which is the target's as well."""

LEAST_ROOM = 65_536

NOTES = {
    "signal-taken": "The target handles SIGURG itself, so stacks came from py-spy only.",
    "unknown-loop": "A loop of the type {detail} could not be timed.",
    "tracer-taken": "The target traces its greenlets itself (greenlet.settrace), so those that ran in one "
    "pass of the hub were not told apart.",
    "no-signal": "The target runs its loop outside its main thread, where it cannot be asked for stacks.",
    "unknown-layout": ("Stacks of this Python cannot be read from memory, so they were asked for by signal."),
    "no-port": "The server does not tell the app the client's port, so which request a thread "
    "worked for is not known.",
    "too-many-lanes": "More threads than diag can watch at once took part; some were not timed.",
    "spool-full": "{detail}",
    "no-ptrace": (
        "The kernel does not let diag look into the target (it needs root, CAP_SYS_PTRACE, or the same user "
        "with kernel.yama.ptrace_scope = 0), so who held the GIL was not observed."
    ),
    "watcher-ended": "The watcher ended before the run did, so that later blocks have no stacks.",
    "py-spy-missing": "py-spy was not found, so who held the GIL was not observed.",
    "py-spy-version": "py-spy cannot read this version of Python, so who held the GIL was not observed.",
    "no-schedstat": "The kernel does not tell run-queue time (/proc/PID/schedstat), so a starved machine "
    "cannot be told from code that waits.",
}


class Observer:
    """Watches the processes of one run. A context manager: leaving it ends the watcher and the spool.

    Attributes:
        spool: the folder that the target's processes write to.
        run_id: what they carry in ``DIAG_RUN_ID``; the watcher kills them if diag is killed.
    """

    def __init__(
        self, run_id: str, *, py_spy: bool = True, memory: bool = True, patience_ns: int = 0, dumps: int = 0
    ) -> None:
        """Make the spool.

        Args:
            run_id: unique.
            py_spy: False leaves py-spy out.
            memory: False has stacks asked for by signal, as where the target's memory may not be read.
            patience_ns: how old a step must be before the watcher looks at it, 0 for its own choice.
            dumps: how often py-spy is asked at most, 0 for the watcher's own choice.
        """
        self.run_id = run_id
        self._options = (
            *(() if py_spy else ("--no-py-spy",)),
            *(() if memory else ("--no-memory",)),
            *((f"--patience-ns={patience_ns}",) if patience_ns else ()),
            *((f"--dumps={dumps}",) if dumps else ()),
        )
        # diag's pid is in the name, so that what a killed diag left can be told from what another one needs.
        self.spool = tempfile.mkdtemp(prefix=f"diag-{run_id}-", dir=_memory_folder())
        self._reader = SpoolReader(self.spool)
        self._sampler: _Sampler | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._notes: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._start_watcher()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start_watcher(self) -> None:
        command = [sys.executable, "-m", "diag.probes.watcher", self.spool, self.run_id, *self._options]
        self._watcher = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=with_diag_importable(os.environ),
            start_new_session=True,
        )
        if not self._hears("watching", WATCHER_START_S):
            raise MeasurementError(
                "The watcher process did not start.",
                cause="It is this same Python; its message, if any, is above.",
                next_step=f"Try: {sys.executable} -m diag.probes.watcher /tmp x < /dev/null",
                slug="watcher",
            )

    def _hears(self, word: str, timeout_s: float) -> bool:
        """Wait for the watcher to say a word."""
        assert self._watcher is not None
        assert self._watcher.stdout is not None
        ready, _, _ = select.select([self._watcher.stdout], [], [], timeout_s)
        return bool(ready) and self._watcher.stdout.readline() == word.encode() + b"\n"

    def sample(self, pids: Callable[[], Iterable[int]]) -> None:
        """Sample CPU time and memory of the processes that `pids` names, from now on."""
        self._sampler = _Sampler(pids)
        self._sampler.start()

    def sample_now(self) -> None:
        """Take one more sample at once."""
        if self._sampler is not None:
            self._sampler.take()

    def samples(self) -> list[ProcessSample]:
        """The samples taken since the last call."""
        return self._sampler.drain() if self._sampler is not None else []

    def read(self) -> Seen:
        """What the spool gained since the last call."""
        return self._noted(self._reader.read())

    def finish(self) -> Seen:
        """End the watching and read the rest of the spool."""
        if self._sampler is not None:
            self._sampler.stop()
        self._stop_watching()
        self._check_room()
        return self._noted(self._reader.finish())

    def _noted(self, seen: Seen) -> Seen:
        for slug, detail in seen.notes:
            self._notes.setdefault(slug, detail)
        return seen

    def degradations(self) -> list[Degradation]:
        """Why something could not be measured as well as it should be."""
        return [
            Degradation(slug=slug, text=NOTES.get(slug, "{detail}").format(detail=detail))
            for slug, detail in sorted(self._notes.items())
        ]

    def _stop_watching(self) -> None:
        """The watcher writes down what it has, and is only the guard from then on."""
        watcher = self._watcher
        if watcher is None:
            return
        assert watcher.stdin is not None
        with contextlib.suppress(OSError):
            watcher.stdin.write(b"stop\n")
        if not self._hears("stopped", WATCHER_STOP_S) or watcher.poll() is not None:
            self._notes.setdefault("watcher-ended", "")

    def _check_room(self) -> None:
        """Say so if the spool's file system is full: then nobody could write it down."""
        with contextlib.suppress(OSError):
            room = os.statvfs(self.spool)
            if room.f_bavail * room.f_frsize < LEAST_ROOM:
                self._notes.setdefault(
                    "spool-full", f"There was no room left for what was seen ({self.spool})."
                )

    def close(self) -> None:
        """End everything; the spool is gone afterwards, and so is every process of the run."""
        if self._sampler is not None:
            self._sampler.stop()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            assert watcher.stdin is not None
            assert watcher.stdout is not None
            watcher.stdin.close()  # it kills what is left, removes the spool, and ends
            try:
                watcher.wait(WATCHER_END_S)
            except subprocess.TimeoutExpired:
                watcher.kill()
                watcher.wait()
            watcher.stdout.close()
        shutil.rmtree(self.spool, ignore_errors=True)


def _memory_folder() -> str | None:
    """A folder in memory with room, so that the target need not wait for a disk; None for the usual one."""
    memory = "/dev/shm"  # noqa: S108  # mkdtemp makes a private folder below it
    try:
        room = os.statvfs(memory)
    except OSError:
        return None
    enough = room.f_bavail * room.f_frsize >= MUCH_ROOM
    return memory if enough and os.access(memory, os.W_OK | os.X_OK) else None


class _Sampler(threading.Thread):
    """Takes samples until it is stopped."""

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        super().__init__(name="diag-sampler", daemon=True)
        self._pids = pids
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._samples: list[ProcessSample] = []
        self._processes: dict[int, psutil.Process] = {}

    def run(self) -> None:
        while not self._stopped.wait(SAMPLE_S):
            self.take()

    def take(self) -> None:
        """One sample of all processes, those that ended included through their parents' times."""
        cpu = 0.0
        memory = alive = 0
        for pid in self._pids():
            try:
                process = self._processes.get(pid) or psutil.Process(pid)
                with process.oneshot():
                    times = process.cpu_times()
                    memory += process.memory_info().rss
            except psutil.Error:
                continue
            self._processes[pid] = process
            cpu += times.user + times.system + times.children_user + times.children_system
            alive += 1
        sample = ProcessSample(
            at_ns=time.monotonic_ns(), cpu_ns=int(cpu * 1e9), rss_bytes=memory, processes=alive
        )
        with self._lock:
            self._samples.append(sample)

    def drain(self) -> list[ProcessSample]:
        with self._lock:
            samples, self._samples = self._samples, []
        return samples

    def stop(self) -> None:
        self._stopped.set()
        if self.is_alive():
            self.join(2)
