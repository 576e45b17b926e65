"""From the spool's files to what a recording holds."""

from __future__ import annotations

import json
import os
import time
from array import array
from dataclasses import dataclass, field
from typing import Any

from diag.agent import words as w
from diag.agent.process import lane_base
from diag.probes.words import WordsFile, find_words
from diag.recording import (
    Canary,
    Frame,
    GcPause,
    Lane,
    LaneKind,
    LaneTotals,
    Served,
    Stack,
    StackSource,
    StateSample,
    Step,
    ThreadState,
    Waiter,
)

YOUNG_NS = 50_000_000
"""Waiters are written down within some iterations after their step."""

UNENDED = "(never ended)"
"""The label of a step that was under way when its process died."""

_KINDS = {
    w.KIND_ASYNCIO: LaneKind.ASYNCIO,
    w.KIND_UVLOOP: LaneKind.UVLOOP,
    w.KIND_WORKER: LaneKind.WORKER_THREAD,
    w.KIND_GEVENT: LaneKind.GEVENT,
}
_STEP_BORDERS = frozenset({"timed_run", "timed", "_dispatch", "diag_wsgi", "__iter__"})
"""Functions of the agent that run a step; what called them started the loop or the worker."""
_AGENT = os.path.dirname(w.__file__)
_OWN_LABELS = ("plant_on_loop.<locals>.diag_canary",)
_LOOP_LABELS = ("_run_until_complete_cb", "BaseSelectorEventLoop._read_from_self")
"""Callbacks of the loop's own: nobody waits for them."""


@dataclass(slots=True)
class Seen:
    """What a spool holds beyond what was taken from it before."""

    lanes: list[Lane] = field(default_factory=list)
    totals: list[LaneTotals] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    stacks: list[Stack] = field(default_factory=list)
    states: list[StateSample] = field(default_factory=list)
    pauses: list[GcPause] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    canaries: list[Canary] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


class _Tail:
    """Reads whole lines that a file has gained."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.offset = 0

    def lines(self) -> list[dict[str, Any]]:
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                data = file.read()
        except OSError:
            return []
        whole = data.rfind(b"\n") + 1
        self.offset += whole
        found = []
        for line in data[:whole].splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                found.append(value)
        return found


@dataclass(slots=True)
class _ProcessSpool:
    """One process' files and how far they have been read."""

    words: WordsFile
    events: _Tail
    base: str
    served: int = 0  # bytes
    young: list[dict[str, Any]] = field(default_factory=list)  # steps that waiters may still follow
    pending: dict[tuple[int, int], list[Waiter]] = field(default_factory=dict)


class SpoolReader:
    """Reads a spool folder again and again, each time what is new.

    Lanes get numbers that are unique within the folder.
    """

    def __init__(self, spool: str) -> None:
        self.spool = spool
        self._processes: dict[int, _ProcessSpool] = {}
        self._watch = _Tail(os.path.join(spool, "watch.jsonl"))
        self._frames: list[Frame] = []
        self._lane_ids: dict[tuple[int, int], int] = {}
        self._unended: list[dict[str, Any]] = []

    def _lane(self, pid: int, slot: int) -> int:
        return self._lane_ids.setdefault((pid, slot), len(self._lane_ids))

    def read(self) -> Seen:
        """What has been seen since the last call; steps a little late, as waiters are written behind them."""
        return self._read(time.monotonic_ns() - YOUNG_NS)

    def _read(self, before: int) -> Seen:
        seen = Seen()
        for pid, path in find_words(self.spool):
            if pid not in self._processes:
                words = WordsFile.open(path)
                if words is not None:
                    base = path.removesuffix(".words")
                    self._processes[pid] = _ProcessSpool(
                        words=words, events=_Tail(base + ".events"), base=base
                    )
        for pid, process in self._processes.items():
            self._read_events(seen, pid, process, before)
            self._read_served(seen, pid, process)
        for record in self._watch.lines():
            self._read_watch(seen, record)
        return seen

    def finish(self) -> Seen:
        """The last of it: what is still new, the lanes, and the sums over all their steps."""
        seen = self._read(time.monotonic_ns())
        for record in self._unended:
            seen.steps.append(self._unended_step(record))
        for pid, process in self._processes.items():
            self._read_lanes(seen, pid, process)
            dropped = process.words.values[w.H_DROPPED]
            if dropped:
                seen.notes.append(
                    ("spool-full", f"{dropped:,} records of process {pid} did not fit the spool.")
                )
        return seen

    def _read_lanes(self, seen: Seen, pid: int, process: _ProcessSpool) -> None:
        values = process.words.values
        for slot in range(process.words.lane_count()):
            at = lane_base(slot)
            kind = _KINDS.get(values[at + w.L_KIND])
            if kind is None:
                continue
            lane_id = self._lane(pid, slot)
            capacity = values[w.H_CAPACITY] if kind is LaneKind.WORKER_THREAD else 1
            seen.lanes.append(
                Lane(lane_id=lane_id, pid=pid, tid=values[at + w.L_TID], kind=kind, capacity=capacity)
            )
            seen.totals.append(
                LaneTotals(
                    lane_id=lane_id,
                    steps=values[at + w.L_STEPS],
                    busy_ns=values[at + w.L_BUSY],
                    iterations=values[at + w.L_ITERATIONS],
                    dropped=values[at + w.L_DROPPED],
                )
            )

    def _read_events(self, seen: Seen, pid: int, process: _ProcessSpool, before: int) -> None:
        records = process.young + process.events.lines()
        process.young = [one for one in records if one["k"] == "step" and one["e"] > before]
        for record in records:
            if record["k"] == "waiter":
                port, label, since = record["w"]
                waiter = Waiter(request_key=0, port=port, label=label, since_ns=since, exact=False)
                process.pending.setdefault((record["l"], record["e"]), []).append(waiter)
        for record in records:
            kind = record["k"]
            if kind == "step" and record["e"] <= before:
                seen.steps.append(self._step(pid, record, process))
            elif kind == "canary":
                lane_id = self._lane(pid, record["l"])
                seen.canaries.append(
                    Canary(
                        lane_id=lane_id,
                        start_ns=record["s"],
                        end_ns=record["e"],
                        path=record["p"],
                        line=record["n"],
                    )
                )
            elif kind == "stack":
                seen.stacks.append(
                    Stack(
                        lane_id=self._lane(pid, record["l"]),
                        sent_ns=record["sent"],
                        seen_ns=record["seen"],
                        source=StackSource.SIGNAL,
                        frames=_within_step(_frames(record["f"])),
                    )
                )
            elif kind == "gc":
                seen.pauses.append(
                    GcPause(
                        pid=pid,
                        tid=record["tid"],
                        start_ns=record["s"],
                        end_ns=record["e"],
                        generation=record["n"],
                    )
                )
            elif kind == "note":
                seen.notes.append((record["slug"], str(record.get("detail", ""))))

    def _step(self, pid: int, record: dict[str, Any], process: _ProcessSpool) -> Step:
        start, end = record["s"], record["e"]
        behind = process.pending.pop((record["l"], end), [])
        waiters = [
            Waiter(request_key=0, port=port, label=label, since_ns=since or start, exact=bool(since))
            for port, label, since in record["w"]
            if label not in _OWN_LABELS and label not in _LOOP_LABELS
        ]
        return Step(
            lane_id=self._lane(pid, record["l"]),
            iteration=record["i"],
            start_ns=start,
            end_ns=end,
            cpu_ns=record["c"],
            run_queue_ns=record["q"],
            gap_ns=record["g"],
            request_key=record.get("b", 0),
            port=record["p"],
            label=record["n"],
            task=record["t"],
            waiters=tuple(waiters + behind),
        )

    def _read_served(self, seen: Seen, pid: int, process: _ProcessSpool) -> None:
        try:
            with open(process.base + ".served", "rb") as file:
                file.seek(process.served)
                data = file.read()
        except OSError:
            return
        whole = len(data) - len(data) % (w.SERVED_WORDS * 8)
        values = array("q", data[:whole])
        process.served += whole
        seen.served.extend(
            Served(pid=pid, tid=tid, port=port, start_ns=start, end_ns=end)
            for tid, port, start, end in zip(
                *(values[i :: w.SERVED_WORDS] for i in range(w.SERVED_WORDS)), strict=True
            )
        )

    def _read_watch(self, seen: Seen, record: dict[str, Any]) -> None:
        kind = record["k"]
        if kind == "note":
            seen.notes.append((record["slug"], record.get("detail", "")))
        elif kind == "process" and not record["permitted"]:
            seen.notes.append(("no-ptrace", ""))
        if "l" not in record:
            return
        lane_id = self._lane(record["pid"], record["l"])
        if kind == "state":
            seen.states.append(
                StateSample(
                    lane_id=lane_id,
                    at_ns=record["at"],
                    state=ThreadState(record["s"]),
                    cpu_ns=record.get("c"),
                    run_queue_ns=record.get("q"),
                )
            )
        elif kind == "unended":
            self._unended.append(record)
        elif kind == "stack":
            self._frames.extend(_frames(record["new"]))
            seen.stacks.append(
                Stack(
                    lane_id=lane_id,
                    sent_ns=record["sent"],
                    seen_ns=record["seen"],
                    source=StackSource.MEMORY,
                    frames=_within_step(tuple(self._frames[number] for number in record["f"])),
                    active=record.get("a"),
                    owns_gil=record.get("o"),
                    gil_owner=tuple(self._frames[number] for number in record.get("w", ())),
                )
            )
        elif kind == "py-spy":
            seen.stacks.append(
                Stack(
                    lane_id=lane_id,
                    sent_ns=record["sent"],
                    seen_ns=record["seen"],
                    source=StackSource.PY_SPY,
                    frames=_within_step(_frames(record["frames"])),
                    active=record["active"],
                    owns_gil=record["owns"],
                    gil_owner=_frames(record["owner"]),
                )
            )

    def _unended_step(self, record: dict[str, Any]) -> Step:
        """A step in whose middle its process died: nobody was left to write it down."""
        return Step(
            lane_id=self._lane(record["pid"], record["l"]),
            iteration=0,
            start_ns=record["s"],
            end_ns=record["e"],
            cpu_ns=None,
            run_queue_ns=None,
            gap_ns=0,
            request_key=0,
            label=UNENDED,
            task="",
        )


def _frames(values: list[list[Any]]) -> tuple[Frame, ...]:
    # py-spy writes qualified names; the last part is the code's own name.
    return tuple(Frame(path=path, line=line, function=name.rpartition(".")[2]) for path, line, name in values)


def _within_step(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """The frames inside the step: what lies outside started the loop and has no part in the block."""
    for index, frame in enumerate(frames):
        if os.path.dirname(frame.path) == _AGENT and frame.function in _STEP_BORDERS:
            inner = frames[:index]
            if inner and inner[-1].function == "_run" and inner[-1].path.endswith("events.py"):
                return inner[:-1]
            return inner
    return frames
