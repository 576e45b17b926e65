"""From a plan to a recording: start the target, drive it, watch it, write down what was seen.

    with RecordingWriter(path, meta) as writer:
        runner = Runner(writer, progress)
        runner.serve(plan)

A run that fails is in the recording too, with its reason. An interrupt ends the target, keeps what was
seen, and goes on up.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sysconfig
import time
import tokenize
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from diag.errors import DiagError
from diag.load.client import LoadError, LoadProcess
from diag.load.records import ErrorCode
from diag.load.spec import Closed, LoadSpec, Open, Stream
from diag.load.spec import Request as LoadRequest
from diag.plan import StreamPlan
from diag.probes.observer import Observer
from diag.recording import Degradation, LoadSummary, Request, RunStatus, Unmeasured
from diag.script import run_script
from diag.servers.exits import describe_exit
from diag.servers.process import start_server
from diag.survey import load_duration, survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from diag.load.result import LoadResult
    from diag.plan import ScriptPlan, ServePlan
    from diag.probes.spool import Seen
    from diag.progress import Progress
    from diag.recording import Cell, Stack
    from diag.servers.process import ServerProcess
    from diag.store import RecordingWriter

POLL_S = 0.1
SETTLE_S = 0.06
"""After the load: the agent publishes its sums within this time."""

DRAIN_NS = 8_000_000_000
MAX_SOURCES = 400
MAX_SOURCE_BYTES = 1_000_000
_CANARY = "canary"
_PACKAGE = str(Path(__file__).parent) + os.sep
_NO_CULPRITS = (sysconfig.get_path("stdlib") + os.sep + "asyncio" + os.sep, _PACKAGE)
_SHIPPED = _PACKAGE + "_workloads" + os.sep
"""Where no culprit can be, the loop's own files and diag's, but for the workloads that diag ships."""


@dataclass(slots=True)
class _Outcome:
    """What `end_run` is told."""

    status: RunStatus = RunStatus.DONE
    failure: str = ""
    load_started_ns: int = 0
    load_ended_ns: int = 0
    load: LoadSummary | None = None
    routes: list[str] = field(default_factory=list)
    unmeasured: list[Unmeasured] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[Degradation] = field(default_factory=list)
    ready_ns: int = 0


class Runner:
    """Makes runs, one after the other, into one recording."""

    def __init__(self, writer: RecordingWriter, progress: Progress) -> None:
        self._writer = writer
        self._progress = progress
        self._sources: set[str] = set()

    def serve(self, plan: ServePlan) -> int:
        """Serve an app, survey its routes, load it; returns the run's id.

        Raises:
            DiagError: the app could not be served; the recording says so too.
        """
        return self._run(
            plan.cell, lambda observer, run_id, outcome: self._served(plan, observer, run_id, outcome)
        )

    def script(self, plan: ScriptPlan) -> int:
        """Run a script; returns the run's id."""
        return self._run(
            plan.cell, lambda observer, run_id, outcome: self._scripted(plan, observer, run_id, outcome)
        )

    def _run(self, cell: Cell, act: Callable[[Observer, int, _Outcome], None]) -> int:
        run_id = self._writer.begin_run(cell, 1)
        outcome = _Outcome()
        observer = Observer(f"{os.getpid()}-{secrets.token_hex(4)}")
        with contextlib.ExitStack() as stack:
            stack.enter_context(observer)
            try:
                act(observer, run_id, outcome)
            except DiagError as error:
                outcome.status, outcome.failure = RunStatus.FAILED, error.what
                raise
            except BaseException as error:
                outcome.status, outcome.failure = RunStatus.INTERRUPTED, type(error).__name__
                raise
            finally:
                self._finish(observer, run_id, outcome)
        return run_id

    def _finish(self, observer: Observer, run_id: int, outcome: _Outcome) -> None:
        self._write(run_id, observer.finish(), outcome)
        self._writer.add_samples(run_id, observer.samples())
        self._writer.end_run(
            run_id,
            outcome.status,
            load_started_ns=outcome.load_started_ns,
            load_ended_ns=outcome.load_ended_ns,
            failure=outcome.failure,
            load=outcome.load,
            routes=outcome.routes,
            unmeasured=outcome.unmeasured,
            degradations=[*outcome.notes, *observer.degradations()],
            errors=outcome.errors,
        )

    def _write(self, run_id: int, seen: Seen, outcome: _Outcome) -> None:
        """Write down what the spool gained. What ran before the server was ready, imports, held nobody up."""
        writer = self._writer
        writer.add_lanes(run_id, seen.lanes)
        writer.add_totals(run_id, seen.totals)
        writer.add_steps(run_id, [s for s in seen.steps if s.end_ns > outcome.ready_ns or _CANARY in s.label])
        writer.add_stacks(run_id, seen.stacks)
        self._keep_sources(seen.stacks)
        writer.add_states(run_id, seen.states)
        writer.add_pauses(run_id, seen.pauses)
        writer.add_served(run_id, seen.served)
        writer.add_canaries(run_id, seen.canaries)

    def _keep_sources(self, stacks: Iterable[Stack]) -> None:
        """Keep the text of files that stacks name: it may have changed when the recording is looked at."""
        for path in {frame.path for stack in stacks for frame in (*stack.frames, *stack.gil_owner)}:
            if path in self._sources or len(self._sources) >= MAX_SOURCES:
                continue
            self._sources.add(path)
            if path.endswith(".py") and (path.startswith(_SHIPPED) or not path.startswith(_NO_CULPRITS)):
                with contextlib.suppress(OSError, SyntaxError, UnicodeError):
                    if os.path.getsize(path) <= MAX_SOURCE_BYTES:
                        with tokenize.open(path) as file:
                            self._writer.add_source(path, file.read())

    # Served apps ----------------------------------------------------------------------------------------

    def _served(self, plan: ServePlan, observer: Observer, run_id: int, outcome: _Outcome) -> None:
        outcome.unmeasured.extend(plan.unmeasured)
        outcome.routes.extend(dict.fromkeys(r.route for s in plan.streams for r in s.requests))
        self._progress.stage(f"{plan.cell.label}: starting {plan.cell.server}")
        folder = Path(observer.spool)
        with start_server(
            plan.app,
            plan.server,
            folder=folder,
            run_id=observer.run_id,
            spool=folder,
            cwd=plan.cwd,
            port=plan.port,
            environment=plan.environment,
            timeout_s=min(plan.timeout_ns / 1e9, 60.0),
        ) as server:
            outcome.ready_ns = time.monotonic_ns()
            observer.sample(server.pids)
            streams, duration_ns = self._survey(plan, server, run_id, outcome)
            if streams:
                self._load(plan, server, observer, run_id, outcome, streams, duration_ns)
            time.sleep(SETTLE_S)
            self._look_after(server, outcome)
        ending = server.ending
        if ending is not None and ending.forced:
            outcome.errors.append(f"The server {ending.words} after it was asked to stop.")

    def _survey(
        self, plan: ServePlan, server: ServerProcess, run_id: int, outcome: _Outcome
    ) -> tuple[list[StreamPlan], int]:
        """Send each request alone, warming up; keep what can be driven."""
        self._progress.stage(f"{plan.cell.label}: one request at a time")
        requests = [request for stream in plan.streams for request in stream.requests]
        answers = survey(server.url, requests, timeout_s=plan.timeout_ns / 1e9, progress=self._progress)
        self._writer.add_requests(run_id, [request for answer in answers for request in answer.sent])
        dropped = {}
        for answer in answers:
            reason = answer.why_not(required=answer.route in plan.required)
            if reason:
                dropped[answer.route] = reason
        for route, reason in dropped.items():
            outcome.unmeasured.append(Unmeasured(route=route, reason=reason))
            outcome.routes.remove(route)
        streams = [
            StreamPlan(name=stream.name, requests=kept, users=stream.users, rate=stream.rate)
            for stream in plan.streams
            if (kept := tuple(request for request in stream.requests if request.route not in dropped))
        ]
        if not any(stream.name != "ping" for stream in streams):
            return [], 0
        return streams, plan.duration_ns or load_duration([a for a in answers if a.route not in dropped])

    def _load(
        self,
        plan: ServePlan,
        server: ServerProcess,
        observer: Observer,
        run_id: int,
        outcome: _Outcome,
        streams: Sequence[StreamPlan],
        duration_ns: int,
    ) -> None:
        spec = _load_spec(streams, server.port, observer.spool, duration_ns, plan)
        self._progress.stage(f"{plan.cell.label}: {duration_ns / 1e9:.1f} s under load")
        observer.sample_now()
        try:
            with LoadProcess(spec) as load:
                outcome.load_started_ns = load.begin(timeout_s=20)
                try:
                    result = self._await_load(load, server, observer, run_id, outcome, duration_ns)
                finally:
                    outcome.load_ended_ns = time.monotonic_ns()
                    observer.sample_now()
                    self._writer.add_requests(run_id, _requests(load, streams))
        except LoadError as error:
            outcome.status, outcome.failure = RunStatus.FAILED, f"The load could not be made: {error}"
            return
        if result is not None:
            outcome.load_ended_ns = result.ended_ns
            outcome.load = _summary(result)
            outcome.errors.extend(result.notes)
            outcome.errors.extend(_error_words(result))

    def _await_load(
        self,
        load: LoadProcess,
        server: ServerProcess,
        observer: Observer,
        run_id: int,
        outcome: _Outcome,
        duration_ns: int,
    ) -> LoadResult | None:
        """Until the load is over, or the server is dead."""
        until = outcome.load_started_ns + duration_ns + DRAIN_NS + 5_000_000_000
        while (result := load.poll()) is None:
            now = time.monotonic_ns()
            if not server.alive() or now > until:
                load.stop()
                return None
            self._progress.advance(min(1.0, (now - outcome.load_started_ns) / duration_ns))
            self._write(run_id, observer.read(), outcome)
            time.sleep(POLL_S)
        return result

    def _look_after(self, server: ServerProcess, outcome: _Outcome) -> None:
        if not server.alive():
            code = server.returncode
            how = "died" if code is None else describe_exit(code)
            last = next(reversed(server.log_tail().splitlines()), "")
            outcome.status = RunStatus.FAILED
            outcome.failure = f"the server {how} while it was measured{last and f'; its last line: {last}'}"

    # Scripts --------------------------------------------------------------------------------------------

    def _scripted(self, plan: ScriptPlan, observer: Observer, run_id: int, outcome: _Outcome) -> None:
        self._progress.stage(f"running {plan.cell.label}")
        outcome.load_started_ns = time.monotonic_ns()
        try:
            end = run_script(plan, observer, lambda: self._write(run_id, observer.read(), outcome))
            outcome.notes.extend(end.notes)
            if end.failure:
                outcome.status, outcome.failure = RunStatus.FAILED, end.failure
        finally:
            outcome.load_ended_ns = time.monotonic_ns()


def _load_spec(
    streams: Sequence[StreamPlan], port: int, spool: str, duration_ns: int, plan: ServePlan
) -> LoadSpec:
    return LoadSpec(
        port=port,
        records_path=os.path.join(spool, "load.records"),
        seed=plan.seed,
        cpu=_last_core(),
        drain_ns=DRAIN_NS,
        streams=tuple(
            Stream(
                name=stream.name,
                requests=tuple(
                    LoadRequest(
                        method=request.method,
                        path=request.path,
                        headers=request.headers,
                        body=request.body,
                        weight=request.weight,
                        label=request.route,
                    )
                    for request in stream.requests
                ),
                load=Closed(users=stream.users) if stream.users else Open(rate=stream.rate),
                duration_ns=duration_ns,
                timeout_ns=plan.timeout_ns,
            )
            for stream in streams
        ),
    )


def _last_core() -> int | None:
    """A core for the generator where there are two or more; the kernel keeps servers off a busy one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[-1] if len(cores) > 1 else None


def _requests(load: LoadProcess, streams: Sequence[StreamPlan]) -> list[Request]:
    return [
        Request(
            stream=streams[record.stream].name,
            route=streams[record.stream].requests[record.request].route,
            port=record.port,
            intended_ns=record.intended_ns,
            sent_ns=record.sent_ns,
            first_byte_ns=record.first_byte_ns,
            done_ns=record.done_ns,
            status=record.status,
            body_bytes=record.body_bytes,
        )
        for record in load.records()
    ]


def _summary(result: LoadResult) -> LoadSummary:
    return LoadSummary(
        wall_ns=result.wall_ns,
        cpu_ns=result.cpu_ns,
        lag_p99_ns=result.lag_p99_ns,
        reconnects=sum(stream.reconnects for stream in result.streams),
        generator_bound=result.generator_bound,
    )


def _error_words(result: LoadResult) -> list[str]:
    counts: dict[ErrorCode, int] = {}
    for stream in result.streams:
        for code, count in stream.errors.items():
            counts[code] = counts.get(code, 0) + count
    return [f"{count:,} requests {code.words}." for code, count in sorted(counts.items())]
