"""Making the load of one run: a spec for the generator, its warm-up, the waiting, and what it came to."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.load.client import LoadProcess
from diag.load.external import ToolLoad, run_tool
from diag.load.locust import drive_locust
from diag.load.locust_master import Master, reachable_from
from diag.load.records import RECORD_BYTES
from diag.load.refusals import error_words, refused
from diag.load.spec import Closed, LoadSpec, Open, Stream
from diag.load.spec import Request as LoadRequest
from diag.load.summing import totals_of
from diag.load.tools import get_tool
from diag.plan import LOCUST
from diag.recording import LoadSummary, Request, StreamTotals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from diag.load.result import LoadResult
    from diag.plan import HttpRequest, ServePlan, StreamPlan

DRAIN_NS = 8_000_000_000
LONGEST_TOTAL_NS = 1_800_000_000_000
"""For a load that ends after a number of requests: a server that answers none in half an hour never will."""

MOST_IN_A_BURST = 40
WARM_UP = "warm-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """What a load came to.

    Attributes:
        ended_ns: when the last answer was in.
        streams: sums over each stream, and over the warm-up.
        summary: what the generator says of itself, None if the load was broken off.
        notes: sentences about what could not be done as asked, and how many requests failed how.
        refused: connections that the server did not take, or cut off.
        refusals: how many of them how, a phrase each.
    """

    ended_ns: int
    streams: tuple[StreamTotals, ...] = ()
    summary: LoadSummary | None = None
    notes: tuple[str, ...] = ()
    refused: int = 0
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """What the waiting needs to know.

    Attributes:
        alive: False once the server is dead.
        began: called when the clock starts, with its time.
        ended: called when the load is over or broken off, with the time and each request, () where there were
            too many or another tool sent them.
        beat: called now and then with the part that is done, 0 to 1.
        pause_s: between two beats.
    """

    alive: Callable[[], bool]
    began: Callable[[int], None]
    ended: Callable[[int, tuple[Request, ...]], None]
    beat: Callable[[float], None]
    pause_s: float = 0.1


def drive(
    plan: ServePlan, streams: Sequence[StreamPlan], duration_ns: int, port: int, folder: str, hooks: Drive
) -> Driven:
    """Load a server as its plan says.

    Args:
        plan: of the run.
        streams: those that can be driven.
        duration_ns: of the load.
        port: where the server listens.
        folder: for the generator's records.
        hooks: who is told.

    Raises:
        LoadError: the load could not be made.
    """
    warm_up = _warm_up(plan, streams, port) if plan.shape.warm_up_ns else ()
    if plan.shape.burst:
        _burst(plan, streams, port)
    made = _by_tool if plan.shape.generator else _by_generator
    if plan.shape.generator == LOCUST:
        made = _by_locust
    driven = made(plan, streams, duration_ns, port, folder, hooks)
    return dataclasses.replace(driven, streams=(*warm_up, *driven.streams))


def _by_generator(
    plan: ServePlan, streams: Sequence[StreamPlan], duration_ns: int, port: int, folder: str, hooks: Drive
) -> Driven:
    shape = plan.shape
    records = os.path.join(folder, "load.records")
    # Who asks for a number of requests wants their answers, however long they take.
    drain_ns = max(DRAIN_NS, plan.timeout_ns) if shape.total else DRAIN_NS
    with LoadProcess(load_spec(streams, port, records, duration_ns, plan, drain_ns)) as load:
        started = load.begin(timeout_s=20)
        hooks.began(started)
        try:
            result = _await(load, started, duration_ns, records, shape.total, hooks)
        finally:
            ended = time.monotonic_ns()
            most = shape.most_requests
            kept = most is None or os.path.getsize(records) <= most * RECORD_BYTES
            hooks.ended(ended, tuple(_requests(load, streams)) if kept else ())
        if result is None:
            return Driven(ended_ns=ended)
        refusals = refused(result, load.wanted - load.opened)
        return Driven(
            ended_ns=result.ended_ns,
            streams=totals_of(result, load.records(), connecting=not shape.keep_alive),
            summary=_summary(result),
            notes=(*result.notes, *error_words(result)),
            refused=sum(count for count, _ in refusals),
            refusals=tuple(words for _, words in refusals),
        )


def _by_tool(
    plan: ServePlan,
    streams: Sequence[StreamPlan],
    duration_ns: int,
    port: int,
    folder: str,  # noqa: ARG001  # tools keep no records
    hooks: Drive,
) -> Driven:
    """An installed tool drives the first stream's first request."""
    load = _tool_load(plan, streams[0], duration_ns, port)
    hooks.began(time.monotonic_ns())
    try:
        result = run_tool(
            get_tool(plan.shape.generator), load, alive=hooks.alive, beat=hooks.beat, pause_s=hooks.pause_s
        )
    finally:
        ended = time.monotonic_ns()
        hooks.ended(ended, ())
    if result is None:
        return Driven(ended_ns=ended)
    return Driven(ended_ns=ended, streams=(result.totals,), summary=result.summary, notes=result.notes)


def _by_locust(
    plan: ServePlan,
    streams: Sequence[StreamPlan],
    duration_ns: int,
    port: int,
    folder: str,  # noqa: ARG001  # it keeps no records
    hooks: Drive,
) -> Driven:
    """An existing Locust master's workers send what their locustfile says."""
    load = _tool_load(plan, streams[0], duration_ns, port)
    with Master(plan.shape.master) as master:
        result = drive_locust(
            master,
            load,
            target=f"http://{reachable_from(plan.shape.master)}:{port}",
            alive=hooks.alive,
            began=hooks.began,
            ended=lambda at_ns: hooks.ended(at_ns, ()),
            beat=hooks.beat,
            pause_s=hooks.pause_s,
        )
    ended = time.monotonic_ns()
    if result is None:
        return Driven(ended_ns=ended)
    return Driven(ended_ns=ended, streams=(result.totals,), summary=result.summary, notes=result.notes)


def refusal(plan: ServePlan) -> str | None:
    """Why the tool that a plan names cannot make its load, None if it can, or if diag makes it."""
    if not plan.shape.generator or not plan.streams:
        return None
    if plan.shape.generator == LOCUST:
        with Master(plan.shape.master) as master:
            return master.refuses(_tool_load(plan, plan.streams[0], plan.duration_ns or 1, 1))
    tool = get_tool(plan.shape.generator)
    if shutil.which(tool.name) is None:
        return f"{tool.name} is not installed: apt install {tool.package}"
    return tool.refuses(_tool_load(plan, plan.streams[0], plan.duration_ns or 1, 1))


def _tool_load(plan: ServePlan, stream: StreamPlan, duration_ns: int, port: int) -> ToolLoad:
    return ToolLoad(
        request=stream.requests[0],
        stream=stream.name,
        port=port,
        users=stream.users,
        duration_ns=duration_ns,
        total=plan.shape.total,
        keep_alive=plan.shape.keep_alive,
        http=plan.shape.http,
        timeout_ns=plan.timeout_ns,
        cpu=last_core(),
    )


def load_spec(
    streams: Sequence[StreamPlan],
    port: int,
    records: str | None,
    duration_ns: int,
    plan: ServePlan,
    drain_ns: int = DRAIN_NS,
) -> LoadSpec:
    """What the generator is told.

    Args:
        streams: who sends what.
        port: where the server listens.
        records: file for a record of each request, None for none.
        duration_ns: of the load, where its shape has no total.
        plan: the rest.
        drain_ns: how long answers are waited for when all has been sent.
    """
    return LoadSpec(
        port=port,
        records="full" if records else "histogram",
        records_path=records,
        seed=plan.seed,
        cpu=last_core(),
        drain_ns=drain_ns,
        streams=tuple(
            Stream(
                name=stream.name,
                requests=tuple(_load_request(request) for request in stream.requests),
                load=_load_of(stream),
                duration_ns=None if plan.shape.total or stream.schedule else duration_ns,
                total=plan.shape.total,
                keep_alive=plan.shape.keep_alive,
                http=plan.shape.http,
                timeout_ns=plan.timeout_ns,
            )
            for stream in streams
        ),
    )


def _load_of(stream: StreamPlan) -> Closed | Open:
    if stream.schedule is not None:
        offsets, order = stream.schedule.offsets_ns, stream.schedule.order
        return Open(rate=max(1.0, len(offsets)), offsets_ns=offsets, order=order)
    return Closed(users=stream.users) if stream.users else Open(rate=stream.rate)


def _load_request(request: HttpRequest) -> LoadRequest:
    return LoadRequest(
        method=request.method,
        path=request.path,
        headers=request.headers,
        body=request.body,
        weight=request.weight,
        label=request.route,
    )


def last_core() -> int | None:
    """A core for the generator where there are two or more; the kernel keeps servers off a busy one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[-1] if len(cores) > 1 else None


def _warm_up(plan: ServePlan, streams: Sequence[StreamPlan], port: int) -> tuple[StreamTotals, ...]:
    """The same load for a while, of which only the sum is kept."""
    shape = dataclasses.replace(plan.shape, total=None)
    spec = load_spec(streams, port, None, shape.warm_up_ns, dataclasses.replace(plan, shape=shape))
    with LoadProcess(spec) as load:
        load.begin(timeout_s=20)
        result = load.result()
    first = next(iter(totals_of(result)))
    return (dataclasses.replace(first, stream=WARM_UP),)


def _burst(plan: ServePlan, streams: Sequence[StreamPlan], port: int) -> None:
    """Several requests of the first stream at once, until each of its routes has been asked often enough."""
    first = dataclasses.replace(streams[0], users=plan.shape.burst, rate=0.0, schedule=None)
    total = min(MOST_IN_A_BURST, plan.shape.burst * len(first.requests))
    shape = dataclasses.replace(plan.shape, total=total)
    spec = load_spec([first], port, None, 0, dataclasses.replace(plan, shape=shape))
    with LoadProcess(spec) as load:
        load.begin(timeout_s=20)
        load.result()


def _await(
    load: LoadProcess, started: int, duration_ns: int, records: str, total: int | None, hooks: Drive
) -> LoadResult | None:
    """Until the load is over; None if the server died, or nothing came to an end."""
    until = started + (LONGEST_TOTAL_NS if total else duration_ns + DRAIN_NS) + 5_000_000_000
    while (result := load.poll()) is None:
        now = time.monotonic_ns()
        if not hooks.alive() or now > until:
            load.stop()
            return None
        done = os.path.getsize(records) / RECORD_BYTES / total if total else (now - started) / duration_ns
        hooks.beat(min(1.0, done))
        time.sleep(hooks.pause_s)
    return result


def _requests(load: LoadProcess, streams: Sequence[StreamPlan]) -> Iterator[Request]:
    for record in load.records():
        yield Request(
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


def _summary(result: LoadResult) -> LoadSummary:
    return LoadSummary(
        wall_ns=result.wall_ns,
        cpu_ns=result.cpu_ns,
        lag_p99_ns=result.lag_p99_ns,
        reconnects=sum(stream.reconnects for stream in result.streams),
        generator_bound=result.generator_bound,
        spun_ns=result.spun_ns,
        runqueue_ns=result.runqueue_ns,
    )
