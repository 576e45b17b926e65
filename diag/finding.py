"""What is concluded: findings with their evidence, and the verdict that sums them up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from diag.recording import Limit


class Cause(StrEnum):
    """Why a lane was held."""

    CPU_GIL = "on-cpu-gil"
    CPU_NO_GIL = "on-cpu-no-gil"
    CPU = "on-cpu"
    WAITING = "waiting"
    GIL_WAIT = "gil-wait"
    RUN_QUEUE = "run-queue"

    @property
    def words(self) -> str:
        """As a report says it."""
        return _CAUSE_WORDS[self]


_CAUSE_WORDS = {
    Cause.CPU_GIL: "on-CPU holding the GIL",
    Cause.CPU_NO_GIL: "on-CPU without the GIL",
    Cause.CPU: "on-CPU (GIL not observed)",
    Cause.WAITING: "off-CPU (waiting)",
    Cause.GIL_WAIT: "waiting for the GIL",
    Cause.RUN_QUEUE: "run-queue wait",
}


class Severity(IntEnum):
    """How much a finding matters: an `ERROR` makes `diag explain` exit 1."""

    INFO = 0
    WARNING = 1
    ERROR = 2


class Confidence(StrEnum):
    """How sure a finding is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Status(StrEnum):
    """The verdict on the whole run, or on one handler."""

    CLEAN = "clean"
    BLOCKED = "blocked"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseShare:
    """A part of the blocked time: its cause and its nanoseconds."""

    cause: Cause
    ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A line of source.

    Attributes:
        path: shown relative to the target's root where it lies below it.
        absolute: the file itself.
        line: from 1.
        function: qualified name where the source tells it, else the code's name.
        text: the source line itself, "" where it could not be read.
    """

    path: str
    absolute: str
    line: int
    function: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VictimGroup:
    """Those of one route (or one coroutine) that were delayed.

    Attributes:
        label: the route, or the coroutine's name.
        count: how many were delayed.
        total_ns: their delay in all.
        worst_ns: the longest delay of one of them by this finding.
        worst_request: identifies that one: the client's `sent_ns`, 0 if unknown.
    """

    label: str
    count: int
    total_ns: int
    worst_ns: int
    worst_request: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRef:
    """One block of a finding.

    Attributes:
        run_id, lane_id, start_ns, end_ns: where and when.
        own_ns: its duration without run-queue wait.
        route: the route it worked for, "" if none.
        causes: its split.
        steps: how many steps it consists of (over 1 in a convoy).
    """

    run_id: int
    lane_id: int
    start_ns: int
    end_ns: int
    own_ns: int
    route: str
    causes: tuple[CauseShare, ...]
    steps: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found, with its evidence.

    Attributes:
        rule: the rule's slug: ``blocked-loop``, ``convoy``, ``held-worker``, ``gil-contention``,
            ``first-call``, ``garbage-collection``, ``starved``, ``errors``, ``server-incident``.
        severity, confidence: separate.
        title: the route or coroutine that is to blame, or what it is about.
        location: the culprit line, None where it is not known.
        also: other lines of the same culprit, with their share of the time in percent.
        path: callers of the culprit in the user's code, outermost first.
        blocks: every block of it.
        p50_ns, max_ns, total_ns: of the blocks' durations (own time).
        causes: the split over all its blocks, largest first.
        victims: by route or coroutine, most delayed first.
        not_accepted: victims that had not reached the application when the block began.
        bounded: victims of whose delay only an upper bound is known: they waited behind it, and since when is
            not known for certain.
        why: one sentence.
        advice: one sentence, "" if there is none; the remedy as a guess, before any is tested.
        evidence: further sentences.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    title: str
    location: Location | None = None
    also: tuple[tuple[Location, int], ...] = ()
    path: tuple[Location, ...] = ()
    blocks: tuple[BlockRef, ...] = ()
    p50_ns: int = 0
    max_ns: int = 0
    total_ns: int = 0
    causes: tuple[CauseShare, ...] = ()
    victims: tuple[VictimGroup, ...] = ()
    not_accepted: int = 0
    bounded: int = 0
    why: str = ""
    advice: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerResult:
    """The verdict on one route (or, in a script, on its coroutines together).

    Attributes:
        route: its label.
        status: clean, blocked or unmeasured.
        requests: how many were answered.
        failed: how many failed (5xx, or no answer).
        worst_ns: its longest step (own time), below 1 ms given as 1 ms with `worst_bound` True.
        worst_bound: True if `worst_ns` is only an upper bound.
        p50_ns, p99_ns: latency from the intended send time.
        reason: why it is unmeasured.
    """

    route: str
    status: Status
    requests: int = 0
    failed: int = 0
    worst_ns: int = 0
    worst_bound: bool = False
    p50_ns: int = 0
    p99_ns: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conservation:
    """Where the requests' time went, summed over a route; the parts add up to what clients measured.

    Attributes:
        route: its label.
        requests: how many.
        client_ns: what the clients measured, in all.
        before_app_ns: not yet at the application and not behind a block (connecting, accepting, parsing).
        queued_ns: behind blocks of others: before the application, or ready to run inside it.
        own_ns: own steps of 1 ms and longer.
        awaiting_ns: inside the application otherwise (awaiting, thread-pool, steps under 1 ms).
        after_app_ns: from the application's end to the client's last byte.
        unattributed_ns: what is left, of requests that could not be joined to a server-side record.
    """

    route: str
    requests: int
    client_ns: int
    before_app_ns: int
    queued_ns: int
    own_ns: int
    awaiting_ns: int
    after_app_ns: int
    unattributed_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """One cell's figures, for the side-by-side table.

    Attributes:
        label: strategy (or the cell's label).
        note: the strategy in words.
        requests, failed: answered, and failed.
        throughput: answered requests per second of the workload's own stream.
        p50_ns, p99_ns: latency of the workload's own stream.
        victim_p99_ns: latency of the probe stream (innocent requests), 0 if there was none.
        blocked_share: blocked time of the lanes over their time, 0 to 1.
        cpu_ns_per_request: CPU time of the process tree over answered requests, 0 if unknown.
        generator_bound: True if the load generator was the bottleneck.
        failure: why there are no figures, "" if there are.
        primary: True for the cell that the verdict is about.
    """

    label: str
    note: str = ""
    requests: int = 0
    failed: int = 0
    throughput: float = 0.0
    p50_ns: int = 0
    p99_ns: int = 0
    victim_p99_ns: int = 0
    blocked_share: float = 0.0
    cpu_ns_per_request: int = 0
    generator_bound: bool = False
    failure: str = ""
    primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuality:
    """How well it was measured; always printed.

    Attributes:
        steps: steps that were timed.
        dropped: long steps that could not be written down.
        blocks: blocks found.
        blocks_with_stack: of these, how many have a stack.
        run_queue_share: run-queue wait over the lanes' busy time, 0 to 1, None where unreadable.
        canary_expected_ns, canary_found_ns: planted and found; `canary_found_ns` None if not found.
        canary_ok: True if found at its line within tolerance, on every lane.
        degradations: full sentences.
        limits: on the target's CPU and memory, () where there were none.
        settings: how its server is set up otherwise than its user would expect, full sentences.
    """

    steps: int
    dropped: int
    blocks: int
    blocks_with_stack: int
    run_queue_share: float | None
    canary_expected_ns: int
    canary_found_ns: int | None
    canary_ok: bool
    degradations: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The head line of a report: what was run, for how long, how."""

    target: str
    duration_ns: int
    requests: int
    load: str
    server: str
    python: str
    cores: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTime:
    """One lane of the primary cell under load: whose time findings' blocks are parts of.

    Attributes:
        lane_id: its number, as `BlockRef.lane_id` has it.
        pid: its process.
        loop: True for an event loop, False for a thread of a sync worker.
        start_ns, end_ns: from the load's start to its end.
    """

    lane_id: int
    pid: int
    loop: bool
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationResult:
    """Whether the verdict equals the workload's ground truth.

    Attributes:
        met: True if it does.
        expected, found: both in words.
    """

    met: bool
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to "where, how long, why, who paid", of one recording.

    Attributes:
        status: clean, blocked or unmeasured.
        reason: why it is unmeasured, "" otherwise.
        summary: what was run.
        quality: how well it was measured.
        findings: most severe first.
        handlers: one result a route.
        cells: figures side by side.
        conservation: where requests' time went.
        threshold_ns: what counts as a block.
        recording: path of the recording, "" if it was not kept.
        expectation: compared with the ground truth, None if there is none.
        blocked_ns, window_ns: blocked time of the primary cell's lanes, and the lanes' time.
        lanes: of the primary cell.
    """

    status: Status
    reason: str
    summary: Summary
    quality: DataQuality
    findings: tuple[Finding, ...]
    handlers: tuple[HandlerResult, ...]
    cells: tuple[CellResult, ...]
    conservation: tuple[Conservation, ...]
    threshold_ns: int
    recording: str = ""
    expectation: ExpectationResult | None = None
    blocked_ns: int = 0
    window_ns: int = 0
    lanes: tuple[LaneTime, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 clean, 1 blocked, 2 could not tell."""
        return {Status.CLEAN: 0, Status.BLOCKED: 1, Status.UNMEASURED: 2}[self.status]
