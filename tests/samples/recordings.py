"""Recordings made by hand, in fake milliseconds: what a target would have left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from diag.recording import (
    Canary,
    Cell,
    Frame,
    GcPause,
    Lane,
    LaneKind,
    LaneTotals,
    Machine,
    Meta,
    ProcessSample,
    Recording,
    Request,
    Run,
    RunStatus,
    Served,
    Stack,
    StackSource,
    StateSample,
    Step,
    ThreadState,
    Waiter,
)

MS = 1_000_000
ROOT = "/srv/shop"
APP = f"{ROOT}/app.py"
AGENT = "/opt/diag/agent/canary.py"
CANARY_LINE = 49
CANARY_START, CANARY_END = 10, 60
LOAD_START, LOAD_END = 1_000, 11_000

SOURCE = """\
import asyncio
import json
import time
from subprocess import run

import requests


async def report():
    time.sleep(0.1)
    rows = load()
    return render(rows)


def load():
    requests.get("http://db")
    return run(["true"])


def render(rows):
    total = 0
    for row in range(len(rows)):
        total += row * row
    return json.dumps(total)


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


async def health():
    await asyncio.sleep(0)
    return {"ok": True}
"""
SLEEP, LOAD_CALL, RENDER_CALL, GET, RUN, LOOP, ADD, DUMPS = 10, 11, 12, 16, 17, 22, 23, 24

SERVER_FRAMES = (
    Frame(path="/usr/lib/python3.11/asyncio/events.py", line=84, function="_run"),
    Frame(path="/opt/diag/agent/selector_loop.py", line=60, function="timed_run"),
    Frame(path="/usr/lib/python3.11/site-packages/uvicorn/server.py", line=70, function="serve"),
)
FASTAPI = Frame(path="/venv/lib/python3.11/site-packages/fastapi/routing.py", line=200, function="app")


def user(*lines: tuple[int, str], path: str = APP) -> tuple[Frame, ...]:
    """A stack's frames, innermost first: the user's (given outermost first) on top of a server's."""
    frames = tuple(Frame(path=path, line=line, function=function) for line, function in reversed(lines))
    return (*frames, FASTAPI, *SERVER_FRAMES)


AT_SLEEP = user((SLEEP, "report"))
AT_ADD = user((RENDER_CALL, "report"), (ADD, "render"))
AT_LOOP = user((RENDER_CALL, "report"), (LOOP, "render"))
AT_DUMPS = (
    Frame(path="/usr/lib/python3.11/json/encoder.py", line=200, function="encode"),
    *user((RENDER_CALL, "report"), (DUMPS, "render")),
)
AT_GET = (
    Frame(path="/usr/lib/python3.11/socket.py", line=706, function="readinto"),
    Frame(path="/venv/lib/python3.11/site-packages/requests/api.py", line=73, function="get"),
    *user((LOAD_CALL, "report"), (GET, "load")),
)
AT_RUN = user((LOAD_CALL, "report"), (RUN, "load"))


@dataclass(slots=True)
class Scene:
    """A recording in the making; times are milliseconds from the start of everything."""

    kind: str = "app"
    lane_kind: LaneKind = LaneKind.ASYNCIO
    capacity: int = 1
    canary: bool = True
    threshold: float = 10
    expectation: str = ""
    argv: tuple[str, ...] = ("diag", "explain", "app.py")
    sources: dict[str, str] = field(default_factory=lambda: {APP: SOURCE})
    roots: tuple[str, ...] = (ROOT,)
    lanes: list[Lane] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    stacks: list[Stack] = field(default_factory=list)
    states: list[StateSample] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    canaries: list[Canary] = field(default_factory=list)
    samples: list[ProcessSample] = field(default_factory=list)
    pauses: list[GcPause] = field(default_factory=list)
    _iteration: int = 0

    def __post_init__(self) -> None:
        self.lane(1, pid=100)
        if self.canary:
            self.plant(1)

    def lane(self, lane_id: int, *, pid: int) -> None:
        """Add a lane."""
        self.lanes.append(
            Lane(lane_id=lane_id, pid=pid, tid=pid, kind=self.lane_kind, capacity=self.capacity)
        )

    def plant(self, lane: int, *, found: float = CANARY_END - CANARY_START, line: int = CANARY_LINE) -> None:
        """Plant a canary that was found with some length, at some line."""
        frames = (Frame(path=AGENT, line=line, function="block"),)
        self.step(CANARY_START, CANARY_START + found, cpu=0, lane=lane, label="diag_canary", frames=frames)
        self.canaries.append(
            Canary(
                lane_id=lane,
                start_ns=CANARY_START * MS,
                end_ns=CANARY_END * MS,
                path=AGENT,
                line=CANARY_LINE,
            )
        )

    def step(
        self,
        start: float,
        end: float,
        *,
        cpu: float | None = 0,
        queue: float | None = 0,
        gap: float = 0,
        port: int = 0,
        lane: int = 1,
        label: str = "report",
        iteration: int | None = None,
        frames: Sequence[Frame] = (),
        waiters: Sequence[Waiter] = (),
        every: float = 5,
    ) -> None:
        """Add a step; with `frames` a stack by signal every 5 ms shows them."""
        if frames:
            moments = round((end - start) / every)
            for index in range(1, moments) if moments > 1 else (0.5,):
                self.stack(start + index * every, frames, lane=lane)
        if iteration is None:
            self._iteration += 1
            iteration = 1_000 + self._iteration
        self.steps.append(
            Step(
                lane_id=lane,
                iteration=iteration,
                start_ns=round(start * MS),
                end_ns=round(end * MS),
                cpu_ns=None if cpu is None else round(cpu * MS),
                run_queue_ns=None if queue is None else round(queue * MS),
                gap_ns=round(gap * MS),
                request_key=0,
                label=label,
                task="",
                waiters=tuple(waiters),
                port=port,
            )
        )

    def stack(self, at: float, frames: Sequence[Frame], *, lane: int = 1, late: bool = False) -> None:
        """Add a stack from memory; `late` ones were not taken when the step that they were meant for ended."""
        self.stacks.append(
            Stack(
                lane_id=lane,
                sent_ns=round(at * MS),
                seen_ns=round((at + (1_000 if late else 0.2)) * MS),
                source=StackSource.MEMORY,
                frames=tuple(frames),
            )
        )

    def spy(
        self,
        sent: float,
        seen: float,
        frames: Sequence[Frame],
        *,
        active: bool = True,
        owns_gil: bool = True,
        gil_owner: Sequence[Frame] = (),
        lane: int = 1,
    ) -> None:
        """Add a look by py-spy."""
        self.stacks.append(
            Stack(
                lane_id=lane,
                sent_ns=round(sent * MS),
                seen_ns=round(seen * MS),
                source=StackSource.PY_SPY,
                frames=tuple(frames),
                active=active,
                owns_gil=owns_gil,
                gil_owner=tuple(gil_owner),
            )
        )

    def looks(self, start: float, end: float, state: ThreadState, *, lane: int = 1) -> None:
        """Add looks from outside, every millisecond."""
        for at in range(round(start), round(end)):
            self.states.append(StateSample(lane_id=lane, at_ns=at * MS + MS // 2, state=state))

    def counters(self, *points: tuple[float, float, float], state: ThreadState = ThreadState.RUNNING) -> None:
        """Add looks that read the thread's counters: when, CPU time and run-queue time so far."""
        for at, cpu, queue in points:
            self.states.append(
                StateSample(
                    lane_id=1,
                    at_ns=round(at * MS),
                    state=state,
                    cpu_ns=round(cpu * MS),
                    run_queue_ns=round(queue * MS),
                )
            )

    def request(
        self,
        route: str,
        port: int,
        sent: float,
        done: float,
        *,
        intended: float | None = None,
        status: int = 200,
        stream: str = "app",
        app: tuple[float, float] | None = None,
        lane: int = 1,
    ) -> None:
        """Add a request; with `app` the target wrote down when the application began and ended."""
        self.requests.append(
            Request(
                stream=stream,
                route=route,
                port=port,
                intended_ns=round((sent if intended is None else intended) * MS),
                sent_ns=round(sent * MS),
                first_byte_ns=round(done * MS) if status > 0 else 0,
                done_ns=round(done * MS),
                status=status,
                body_bytes=10,
            )
        )
        if app is not None:
            pid = next(one.pid for one in self.lanes if one.lane_id == lane)
            start, end = app
            self.served.append(
                Served(pid=pid, tid=0, port=port, start_ns=round(start * MS), end_ns=round(end * MS))
            )

    def collection(self, start: float, end: float, *, pid: int = 100, tid: int = 100) -> None:
        """Add a garbage collection of the oldest generation."""
        self.pauses.append(
            GcPause(pid=pid, tid=tid, start_ns=round(start * MS), end_ns=round(end * MS), generation=2)
        )

    def run(self, **changes: object) -> Run:
        """The run as it stands."""
        run = Run(
            run_id=1,
            cell=Cell(
                label="app", target="app.py", server="uvicorn", loop="asyncio", load="closed, 20 users"
            ),
            trial=1,
            status=RunStatus.DONE,
            started_ns=0,
            ended_ns=(LOAD_END + 500) * MS,
            load_started_ns=0 if self.kind == "script" else LOAD_START * MS,
            load_ended_ns=0 if self.kind == "script" else LOAD_END * MS,
            lanes=tuple(self.lanes),
            totals=tuple(
                LaneTotals(lane_id=lane.lane_id, steps=10_000, busy_ns=1_000 * MS) for lane in self.lanes
            ),
            steps=tuple(self.steps),
            stacks=tuple(self.stacks),
            states=tuple(self.states),
            requests=tuple(self.requests),
            served=tuple(self.served),
            canaries=tuple(self.canaries),
            samples=tuple(self.samples),
            pauses=tuple(self.pauses),
        )
        return replace(run, **changes)  # type: ignore[arg-type]

    def recording(self, *more: Run, **changes: object) -> Recording:
        """The recording as it stands; `changes` are the first run's."""
        return Recording(
            meta=Meta(
                schema_version=1,
                diag_version="0.1.0",
                argv=self.argv,
                target="app.py",
                target_kind=self.kind,
                roots=self.roots,
                created_utc="2026-11-20T08:00:00Z",
                seed=1,
                threshold_ns=round(self.threshold * MS),
                machine=Machine(
                    python="3.11.7", implementation="CPython", platform="linux", cores=2, memory_bytes=8 << 30
                ),
                finished=True,
                expectation=self.expectation,
            ),
            runs=(self.run(**changes), *more),
            sources=self.sources,
        )


def waiter(port: int = 0, since: float = 0, *, label: str = "health", exact: bool = True) -> Waiter:
    """Somebody found waiting when a step ended."""
    return Waiter(request_key=0, label=label, since_ns=round(since * MS), exact=exact, port=port)


def healthy(scene: Scene, count: int = 30, route: str = "GET /health") -> Scene:
    """Add requests that nothing happened to."""
    for index in range(count):
        scene.request(route, 30_000 + index, 2_000 + index, 2_003 + index)
    return scene
