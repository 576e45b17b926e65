"""From the spool's files to the values of a recording."""

from __future__ import annotations

import json
import os
import struct
import time
from pathlib import Path

import pytest

from diag.agent import words as w
from diag.agent.process import Process, lane_base
from diag.probes import spool as spool_module
from diag.probes.spool import SpoolReader
from diag.recording import LaneKind, StackSource, Step, ThreadState


def _event(folder: Path, *records: dict[str, object], pid: int = 77) -> None:
    with open(folder / f"{pid}.events", "a", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def _watch(folder: Path, *records: dict[str, object]) -> None:
    with open(folder / "watch.jsonl", "a", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def _step(end: int, **more: object) -> dict[str, object]:
    step = {"k": "step", "l": 0, "i": 1, "s": end - 5_000_000, "e": end, "c": 1, "q": None, "g": 0, "p": 0}
    return step | {"n": "work", "t": "", "o": 0, "w": []} | more


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """A spool with the words of one process, 77, that has an asyncio lane."""
    values = [0] * (w.SIZE // 8)
    values[w.H_MAGIC], values[w.H_PID] = w.MAGIC, 77
    base = lane_base(0)
    values[base + w.L_KIND], values[base + w.L_TID] = w.KIND_ASYNCIO, 78
    values[base + w.L_STEPS], values[base + w.L_BUSY], values[base + w.L_ITERATIONS] = 10, 20, 30
    (tmp_path / "77.words").write_bytes(struct.pack(f"={len(values)}q", *values))
    return tmp_path


def test_lanes_and_their_sums_come_at_the_end(spool: Path) -> None:
    reader = SpoolReader(str(spool))
    assert reader.read().lanes == []
    seen = reader.finish()
    assert [(lane.pid, lane.tid, lane.kind) for lane in seen.lanes] == [(77, 78, LaneKind.ASYNCIO)]
    assert [(one.steps, one.busy_ns, one.iterations) for one in seen.totals] == [(10, 20, 30)]


def test_each_step_comes_once_and_a_line_half_written_later(spool: Path) -> None:
    reader = SpoolReader(str(spool))
    _event(spool, _step(1_000_000_000), _step(2_000_000_000))
    line = json.dumps(_step(3_000_000_000)) + "\n"
    with open(spool / "77.events", "a", encoding="utf-8") as file:
        file.write(line[:40])
    assert [step.end_ns for step in reader.read().steps] == [1_000_000_000, 2_000_000_000]
    assert reader.read().steps == []
    with open(spool / "77.events", "a", encoding="utf-8") as file:
        file.write(line[40:])
    assert [step.end_ns for step in reader.finish().steps] == [3_000_000_000]


def test_a_broken_line_costs_that_line_only(spool: Path) -> None:
    with open(spool / "77.events", "wb") as file:
        file.write(b'{"k": "step", "l"\n\xff\xfe\n[1]\n')
    _event(spool, _step(1_000_000_000))
    assert len(SpoolReader(str(spool)).finish().steps) == 1


def test_waiters_that_are_written_behind_their_step_are_joined_to_it(spool: Path) -> None:
    reader = SpoolReader(str(spool))
    end = time.monotonic_ns()
    _event(spool, _step(end))
    assert reader.read().steps == [], "its waiters may still come"
    _event(spool, {"k": "waiter", "l": 0, "e": end, "w": [5000, "waits", end - 9]})
    (step,) = reader.finish().steps
    (waiter,) = step.waiters
    assert (waiter.port, waiter.label, waiter.since_ns, waiter.exact) == (5000, "waits", end - 9, False)


def test_nobody_waits_as_the_canary_or_as_the_loop_itself(spool: Path) -> None:
    waiters = [
        [0, "plant_on_loop.<locals>.diag_canary", 0],
        [0, "_run_until_complete_cb", 0],
        [9, "handler", 0],
    ]
    _event(spool, _step(2_000_000_000, w=waiters))
    (step,) = SpoolReader(str(spool)).finish().steps
    assert [waiter.label for waiter in step.waiters] == ["handler"]


def test_served_requests_are_read_as_they_come(spool: Path) -> None:
    reader = SpoolReader(str(spool))
    with open(spool / "77.served", "ab") as file:
        file.write(struct.pack("=4q", 1, 2, 3, 4) + struct.pack("=4q", 5, 6, 7, 8)[:11])
    assert [(s.tid, s.port, s.start_ns, s.end_ns) for s in reader.read().served] == [(1, 2, 3, 4)]
    with open(spool / "77.served", "ab") as file:
        file.write(struct.pack("=4q", 5, 6, 7, 8)[11:])
    assert [(s.tid, s.port, s.start_ns, s.end_ns) for s in reader.read().served] == [(5, 6, 7, 8)]


def test_lines_of_stacks_are_written_once_and_named_by_number(spool: Path) -> None:
    work, main = ["/a.py", 3, "work"], ["/a.py", 9, "main"]
    _watch(
        spool,
        {"k": "stack", "pid": 77, "l": 0, "sent": 1, "seen": 2, "f": [0, 1], "new": [work, main]},
        {"k": "stack", "pid": 77, "l": 0, "sent": 3, "seen": 4, "f": [1], "new": []},
    )
    first, second = SpoolReader(str(spool)).finish().stacks
    assert [(frame.path, frame.line, frame.function) for frame in first.frames] == [tuple(work), tuple(main)]
    assert [frame.function for frame in second.frames] == ["main"]
    assert first.source is StackSource.MEMORY


def test_a_stack_that_the_target_told_itself_is_read(spool: Path) -> None:
    _event(spool, {"k": "stack", "l": 0, "sent": 5, "seen": 8, "f": [["/a.py", 3, "work"]]})
    (stack,) = SpoolReader(str(spool)).finish().stacks
    assert (stack.source, stack.sent_ns, stack.seen_ns) == (StackSource.SIGNAL, 5, 8)


def test_states_and_notes_are_read(spool: Path) -> None:
    _watch(
        spool,
        {"k": "process", "pid": 77, "permitted": False},
        {"k": "state", "pid": 77, "l": 0, "at": 5, "s": "gil-wait", "c": 6, "q": 7},
        {"k": "note", "slug": "py-spy-missing", "detail": ""},
    )
    seen = SpoolReader(str(spool)).finish()
    (state,) = seen.states
    assert (state.at_ns, state.state, state.cpu_ns, state.run_queue_ns) == (5, ThreadState.GIL_WAIT, 6, 7)
    assert dict(seen.notes) == {"no-ptrace": "", "py-spy-missing": ""}


def test_a_step_whose_process_died_is_a_step(spool: Path) -> None:
    _watch(spool, {"k": "unended", "pid": 77, "l": 0, "s": 100, "e": 900})
    (step,) = SpoolReader(str(spool)).finish().steps
    assert isinstance(step, Step)
    assert (step.start_ns, step.end_ns, step.label, step.cpu_ns) == (100, 900, spool_module.UNENDED, None)


def test_a_spool_that_vanished_holds_nothing(tmp_path: Path) -> None:
    seen = SpoolReader(str(tmp_path / "gone")).finish()
    assert (seen.lanes, seen.steps, seen.notes) == ([], [], [])


def test_records_that_find_no_room_are_counted(tmp_path: Path) -> None:
    process = Process(str(tmp_path))
    try:
        os.close(process._served_fd)
        process._served_fd = os.open("/dev/full", os.O_WRONLY)
        process.serve(1, 2, 3, 4)
        assert not process.event({"k": "step", "what": object()})
        assert process.words[w.H_DROPPED] == 2
    finally:
        process.abandon()
    ((slug, text),) = SpoolReader(str(tmp_path)).finish().notes
    assert slug == "spool-full"
    assert text.startswith("2 records")


def test_lanes_are_reused_by_their_kind_and_end(tmp_path: Path) -> None:
    process = Process(str(tmp_path))
    try:
        loop, worker = process.take_lane(w.KIND_ASYNCIO, 1, 0), process.take_lane(w.KIND_WORKER, 2, 0)
        process.give_lane(loop)
        process.give_lane(worker)
        assert process.take_lane(w.KIND_WORKER, 3, 0) == worker
        assert process.take_lane(w.KIND_ASYNCIO, 3, 0) == loop
        rest = [process.take_lane(w.KIND_WORKER, 4, 0) for _ in range(w.MAX_LANES)]
        assert rest.count(-1) == 2
    finally:
        process.abandon()
