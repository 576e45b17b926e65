"""A recording as a trace for https://ui.perfetto.dev, in the JSON format of trace events.

Each run is a group of tracks: its requests by route, and its CPU time and memory. Each process of its server
is another: the steps of every lane, the blocks among them with their culprits, the stacks that were seen, and
what part of each step the machine did not run. One clock for all. Events are written as they are made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import pairwise

from diag import __version__
from diag.analysis.case import Case
from diag.analysis.causes import main_cause, shares
from diag.analysis.culprits import Culprit
from diag.analysis.parts import Part
from diag.analysis.stretches import edges, stretches
from diag.analysis.timeline import Exchange, Held
from diag.recording import Lane, Recording
from diag.reports.exported import cases_of, frame_name, lane_name, run_name, text

_FORMAT = "the JSON trace event format, ts and dur in microseconds"
# A request that waited less than this shows no waiting of its own: a million of them would only cost room.
_LEAST_WAIT_NS = 1_000_000
# Numbers of tracks: runs are this far apart, so that a process that has the pid of an earlier one is another.
_RUN_SPAN = 10_000
_STEPS, _BLOCKS, _STACKS, _KINDS = 1, 2, 3, 4

Event = str
Argument = str | int | float | bool


def pieces(recording: Recording) -> Iterator[str]:
    """The trace's text, event by event."""
    head = {
        "displayTimeUnit": "ms",
        "otherData": {"diag": __version__, "target": text(recording.meta.target), "format": _FORMAT},
    }
    yield json.dumps(head)[:-1] + ', "traceEvents": [\n'
    cases = cases_of(recording)
    origin = min((_begin(case) for case in cases), default=0)
    separator = ""
    for number, case in enumerate(cases, start=1):
        for event in _Writer(origin).run(case, number, run_name(case.run, recording)):
            yield separator + event
            separator = ",\n"
    yield "\n]}\n"


def _begin(case: Case) -> int:
    starts = [case.run.started_ns, *(one.step.start_ns for one in case.timeline.held[:1])]
    return min(starts + [one.request.intended_ns for one in case.timeline.exchanges[:1]])


class _Writer:
    """Makes events whose times count from one moment."""

    def __init__(self, origin: int) -> None:
        self._origin = origin

    # Events --------------------------------------------------------------------------------------------

    def _slice(
        self,
        track: tuple[int, int],
        name: str,
        start: int,
        end: int,
        args: Mapping[str, Argument] | None = None,
        kind: str = "",
    ) -> Event:
        about = f',"cat":{json.dumps(kind)}' if kind else ""
        about += f',"args":{json.dumps(args)}' if args else ""
        where = f'"pid":{track[0]},"tid":{track[1]}'
        times = f'"ts":{self._at(start)},"dur":{_microseconds(end - start)}'
        return f'{{"ph":"X",{where},{times},"name":{json.dumps(name)}{about}}}'

    def _edge(self, track: tuple[int, int], name: str, at: int, *, opens: bool) -> Event:
        where = f'"pid":{track[0]},"tid":{track[1]},"ts":{self._at(at)}'
        return f'{{"ph":"B",{where},"name":{json.dumps(name)}}}' if opens else f'{{"ph":"E",{where}}}'

    def _counter(self, pid: int, name: str, at: int, value: float) -> Event:
        shown = json.dumps({"value": round(value, 4)})
        return f'{{"ph":"C","pid":{pid},"ts":{self._at(at)},"name":{json.dumps(name)},"args":{shown}}}'

    def _at(self, ns: int) -> str:
        return _microseconds(max(0, ns - self._origin))

    # Groups of tracks ----------------------------------------------------------------------------------

    def run(self, case: Case, number: int, name: str) -> Iterator[Event]:
        """Everything of one run."""
        first = number * _RUN_SPAN
        title = f"run {number}: {name}"
        yield from _process(first, title, first)
        yield _thread(first, 1, "run", 1)
        start, end = case.timeline.window
        yield self._slice((first, 1), title, case.run.started_ns, max(case.run.ended_ns, end))
        if case.run.load_started_ns:
            yield self._slice((first, 1), text(f"load: {case.run.cell.load}"), start, end)
        yield from self._usage(case, first)
        yield from self._requests(case, first)
        pids = sorted({lane.pid for lane in case.run.lanes})
        for place, pid in enumerate(pids, start=1):
            group = first + place
            yield from _process(group, f"run {number}: {name}, process {pid}", group)
            lanes = [lane for lane in case.run.lanes if lane.pid == pid]
            for index, lane in enumerate(lanes):
                yield from self._lane(case, lane, group, index * _KINDS)
            yield from self._collections(case, pid, group, len(lanes) * _KINDS + 1)

    def _lane(self, case: Case, lane: Lane, group: int, base: int) -> Iterator[Event]:
        name = lane_name(lane)
        steps, blocks, stacks = ((group, base + kind) for kind in (_STEPS, _BLOCKS, _STACKS))
        yield _thread(*steps, f"{name}: steps of 1 ms and longer", base + _STEPS)
        yield _thread(*blocks, f"{name}: blocks", base + _BLOCKS)
        yield _thread(*stacks, f"{name}: stacks", base + _STACKS)
        mine = [one for one in case.timeline.held if one.lane is lane]
        for one in mine:
            yield self._slice(steps, _step_name(one), one.step.start_ns, one.step.end_ns, _step_args(one))
        yield from self._starvation(mine, group, name)
        yield from self._blocks(case, lane, blocks)
        for owner, some in stretches(case):
            if owner is lane:
                for edge in edges(some):
                    yield self._edge(stacks, frame_name(edge.frame, case.code), edge.at_ns, opens=edge.opens)

    def _starvation(self, held: Iterable[Held], group: int, name: str) -> Iterator[Event]:
        """What part of each step its thread waited for a CPU, and what part it was on one."""
        for one in held:
            for what, amount in (("run-queue wait", one.run_queue_ns), ("CPU", one.cpu_ns)):
                if amount is not None:
                    track = f"{what} of {name} (share of a step)"
                    yield self._counter(group, track, one.step.start_ns, min(1.0, amount / one.wall_ns))
                    yield self._counter(group, track, one.step.end_ns, 0.0)

    def _blocks(self, case: Case, lane: Lane, track: tuple[int, int]) -> Iterator[Event]:
        for culprit in (*case.culprits, *case.holders):
            place = culprit.place(culprit.parts)
            where = case.code.location(place.line) if place else None
            name = text(f"{where.path}:{where.line} {where.text}" if where else "line not seen")
            for part in culprit.parts:
                if part.block.lane is not lane or not part.segments:
                    continue
                args = _block_args(culprit, part)
                if where:
                    args["function"] = text(where.function)
                kind = str(args["cause"])
                for start, end in part.segments:
                    yield self._slice(track, name, start, end, args, kind)

    def _collections(self, case: Case, pid: int, group: int, tid: int) -> Iterator[Event]:
        pauses = [pause for pause in case.run.pauses if pause.pid == pid]
        if pauses:
            yield _thread(group, tid, "garbage collection", tid)
        last = 0
        for pause in sorted(pauses, key=lambda one: one.start_ns):
            if pause.start_ns >= last:
                name = f"generation {pause.generation}"
                yield self._slice((group, tid), name, pause.start_ns, pause.end_ns)
                last = pause.end_ns

    def _usage(self, case: Case, group: int) -> Iterator[Event]:
        """CPU time and memory of the process tree, between two looks the mean."""
        samples = sorted(case.run.samples, key=lambda one: one.at_ns)
        for before, after in pairwise(samples):
            if after.at_ns > before.at_ns:
                cores = max(0, after.cpu_ns - before.cpu_ns) / (after.at_ns - before.at_ns)
                yield self._counter(group, "CPU of all processes (cores)", before.at_ns, cores)
            yield self._counter(group, "resident memory (MB)", before.at_ns, before.rss_bytes / 1e6)
        for last in samples[-1:]:
            yield self._counter(group, "CPU of all processes (cores)", last.at_ns, 0.0)
            yield self._counter(group, "resident memory (MB)", last.at_ns, last.rss_bytes / 1e6)

    def _requests(self, case: Case, group: int) -> Iterator[Event]:
        """Requests by route, on as few tracks as there were requests of the route at a time."""
        packs: dict[str, _Pack] = {}
        used = 1
        for one in case.timeline.exchanges:
            route = one.request.route
            pack = packs.setdefault(route, _Pack())
            place, new = pack.take(one.request.intended_ns, one.request.done_ns, used + 1)
            if new:
                used += 1
                order = 10 + list(packs).index(route) * 1_000 + pack.tracks
                yield _thread(group, place, text(f"{route} #{pack.tracks}"), order)
            yield from self._request(one, (group, place))

    def _request(self, one: Exchange, track: tuple[int, int]) -> Iterator[Event]:
        request = one.request
        name = text(f"{request.route} {request.status if request.status > 0 else 'no answer'}")
        yield self._slice(track, name, request.intended_ns, request.done_ns, {"status": request.status})
        if one.app_from_ns - request.intended_ns >= _LEAST_WAIT_NS:
            until = min(one.app_from_ns, request.done_ns)
            yield self._slice(track, "waiting for its first step", request.intended_ns, until)
        last = one.app_from_ns
        for held in one.own:
            start, end = max(held.step.start_ns, last), min(held.step.end_ns, request.done_ns)
            if end > start:
                yield self._slice(track, "own step", start, end)
                last = end


class _Pack:
    """Tracks of one route: each interval goes to one that is free, so that none overlap."""

    def __init__(self) -> None:
        self.tracks = 0
        self._busy: list[tuple[int, int]] = []
        self._free: list[int] = []

    def take(self, start: int, end: int, fresh: int) -> tuple[int, bool]:
        """The number of a track that is free from `start`, and whether it is the new one, `fresh`."""
        while self._busy and self._busy[0][0] <= start:
            heappush(self._free, heappop(self._busy)[1])
        new = not self._free
        place = fresh if new else heappop(self._free)
        self.tracks += new
        heappush(self._busy, (end, place))
        return place, new


def _process(pid: int, name: str, order: int) -> Iterator[Event]:
    yield _metadata(pid, 0, "process_name", "name", name)
    yield _metadata(pid, 0, "process_sort_index", "sort_index", order)


def _thread(pid: int, tid: int, name: str, order: int) -> Event:
    named = _metadata(pid, tid, "thread_name", "name", name)
    return f"{named},\n{_metadata(pid, tid, 'thread_sort_index', 'sort_index', order)}"


def _metadata(pid: int, tid: int, kind: str, key: str, value: str | int) -> Event:
    thread = f',"tid":{tid}' if tid else ""
    return f'{{"ph":"M","pid":{pid}{thread},"name":"{kind}","args":{json.dumps({key: value})}}}'


def _step_name(one: Held) -> str:
    name = "canary, planted by diag" if one.canary else one.step.label
    return text(f"{one.route}: {name}" if one.route and not one.canary else name) or "step"


def _step_args(one: Held) -> dict[str, Argument]:
    args: dict[str, Argument] = {"iteration": one.step.iteration, "run_queue_ms": one.run_queue_ns / 1e6}
    if one.cpu_ns is not None:
        args["cpu_ms"] = one.cpu_ns / 1e6
    if one.step.task:
        args["task"] = text(one.step.task)
    return args


def _block_args(culprit: Culprit, part: Part) -> dict[str, Argument]:
    split = shares(part.split, culprit.gil)
    main = main_cause(split)
    args: dict[str, Argument] = {
        "cause": main.words if main else "unknown",
        "about": text(part.block.scope),
        "own_ms": part.split.own_ns / 1e6,
        "convoy": part.block.convoy,
        "stacks": part.stacks,
    }
    return args | {f"{share.cause.words} (ms)": share.ns / 1e6 for share in split}


def _microseconds(ns: int) -> str:
    """Nanoseconds as a decimal number of microseconds, exactly."""
    return f"{ns // 1_000}.{ns % 1_000:03d}"
