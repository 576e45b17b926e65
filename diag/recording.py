"""What was seen: the values that a recording holds, and the only joint between measuring and thinking.

All times are `int` nanoseconds on CLOCK_MONOTONIC (one clock for all processes of a host), unless a
name says otherwise. How they lie on disk is `diag.store`'s matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class LaneKind(StrEnum):
    """What kind of thread a lane is."""

    ASYNCIO = "asyncio"
    UVLOOP = "uvloop"
    WORKER_THREAD = "worker-thread"
    GEVENT = "gevent"


class StackSource(StrEnum):
    """How a stack was taken."""

    MEMORY = "memory"
    SIGNAL = "signal"
    PY_SPY = "py-spy"


class ThreadState(StrEnum):
    """What a thread was doing when it was looked at from outside."""

    RUNNING = "running"
    WAITING = "waiting"
    GIL_WAIT = "gil-wait"


class RunStatus(StrEnum):
    """How a run ended."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one run executes: framework × server × strategy × workload × load.

    Attributes:
        label: how reports call it.
        target: the target as the user typed it.
        framework: a name in `diag.frameworks`, or "" for a script.
        server: a name in `diag.servers`, or "" for a script.
        loop: ``asyncio``, ``uvloop``, ``gevent`` or "" where the server has no event loop.
        strategy: a name in `diag.strategies`, or "" for an app or a script.
        workload: the workload's name, or "".
        workers: server processes asked for.
        threads: threads per server process asked for, 0 where it has none of its own.
        load: the load in words.
    """

    label: str
    target: str
    framework: str = ""
    server: str = ""
    loop: str = ""
    strategy: str = ""
    workload: str = ""
    workers: int = 1
    threads: int = 0
    load: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A thread of the target whose time is shared by requests: an event loop's, or a sync worker's.

    Attributes:
        lane_id: unique within its run.
        pid: its process.
        tid: its kernel thread id.
        kind: what runs there.
        capacity: lanes of this process that serve together (threads of a sync worker), 0 if unbounded.
    """

    lane_id: int
    pid: int
    tid: int
    kind: LaneKind
    capacity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """Somebody found waiting for the loop when a long step ended.

    Attributes:
        request_key: the `Served.start_ns` of its request, 0 where it belongs to none; filled in by
            `diag.analysis.joining`, as the target knows only the client's port.
        label: the task's coroutine, for programs without requests.
        since_ns: since when it was ready to run.
        exact: False where `since_ns` is only an earliest bound.
        port: the client's port of its request, 0 if none.
    """

    request_key: int
    label: str
    since_ns: int
    exact: bool = True
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One callback (or one sync worker's request) that held its lane for 1 ms or longer.

    Attributes:
        lane_id: its lane.
        iteration: number of the loop's pass between two polls; steps that share it ran back to back.
        start_ns, end_ns: when it held the lane.
        cpu_ns: CPU time its thread used meanwhile, None where it could not be read.
        run_queue_ns: time its thread was runnable but not running meanwhile, None where unreadable.
        gap_ns: how far before `start_ns` the reading lies that both differences start from.
        request_key: when the request it worked for began in the application, 0 if none or not known;
            `diag.analysis.joining` makes it that request's `Served.start_ns`.
        label: the coroutine or callback.
        task: the task's name, "" if it was not a task's step.
        waiters: who was ready to run when it ended.
        port: the client's port of the request it worked for, 0 if none.
    """

    lane_id: int
    iteration: int
    start_ns: int
    end_ns: int
    cpu_ns: int | None
    run_queue_ns: int | None
    gap_ns: int
    request_key: int
    label: str
    task: str
    waiters: tuple[Waiter, ...] = ()
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTotals:
    """Sums over all steps of a lane, short ones included.

    Attributes:
        lane_id: its lane.
        steps: how many steps were timed.
        busy_ns: the time that the lane was not polling.
        iterations: passes of the loop, 0 for a worker's thread.
        dropped: steps of 1 ms or longer that could not be written down.
    """

    lane_id: int
    steps: int
    busy_ns: int
    iterations: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One line of a stack.

    Attributes:
        path: the source file as the interpreter names it.
        line: line number from 1, 0 if unknown.
        function: the code object's name.
    """

    path: str
    line: int
    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack of a lane's thread, seen during a long step.

    Attributes:
        lane_id: its lane.
        sent_ns: when it was asked for; it shows the thread at `sent_ns` or later.
        seen_ns: when it had been taken for certain.
        source: how it was taken.
        frames: innermost first.
        active: whether the thread was on a CPU; None where that was not seen with the stack.
        owns_gil: whether it held the GIL; None where that was not seen.
        gil_owner: frames of the thread that held the GIL instead, innermost first; () if none did.
    """

    lane_id: int
    sent_ns: int
    seen_ns: int
    source: StackSource
    frames: tuple[Frame, ...]
    active: bool | None = None
    owns_gil: bool | None = None
    gil_owner: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSample:
    """What a lane's thread was doing at one moment of a long step, as the kernel saw it."""

    lane_id: int
    at_ns: int
    state: ThreadState
    cpu_ns: int | None = None
    run_queue_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GcPause:
    """One garbage collection of 0.8 ms or longer: it holds the GIL, and no line is to blame for its moment.

    Attributes:
        pid, tid: the thread that it ran in; all threads of its process waited.
        start_ns, end_ns: when.
        generation: that was collected, 2 for all.
    """

    pid: int
    tid: int
    start_ns: int
    end_ns: int
    generation: int


CLOSED_UNDER = -12
"""The status of a request that crossed the server's closing of a kept-alive connection, and that a client may
not repeat by itself: a POST (RFC 9110, 9.2.2). It says nothing of the server, and counts nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as the load generator saw it.

    Attributes:
        stream: the load stream it belongs to.
        route: the route's label, such as ``GET /items/{id}``.
        port: the client's port of its connection; with the times it identifies the request.
        intended_ns: when it should have been sent (equal to `sent_ns` in a closed load).
        sent_ns, first_byte_ns, done_ns: as they happened; `first_byte_ns` is 0 without an answer.
        status: HTTP status, or a negative error code of `diag.load`; `CLOSED_UNDER` is one of these.
        body_bytes: size of the answer's body.
    """

    stream: str
    route: str
    port: int
    intended_ns: int
    sent_ns: int
    first_byte_ns: int
    done_ns: int
    status: int
    body_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One request as the target saw it: from the application's first line to its last.

    On an event loop only requests that began right behind a block are seen so, for only these can have
    waited; `diag.analysis.joining` adds those that long steps worked for.

    Attributes:
        pid: the process that served it.
        tid: the kernel thread that served it, 0 on an event loop.
        port: the client's port.
        start_ns, end_ns: when the application began and ended (`end_ns` 0 where it was not seen);
            `start_ns` is its key within the process.
    """

    pid: int
    tid: int
    port: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A known block, planted to see whether blocks are found in this run.

    Attributes:
        lane_id: where.
        start_ns, end_ns: as its own clock readings had it.
        path, line: its place.
    """

    lane_id: int
    start_ns: int
    end_ns: int
    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSample:
    """CPU time and memory of the target's process tree at one moment (psutil).

    Attributes:
        at_ns: when.
        cpu_ns: user and system time so far, processes that ended included.
        rss_bytes: resident memory of those alive.
        processes: how many are alive.
    """

    at_ns: int
    cpu_ns: int
    rss_bytes: int
    processes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """Why something could not be measured as well as it should be.

    Attributes:
        slug: stable name, its anchor in the documentation.
        text: a full sentence.
    """

    slug: str
    text: str


SERVER_SETTING = "server-setting"
"""The slug of a degradation that is none: how a server is set up otherwise than its user would expect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """A route that could not be driven, and why."""

    route: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSummary:
    """What the load generator says of itself.

    Attributes:
        wall_ns: from the first request to the last answer.
        cpu_ns: the generator's own CPU time.
        lag_p99_ns: how late it sent, 99th percentile.
        reconnects: connections opened anew.
        generator_bound: True if it used over 80 % of its core.
        spun_ns: how much of `cpu_ns` was spinning for an arrival, which is no work.
        runqueue_ns: how long it was ready and had no core.
    """

    wall_ns: int
    cpu_ns: int
    lag_p99_ns: int
    reconnects: int
    generator_bound: bool
    spun_ns: int = 0
    runqueue_ns: int = 0

    @property
    def utilisation(self) -> float:
        """The share of one core that it used for work."""
        return max(0, self.cpu_ns - self.spun_ns) / self.wall_ns if self.wall_ns else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """A latency that `percent` (0 to 100) of the answers did not exceed."""

    percent: float
    ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTotals:
    """One stream of requests summed up, whichever program sent them.

    Attributes:
        stream: its name; ``warm-up`` is left out of every figure.
        generator: ``diag``, or the name of the installed tool that sent it.
        wall_ns: from the first request to the last answer.
        answered: requests answered with a status below 500.
        failed: requests answered with 500 or above, or not at all.
        timeouts: those of `failed` that were given up.
        body_bytes: of all answers' bodies, 0 where the tool does not tell.
        min_ns, mean_ns, sd_ns, max_ns: of the latencies; `min_ns` 0 where the tool does not tell.
        within_sd: answers whose latency lies within one standard deviation of the mean.
        percentiles: of the latencies, as many as the generator gives.
        connect_p50_ns, connect_p99_ns, connect_max_ns: from wanting a connection to having it, where the
            load opens one for each request; 0 otherwise.
    """

    stream: str
    generator: str
    wall_ns: int
    answered: int
    failed: int = 0
    timeouts: int = 0
    body_bytes: int = 0
    min_ns: int = 0
    mean_ns: int = 0
    sd_ns: int = 0
    max_ns: int = 0
    within_sd: int = 0
    percentiles: tuple[Percentile, ...] = ()
    connect_p50_ns: int = 0
    connect_p99_ns: int = 0
    connect_max_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """By how much a counter of the kernel rose during the load.

    Attributes:
        name: as in `diag.probes.counters`.
        amount: events, or nanoseconds for a name that ends in ``_ns``.
    """

    name: str
    amount: int


class LimitedResource(StrEnum):
    """What a target's processes can be limited in."""

    CPU = "cpu"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit that was in force for the target's processes, as a container would impose it.

    Attributes:
        resource: what was limited.
        amount: thousandths of a core, or bytes.
        mechanism: ``cgroup v2``, ``cgroup v1``, ``affinity`` or ``rlimit``.
        cannot: what the mechanism cannot do that a container does, a full sentence; "" if it does it all.
        peak_bytes: most memory that they had together, as the mechanism counts it; 0 where it does not.
        killed: processes that the kernel killed for memory.
        held_back_ns: how long they were kept from running by the limit, all threads together.
    """

    resource: LimitedResource
    amount: int
    mechanism: str
    cannot: str = ""
    peak_bytes: int = 0
    killed: int = 0
    held_back_ns: int = 0


class IncidentKind(StrEnum):
    """How a server misbehaved."""

    OUT_OF_MEMORY = "out-of-memory"
    DIED = "died"
    LOST_WORKERS = "lost-workers"
    IGNORED_STOP = "ignored-stop"
    LEFT_PROCESSES = "left-processes"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that a server did and should not have done.

    Attributes:
        kind: what it was.
        text: a full sentence with its figures.
        count: processes, or connections.
    """

    kind: IncidentKind
    text: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """That a run tried a remedy, or the original beside it.

    Attributes:
        culprit: number of the culprit that is to be remedied, from 1: runs of the same number had the same
            arrivals.
        remedy: its id, "" for the original.
    """

    culprit: int
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a route answered when it was asked alone, before the load.

    Attributes:
        route: the route's label.
        number: its first answer, its second, from 1.
        status: HTTP status, 0 if there was none.
        content_type: as its header says.
        sha256: of the body, in hexadecimal.
        excerpt: the beginning of the body, as text.
    """

    route: str
    number: int
    status: int
    content_type: str
    sha256: str
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickling:
    """What the target's processes sent each other through `multiprocessing`, in all.

    Attributes:
        messages: how many.
        octets: their bytes.
        ns: the CPU and waiting time of pickling them.
    """

    messages: int
    octets: int
    ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What was proposed against a culprit.

    Attributes:
        culprit: its number, from 1.
        kind: ``remedy``, ``refusal``, or ``not-tried`` for a sentence on what was left out.
        value: the remedy or the refusal as JSON, as `diag.remedy` has them; the sentence itself.
        predicted_ns: the victims' 99th percentile that was predicted before it was tried, 0 if none was.
    """

    culprit: int
    kind: str
    value: str
    predicted_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One cell executed once, with everything that was seen of it."""

    run_id: int
    cell: Cell
    trial: int
    status: RunStatus
    started_ns: int
    ended_ns: int
    load_started_ns: int = 0
    load_ended_ns: int = 0
    failure: str = ""
    lanes: tuple[Lane, ...] = ()
    totals: tuple[LaneTotals, ...] = ()
    steps: tuple[Step, ...] = ()
    stacks: tuple[Stack, ...] = ()
    states: tuple[StateSample, ...] = ()
    pauses: tuple[GcPause, ...] = ()
    requests: tuple[Request, ...] = ()
    served: tuple[Served, ...] = ()
    canaries: tuple[Canary, ...] = ()
    samples: tuple[ProcessSample, ...] = ()
    load: LoadSummary | None = None
    routes: tuple[str, ...] = ()
    unmeasured: tuple[Unmeasured, ...] = ()
    degradations: tuple[Degradation, ...] = ()
    errors: tuple[str, ...] = ()
    streams: tuple[StreamTotals, ...] = ()
    counters: tuple[Counter, ...] = ()
    limits: tuple[Limit, ...] = ()
    incidents: tuple[Incident, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    answers: tuple[Answer, ...] = ()
    pickling: tuple[Pickling, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where it was measured."""

    python: str
    implementation: str
    platform: str
    cores: int
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What holds for the whole recording.

    Attributes:
        schema_version: of the file.
        diag_version: that wrote it.
        argv: the command that was typed.
        target: the target as typed.
        target_kind: ``workload``, ``app``, ``script``, or ``comparison`` for many runs side by side.
        roots: folders whose files are the user's own code.
        created_utc: ISO 8601.
        seed: of all random choices.
        threshold_ns: a step longer than this is a block.
        machine: where.
        finished: False while it is being written, and for ever if the writer was killed.
        expectation: ground truth of the workload as JSON, "" if none was given.
        preset: of a published comparison that was run again, its name and scale as JSON; "" otherwise.
    """

    schema_version: int
    diag_version: str
    argv: tuple[str, ...]
    target: str
    target_kind: str
    roots: tuple[str, ...]
    created_utc: str
    seed: int
    threshold_ns: int
    machine: Machine
    finished: bool = False
    expectation: str = ""
    preset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """All that was seen.

    Attributes:
        meta: what holds for all of it.
        runs: in the order they were made.
        sources: text of the user's files that stacks name, by path.
        proposed: what was proposed against its culprits.
    """

    meta: Meta
    runs: tuple[Run, ...]
    sources: dict[str, str] = field(default_factory=dict)
    proposed: tuple[Proposed, ...] = ()
