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

from diag import overlay
from diag.driving import Drive, drive
from diag.errors import DiagError, ServerError
from diag.limits import confine
from diag.load.client import LoadError
from diag.plan import StreamPlan
from diag.probes.counters import difference
from diag.probes.counters import read as read_counters
from diag.probes.observer import Observer
from diag.recording import (
    SERVER_SETTING,
    Counter,
    Degradation,
    Incident,
    IncidentKind,
    Limit,
    LoadSummary,
    Pickling,
    Request,
    RunStatus,
    Unmeasured,
)
from diag.script import run_script
from diag.servers import get_server
from diag.servers.incidents import after_it_ended, killed_for_memory, refused, while_it_ran
from diag.servers.process import HOST, start_server
from diag.servers.readiness import OUT_OF_MEMORY
from diag.survey import load_duration, survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from diag.limits import Confinement
    from diag.plan import ScriptPlan, ServePlan
    from diag.probes.spool import Seen
    from diag.progress import Progress
    from diag.recording import Stack
    from diag.servers.process import ServerProcess
    from diag.store import RecordingWriter

POLL_S = 0.1
SETTLE_S = 0.06
"""After the load: the agent publishes its sums within this time."""

MAX_SOURCES = 400
MAX_SOURCE_BYTES = 1_000_000
_FATAL = (IncidentKind.OUT_OF_MEMORY, IncidentKind.DIED)
_CANARY = "canary"
HELD_BACK = "held_back_ns"
"""The counter of the time for which a limit on CPU kept the target's threads from running."""

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
    counters: tuple[Counter, ...] = ()
    limits: tuple[Limit, ...] = ()
    incidents: list[Incident] = field(default_factory=list)


class Runner:
    """Makes runs, one after the other, into one recording."""

    def __init__(
        self, writer: RecordingWriter, progress: Progress, *, known_sources: Iterable[str] = ()
    ) -> None:
        """Take what runs are written to.

        Args:
            writer: of the recording.
            progress: told what is going on.
            known_sources: files whose text the recording holds already. It must not hold that of an overlay's
                files either: they are not what lies on disk.
        """
        self._writer = writer
        self._progress = progress
        self._sources = set(known_sources)

    def serve(self, plan: ServePlan) -> int:
        """Serve an app, survey its routes, load it; returns the run's id.

        Raises:
            DiagError: the app could not be served; the recording says so too.
        """
        return self._run(
            plan, lambda observer, run_id, outcome: self._served(plan, observer, run_id, outcome)
        )

    def script(self, plan: ScriptPlan) -> int:
        """Run a script; returns the run's id."""
        return self._run(
            plan, lambda observer, run_id, outcome: self._scripted(plan, observer, run_id, outcome)
        )

    def _run(self, plan: ServePlan | ScriptPlan, act: Callable[[Observer, int, _Outcome], None]) -> int:
        run_id = self._writer.begin_run(plan.cell, plan.trial)
        if plan.attempt is not None:
            self._writer.add_attempts(run_id, [plan.attempt])
            self._sources.update(plan.overlay or ())
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
        self._writer.add_counters(run_id, outcome.counters)
        self._writer.add_limits(run_id, outcome.limits)
        self._writer.add_incidents(run_id, outcome.incidents)
        messages, octets, ns = overlay.read_pickles(os.path.join(observer.spool, overlay.FOLDER))
        if messages:
            self._writer.add_pickling(run_id, [Pickling(messages=messages, octets=octets, ns=ns)])
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
        outcome.notes.extend(Degradation(slug="remark", text=text) for text in plan.notes)
        settings = get_server(plan.server.server).notes
        outcome.notes.extend(Degradation(slug=SERVER_SETTING, text=text) for text in settings)
        self._progress.stage(f"{plan.cell.label}: starting {plan.cell.server}")
        with confine(observer.run_id, cpus=plan.cpus, memory_bytes=plan.memory_bytes) as limits:
            try:
                self._confined(plan, observer, run_id, outcome, limits)
            except ServerError as error:
                if error.slug != OUT_OF_MEMORY:
                    raise
                _blame(outcome, Incident(kind=IncidentKind.OUT_OF_MEMORY, text=f"{error.what}."))
            finally:
                outcome.limits = limits.state()

    def _confined(
        self, plan: ServePlan, observer: Observer, run_id: int, outcome: _Outcome, limits: Confinement
    ) -> None:
        folder = Path(observer.spool)
        with start_server(
            plan.app,
            plan.server,
            folder=folder,
            run_id=observer.run_id,
            spool=folder,
            cwd=plan.cwd,
            host=plan.listen or HOST,
            port=plan.port,
            environment=_with_overlay(plan.environment, plan.overlay, folder),
            timeout_s=min(plan.timeout_ns / 1e9, 60.0),
            limits=limits,
        ) as server:
            outcome.ready_ns = time.monotonic_ns()
            observer.sample(server.pids)
            streams, duration_ns = self._survey(plan, server, run_id, outcome)
            if streams:
                self._load(plan, server, observer, run_id, outcome, streams, duration_ns)
            time.sleep(SETTLE_S)
            for incident in while_it_ran(server):
                _blame(outcome, incident)
        outcome.incidents.extend(after_it_ended(server.ending))

    def _survey(
        self, plan: ServePlan, server: ServerProcess, run_id: int, outcome: _Outcome
    ) -> tuple[list[StreamPlan], int]:
        """Send each request alone, warming up; keep what can be driven."""
        if not plan.shape.surveyed:
            return list(plan.streams), plan.duration_ns or 0
        self._progress.stage(f"{plan.cell.label}: one request at a time")
        requests = [request for stream in plan.streams for request in stream.requests]
        answers = survey(server.url, requests, timeout_s=plan.timeout_ns / 1e9, progress=self._progress)
        self._writer.add_requests(run_id, [request for answer in answers for request in answer.sent])
        if plan.attempt is not None:
            self._writer.add_answers(run_id, [said for answer in answers for said in answer.said])
        dropped = {}
        for answer in answers:
            reason = answer.why_not(required=answer.route in plan.required)
            if reason:
                dropped[answer.route] = reason
        for route, reason in dropped.items():
            outcome.unmeasured.append(Unmeasured(route=route, reason=reason))
            outcome.routes.remove(route)
        streams = [kept for stream in plan.streams if (kept := stream.without(dropped)).requests]
        if not streams or (plan.attempt is None and all(stream.name == "ping" for stream in streams)):
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
        self._progress.stage(f"{plan.cell.label}: {_extent(plan, duration_ns)} under load")
        before: dict[str, int] = {}

        def held_back() -> dict[str, int]:
            some = server.limits.state()
            return {HELD_BACK: sum(one.held_back_ns for one in some)} if some else {}

        def began(at_ns: int) -> None:
            outcome.load_started_ns = at_ns
            before.update(read_counters(server.pids()) | held_back())
            observer.sample_now()

        def beat(fraction: float) -> None:
            self._progress.advance(fraction)
            self._write(run_id, observer.read(), outcome)

        def ended(at_ns: int, requests: Sequence[Request]) -> None:
            outcome.load_ended_ns = at_ns
            observer.sample_now()
            outcome.counters = difference(before, read_counters(server.pids()) | held_back())
            self._writer.add_requests(run_id, requests)

        observer.sample_now()
        hooks = Drive(alive=server.alive, began=began, ended=ended, beat=beat, pause_s=POLL_S)
        try:
            driven = drive(plan, streams, duration_ns, server.port, observer.spool, hooks)
        except LoadError as error:
            outcome.status, outcome.failure = RunStatus.FAILED, f"The load could not be made: {error}"
            return
        self._writer.add_streams(run_id, driven.streams)
        if driven.summary is not None:
            outcome.load_ended_ns = driven.ended_ns
            outcome.load = driven.summary
            outcome.errors.extend(driven.notes)
            if server.alive():
                outcome.incidents.extend(refused(driven.refused, driven.refusals))

    # Scripts --------------------------------------------------------------------------------------------

    def _scripted(self, plan: ScriptPlan, observer: Observer, run_id: int, outcome: _Outcome) -> None:
        self._progress.stage(f"running {plan.cell.label}")
        outcome.load_started_ns = time.monotonic_ns()
        with confine(observer.run_id, cpus=plan.cpus, memory_bytes=plan.memory_bytes) as limits:
            try:
                end = run_script(
                    plan, observer, lambda: self._write(run_id, observer.read(), outcome), limits
                )
                outcome.notes.extend(end.notes)
                if end.failure:
                    outcome.status, outcome.failure = RunStatus.FAILED, end.failure
            finally:
                outcome.load_ended_ns = time.monotonic_ns()
                outcome.limits = limits.state()
            killed = killed_for_memory(limits)
            if killed is not None:
                _blame(outcome, killed)


def _with_overlay(
    environment: Mapping[str, str], texts: Mapping[str, str] | None, folder: Path
) -> dict[str, str]:
    """The target's variables, those of an overlay among them."""
    if texts is None:
        return dict(environment)
    return {**environment, **overlay.write(str(folder / overlay.FOLDER), texts, pickles=True)}


def _blame(outcome: _Outcome, incident: Incident) -> None:
    """Note an incident; figures of a server that died, or that did not fit into its memory, are none."""
    outcome.incidents.append(incident)
    if incident.kind in _FATAL:
        text = incident.text.rstrip(".")
        outcome.status, outcome.failure = RunStatus.FAILED, text[0].lower() + text[1:]


def _extent(plan: ServePlan, duration_ns: int) -> str:
    """How long, or how many."""
    return f"{plan.shape.total:,} requests" if plan.shape.total else f"{duration_ns / 1e9:.1f} s"
