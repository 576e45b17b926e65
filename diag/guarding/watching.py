"""The event loops of this very process, timed by the agent in it and looked at by the watcher beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import sysconfig
import time
import tokenize
import uuid
from typing import TYPE_CHECKING, Any

from diag import __version__
from diag.agent import install, lane, process, uninstall
from diag.agent import words as w
from diag.analysis.canaries import CanaryCheck, check
from diag.analysis.timeline import read
from diag.guarding.meanwhile import Meanwhile, ReadingsWithOthers
from diag.probes.observer import Observer
from diag.probes.spool import Seen, SpoolReader
from diag.recording import Cell, Machine, Meta, Recording, Run, RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.recording import Degradation, Frame, Stack

DUMPS = 2_000
"""How often py-spy may be asked who holds the GIL: in a test suite long steps are few, and far between."""

PATIENCE_SHARE = 5
"""A step is looked at once it has lasted this part of the least budget: its line and its cause then have four
times as long to be seen."""

MOST_PATIENCE_NS = 6_000_000
MAX_SOURCE_BYTES = 2_000_000
_BEGINNINGS = frozenset({"<module>", "_bootstrap"})
_STANDARD = sysconfig.get_path("stdlib") + os.sep


class OwnLoops:
    """Watches every loop that runs in this process, from `start` to `stop`; then nothing of it is left."""

    def __init__(self, roots: tuple[str, ...], least_budget_ns: int) -> None:
        """Prepare.

        Args:
            roots: folders whose files are the user's own.
            least_budget_ns: steps shorter than this are of no interest.
        """
        self._roots = roots
        self._least = least_budget_ns
        self._observer = Observer(
            f"pytest-{uuid.uuid4().hex}",
            patience_ns=min(least_budget_ns // PATIENCE_SHARE, MOST_PATIENCE_NS),
            dumps=DUMPS,
        )
        self._reader = SpoolReader(self._observer.spool)
        self._long: list[tuple[int, int]] = []
        self._meanwhile: dict[tuple[int, int], Meanwhile] = {}
        self._sources: dict[str, str] = {}
        self._seen = Seen()
        self._process: process.Process | None = None
        self._real_readings = lane.Readings

    def start(self) -> CanaryCheck:
        """Begin, and find a known block of 50 ms first, on a loop of its own.

        Raises:
            DiagError: the watcher could not be started.
            OSError: the spool cannot be written.
        """
        self._observer.__enter__()
        process.open_here(self._observer.spool)
        self._process = process.current()
        assert self._process is not None
        self._tap(self._process)
        install()
        loop = asyncio.SelectorEventLoop()  # not asyncio.run: that changes what get_event_loop() says later
        try:
            loop.run_until_complete(_nothing())
        finally:
            loop.close()
        found = check(read(self._run_of(self._drain())))
        self._long.clear()
        return found

    def _tap(self, spool: process.Process) -> None:
        """Hear of long steps as they are written down, and of what the other threads did meanwhile."""
        write, least, pid = spool.event, self._least, os.getpid()

        def event(record: dict[str, Any]) -> bool:
            if record["k"] == "step" and record["e"] - record["s"] >= least and os.getpid() == pid:
                self._long.append((record["s"], record["e"]))
                readings = lane.readings_here()
                if isinstance(readings, ReadingsWithOthers):
                    self._meanwhile[record["l"], record["e"]] = readings.meanwhile(record["s"])
            return write(record)

        lane.Readings = ReadingsWithOthers  # type: ignore[misc]
        lane.forget()
        spool.event = event  # type: ignore[method-assign]

    def steps(self) -> int:
        """How many steps were timed so far."""
        words = self._process.words if self._process is not None else ()
        total = 0
        for number in range(w.MAX_LANES):
            base = process.lane_base(number)
            if not words[base + w.L_KIND]:
                break
            total += words[base + w.L_STEPS]
        return total

    def take(self, longer_ns: int) -> Recording | None:
        """What was seen of the steps since the last call; None if none was longer than that."""
        long, self._long = self._long, []
        if not any(end - start >= longer_ns for start, end in long):
            return None
        seen = self._drain()
        since = min(start for start, _ in long)
        seen.steps = [step for step in seen.steps if step.end_ns - step.start_ns >= longer_ns]
        seen.stacks = [stack for stack in seen.stacks if stack.seen_ns >= since and _is_within_step(stack)]
        seen.states = [state for state in seen.states if state.at_ns >= since]
        self._keep_sources(frame for stack in seen.stacks for frame in stack.frames)
        return Recording(meta=self._meta(longer_ns), runs=(self._run_of(seen),), sources=self._sources)

    @property
    def meanwhile(self) -> dict[tuple[int, int], Meanwhile]:
        """What else is known of long steps, by their lane and end."""
        return self._meanwhile

    def _drain(self) -> Seen:
        return self._reader.finish()

    def _run_of(self, seen: Seen) -> Run:
        now = time.monotonic_ns()
        return Run(
            run_id=0,
            cell=Cell(label="tests", target="tests"),
            trial=0,
            status=RunStatus.DONE,
            started_ns=0,
            ended_ns=now,
            lanes=tuple(seen.lanes),
            totals=tuple(seen.totals),
            steps=tuple(seen.steps),
            stacks=tuple(seen.stacks),
            states=tuple(seen.states),
            pauses=tuple(seen.pauses),
            canaries=tuple(seen.canaries),
        )

    def _meta(self, threshold_ns: int) -> Meta:
        return Meta(
            schema_version=0,  # never stored
            diag_version=__version__,
            argv=(),
            target="tests",
            target_kind="script",
            roots=self._roots,
            created_utc="",
            seed=0,
            threshold_ns=threshold_ns,
            machine=Machine(
                python=platform.python_version(),
                implementation=platform.python_implementation(),
                platform="",
                cores=os.cpu_count() or 1,
                memory_bytes=0,
            ),
        )

    def _keep_sources(self, frames: Iterable[Frame]) -> None:
        for path in {frame.path for frame in frames}:
            if path in self._sources or path.startswith((_STANDARD + "asyncio", "<")):
                continue
            with contextlib.suppress(OSError, SyntaxError, UnicodeError):
                if os.path.getsize(path) <= MAX_SOURCE_BYTES:
                    with tokenize.open(path) as file:
                        self._sources[path] = file.read()

    def stop(self) -> list[Degradation]:
        """End; loops go on as if nobody had ever looked. Why something could not be seen."""
        uninstall()
        lane.Readings = self._real_readings  # type: ignore[misc]
        lane.forget()
        process.forget()
        try:
            self._observer.finish()
            self._reader = SpoolReader(self._observer.spool)  # the old one has files open
            return self._observer.degradations()
        finally:
            self._observer.close()


def _is_within_step(stack: Stack) -> bool:
    """False for a stack that shows nothing but how the program began: it was torn while it was read."""
    return not stack.frames or stack.frames[-1].function not in _BEGINNINGS


async def _nothing() -> None:
    """Give the loop something to run."""
