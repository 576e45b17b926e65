"""One run's values, joined: steps with their stacks and requests, requests with their server side."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from diag.analysis.intervals import Interval, Occupied, merge
from diag.analysis.joining import join
from diag.recording import (
    CLOSED_UNDER,
    Canary,
    Lane,
    LaneKind,
    Request,
    Run,
    Served,
    Stack,
    StackSource,
    StateSample,
    Step,
)

CLIENT_SLACK_NS = 1_000_000
"""How far an application may seem to begin after its client had the answer: reading two clocks takes time."""

Queue = int
"""What requests wait for: an event loop (its lane's number), or a process of sync workers (minus its pid)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """A recorded step with what was joined to it.

    Attributes:
        lane: its lane.
        step: as it was recorded.
        cpu_ns: CPU time inside the step, None where unreadable.
        run_queue_ns: time it was runnable and did not run, 0 where unreadable.
        route: the route of the request it worked for, "" if none is known.
        stacks: stacks by signal that were taken inside it, in order.
        spied: stacks that may be of it and say who held the GIL, in order; `culprits` decides.
        states: looks from outside at its thread while it ran, in order.
        gc_ns: how long a garbage collection of its process went on meanwhile, in whatever thread.
        canary: True if diag planted it.
        starting: True if it ended before the load began, so that it held up none of it.
        ending: True if it began after the last answer, while the server was stopped.
    """

    lane: Lane
    step: Step
    cpu_ns: int | None
    run_queue_ns: int
    route: str = ""
    stacks: tuple[Stack, ...] = ()
    spied: tuple[Stack, ...] = ()
    states: tuple[StateSample, ...] = ()
    gc_ns: int = 0
    canary: bool = False
    starting: bool = False
    ending: bool = False

    @property
    def wall_ns(self) -> int:
        """How long it held the lane."""
        return self.step.end_ns - self.step.start_ns

    @property
    def own_ns(self) -> int:
        """How long it would have held the lane on a machine that was free."""
        return self.wall_ns - self.run_queue_ns

    @property
    def scope(self) -> str:
        """What it was about: its route, or else its coroutine."""
        return self.route or self.step.label


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exchange:
    """One request of the load, with its server side where that is known.

    Attributes:
        request: as the client saw it.
        served: as the target saw it; None if it left no trace there: it had no long step and began behind
            no block, or it never reached the application.
        queue: what it waited for, None where that is not known.
        app_from_ns: when its first step began; `sent_ns` if it waited for nothing, `done_ns` if it was
            never answered.
        own: its own recorded steps, in order.
    """

    request: Request
    served: Served | None
    queue: Queue | None
    app_from_ns: int
    own: tuple[Held, ...] = ()

    @property
    def answered(self) -> bool:
        """True if there was an answer that is not a failure of the server."""
        return 0 < self.request.status < 500  # HTTP's own number

    @property
    def reached(self) -> bool:
        """True if the application is known to have had it."""
        return self.served is not None or self.request.status > 0

    @property
    def latency_ns(self) -> int:
        """From when it should have been sent to its last byte."""
        return self.request.done_ns - self.request.intended_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A run, joined.

    Attributes:
        run: as it was recorded.
        held: every recorded step, in order of start.
        exchanges: every request of the load, in order of intended send time.
        window: from the load's start to the last thing seen of it (a script: the whole run).
        by_key: exchanges by process and `Served.start_ns`.
        queues: what requests that wait for a lane wait for, by the lane's number.
    """

    run: Run
    held: tuple[Held, ...]
    exchanges: tuple[Exchange, ...]
    window: tuple[int, int]
    by_key: dict[tuple[int, int], Exchange]
    queues: dict[int, Queue]

    def is_inner(self, lane: Lane) -> bool:
        """True for an event loop in a process of sync workers: who waits there waits for a worker."""
        return lane.kind is not LaneKind.WORKER_THREAD and self.queues[lane.lane_id] < 0


def queues_of(lanes: Iterable[Lane]) -> dict[int, Queue]:
    """What requests that wait for a lane wait for, by the lane's number.

    In a process of sync workers that is the workers, whatever loops their requests run.
    """
    found = tuple(lanes)
    serving = {lane.pid for lane in found if lane.kind is LaneKind.WORKER_THREAD}
    of_workers = (LaneKind.WORKER_THREAD, LaneKind.ASYNCIO, LaneKind.UVLOOP)
    return {
        lane.lane_id: -lane.pid if lane.pid in serving and lane.kind in of_workers else lane.lane_id
        for lane in found
    }


def read(run: Run) -> Timeline:
    """Join a run's values."""
    counted = (request for request in run.requests if request.status != CLOSED_UNDER)
    run = join(replace(run, requests=tuple(map(_with_an_end, counted))))
    requests = run.requests
    pairs = _join_requests(requests, run.served)
    routes = {(served.pid, served.start_ns): requests[index].route for index, served in pairs.items()}
    held = _held(run, routes)
    queues = queues_of(run.lanes)
    exchanges = _exchanges(run, requests, pairs, held, queues)
    by_key = {(e.served.pid, e.served.start_ns): e for e in exchanges if e.served is not None}
    return Timeline(
        run=run, held=held, exchanges=exchanges, window=_window(run), by_key=by_key, queues=queues
    )


def _with_an_end(request: Request) -> Request:
    """A request whose end was not written (its writer was killed) ends where it was last heard of."""
    last = max(request.intended_ns, request.sent_ns, request.first_byte_ns)
    return request if request.done_ns >= last else replace(request, done_ns=last)


def _window(run: Run) -> tuple[int, int]:
    start = run.load_started_ns or run.started_ns
    ends = [run.load_ended_ns or run.ended_ns]
    if run.load_started_ns:
        ends += [request.done_ns for request in run.requests]
    if not any(ends):  # the writer was killed: until the last thing it wrote
        ends += [step.end_ns for step in run.steps]
    return start, max(start, *ends)


def _join_requests(requests: Sequence[Request], served: Sequence[Served]) -> dict[int, Served]:
    """Server sides by the index of their request: the same port, and begun while the client waited."""
    by_port: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for index, request in enumerate(requests):
        by_port[request.port].append((request.sent_ns, index))
    for sent in by_port.values():
        sent.sort()
    pairs: dict[int, Served] = {}
    for one in sorted(served, key=lambda s: s.start_ns):
        sent = by_port.get(one.port, [])
        at = bisect_right(sent, one.start_ns, key=lambda pair: pair[0]) - 1
        if not one.port or at < 0:
            continue
        index = sent[at][1]
        if one.start_ns <= requests[index].done_ns + CLIENT_SLACK_NS:
            pairs.setdefault(index, one)
    return pairs


def clamp_readings(step: Step) -> tuple[int | None, int]:
    """CPU and run-queue time inside a step.

    Both differences start up to `gap_ns` before it. What does not fit into the step is taken from the CPU
    time first, as the gap is filled with short steps, and only then from the run-queue wait.
    """
    wall = step.end_ns - step.start_ns
    queue = min(max(step.run_queue_ns or 0, 0), wall)
    if step.cpu_ns is None:
        return None, queue
    cpu = min(max(step.cpu_ns, 0), wall)
    cpu -= min(cpu, max(0, cpu + queue - wall), step.gap_ns)
    return cpu, min(queue, wall - cpu)


def _held(run: Run, routes: dict[tuple[int, int], str]) -> tuple[Held, ...]:
    lanes = {lane.lane_id: lane for lane in run.lanes}
    signal = _by_lane(s for s in run.stacks if s.source is not StackSource.PY_SPY)
    spied = _by_lane(s for s in run.stacks if s.source is StackSource.PY_SPY or s.owns_gil is not None)
    states: dict[int, list[StateSample]] = defaultdict(list)
    for sample in sorted(run.states, key=lambda s: s.at_ns):
        states[sample.lane_id].append(sample)
    canaries: dict[int, list[Canary]] = defaultdict(list)
    for canary in run.canaries:
        canaries[canary.lane_id].append(canary)
    collecting = _collecting(run)
    _, end = _window(run)
    result = []
    for step in sorted(run.steps, key=lambda s: (s.start_ns, s.end_ns)):
        lane = lanes.get(step.lane_id)
        if lane is None or step.end_ns <= step.start_ns:
            continue
        cpu, queue = clamp_readings(step)
        result.append(
            Held(
                lane=lane,
                step=step,
                cpu_ns=cpu,
                run_queue_ns=queue,
                route=routes.get((lane.pid, step.request_key), ""),
                stacks=_stacks_within(signal.get(step.lane_id, ()), step),
                spied=_stacks_seen(spied.get(step.lane_id, ()), step),
                states=_states_inside(states.get(step.lane_id, ()), step),
                gc_ns=collecting[lane.pid].overlap(step.start_ns, step.end_ns)
                if lane.pid in collecting
                else 0,
                canary=any(_planted(canary, step) for canary in canaries.get(step.lane_id, ())),
                starting=step.end_ns <= run.load_started_ns,
                ending=bool(run.load_started_ns) and step.start_ns > end,
            )
        )
    return tuple(result)


def _collecting(run: Run) -> dict[int, Occupied]:
    """When each process collected garbage."""
    pauses: dict[int, list[Interval]] = defaultdict(list)
    for pause in run.pauses:
        pauses[pause.pid].append((pause.start_ns, pause.end_ns))
    return {pid: Occupied(merge(some)) for pid, some in pauses.items()}


def _by_lane(stacks: Iterable[Stack]) -> dict[int, list[Stack]]:
    found: dict[int, list[Stack]] = defaultdict(list)
    for stack in sorted(stacks, key=lambda s: s.sent_ns):
        found[stack.lane_id].append(stack)
    return found


def _stacks_within(stacks: Sequence[Stack], step: Step) -> tuple[Stack, ...]:
    """Taken inside the step: one that may have been taken after its end may show what came then."""
    low = bisect_left(stacks, step.start_ns, key=lambda s: s.sent_ns)
    high = bisect_right(stacks, step.end_ns, key=lambda s: s.sent_ns)
    return tuple(s for s in stacks[low:high] if s.frames and s.seen_ns <= step.end_ns)


SPY_START_NS = 50_000_000
"""py-spy's own start takes 13 to 40 ms (measured); it looks at the thread near the end of that."""


def _stacks_seen(stacks: Sequence[Stack], step: Step) -> tuple[Stack, ...]:
    low = bisect_left(stacks, step.start_ns - SPY_START_NS, key=lambda s: s.sent_ns)
    high = bisect_right(stacks, step.end_ns, key=lambda s: s.sent_ns)
    return tuple(s for s in stacks[low:high] if s.frames and step.start_ns <= s.seen_ns <= step.end_ns)


def _states_inside(states: Sequence[StateSample], step: Step) -> tuple[StateSample, ...]:
    low = bisect_left(states, step.start_ns, key=lambda s: s.at_ns)
    high = bisect_right(states, step.end_ns, key=lambda s: s.at_ns)
    return tuple(states[low:high])


def _planted(canary: Canary, step: Step) -> bool:
    inside = min(canary.end_ns, step.end_ns) - max(canary.start_ns, step.start_ns)
    return 2 * inside > canary.end_ns - canary.start_ns


def _exchanges(
    run: Run,
    requests: Sequence[Request],
    pairs: dict[int, Served],
    held: Sequence[Held],
    of_lane: dict[int, Queue],
) -> tuple[Exchange, ...]:
    own: dict[tuple[int, int], list[Held]] = defaultdict(list)
    for one in held:
        if one.step.request_key:
            own[one.lane.pid, one.step.request_key].append(one)
    queues = _queues(run, of_lane)
    pids = {request.port: pairs[i].pid for i, request in enumerate(requests) if i in pairs}
    only = next(iter(queues)) if len(queues) == 1 else 0
    result = []
    for index, request in enumerate(requests):
        served = pairs.get(index)
        pid = served.pid if served else pids.get(request.port, only)
        steps = tuple(own.get((pid, served.start_ns), ())) if served else ()
        without = request.sent_ns if request.status > 0 else request.done_ns
        began = served.start_ns if served else without
        first = steps[0].step.start_ns if steps else began
        loops = [h.lane for h in steps if h.lane.kind is not LaneKind.WORKER_THREAD]
        result.append(
            Exchange(
                request=request,
                served=served,
                queue=of_lane[loops[0].lane_id] if loops else queues.get(pid),
                app_from_ns=max(request.intended_ns, min(began, first, request.done_ns)),
                own=steps,
            )
        )
    return tuple(sorted(result, key=lambda e: e.request.intended_ns))


def _queues(run: Run, of_lane: dict[int, Queue]) -> dict[int, Queue]:
    """What requests to each process wait for: its workers together, or else its busiest loop."""
    steps = {total.lane_id: total.steps for total in run.totals}
    ranked = sorted(run.lanes, key=lambda lane: (steps.get(lane.lane_id, 0), -lane.lane_id))
    queues = {lane.pid: of_lane[lane.lane_id] for lane in ranked if lane.kind is LaneKind.WORKER_THREAD}
    queues.update(
        {lane.pid: of_lane[lane.lane_id] for lane in ranked if lane.kind is not LaneKind.WORKER_THREAD}
    )
    return queues
