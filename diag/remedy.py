"""What could help, and what it did: a change with its diff, and how the same load ran with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from diag.finding import Location


class Move(StrEnum):
    """What becomes of the blocking step, which is all that the prediction has to know.

    AWAIT: the time is spent awaiting, no lane is held. THREAD and PROCESS: it runs in a pool of
    `Remedy.pool` threads or processes. SPLIT: it stays, in pieces that let others in between. SERVER: the
    same step on a server with more workers or threads. CHEAPER: it all but vanishes.
    """

    AWAIT = "await"
    THREAD = "thread"
    PROCESS = "process"
    SPLIT = "split"
    SERVER = "server"
    CHEAPER = "cheaper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    r"""One file with its new text.

    Attributes:
        path: absolute.
        before_sha256: `digest` of the text as it was recorded.
        after: the whole new text. Like all recorded texts it has ``\n`` between lines and no byte order
            mark; who writes it to a disk puts the file's own newlines and encoding back.
    """

    path: str
    before_sha256: str
    after: str


def digest(text: str) -> str:
    """What tells whether a text has changed: SHA-256 of it as UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChange:
    """Another way to serve the same code, for applications without an event loop of their own.

    Attributes:
        server: a name in `diag.servers`.
        workers: processes.
        threads: threads a process, 0 where the server has none of its own.
        command: what to type instead.
    """

    server: str
    workers: int
    threads: int
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A change that could help.

    Attributes:
        id: unique within a proposal: the name and the culprit's place.
        name: of its kind, as `--remedies` takes it: a name in `diag.remedies.NAMES`.
        title: a few words for a table.
        culprit: the finding's line.
        route: the finding's title.
        move: what becomes of the blocking step.
        pool: threads or processes that the step then shares, 0 where there is no pool.
        edits: files with their new text; () for a change of the server alone.
        server: another way to serve, None where it stays.
        diff: unified, with `a/` and `b/` before paths relative to the target's root: what `git apply` takes.
        safe: False where the meaning may change, as a caveat says; such a remedy is measured, and never
            written without being named.
        why: one sentence on why it could help.
        caveats: what to know before it is used, a sentence each.
        expected: False for a plausible remedy that the cause says will not help: it is tried in order to
            show so, and never recommended unless the measurement disagrees.
    """

    id: str
    name: str
    title: str
    culprit: Location
    route: str
    move: Move
    pool: int = 0
    edits: tuple[Edit, ...] = ()
    server: ServerChange | None = None
    diff: str = ""
    safe: bool = True
    why: str = ""
    caveats: tuple[str, ...] = ()
    expected: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A remedy that fits the cause and cannot be written by machine.

    Attributes:
        id, name, culprit: as in `Remedy`.
        reason: why not, one sentence.
        by_hand: the change to make by hand, text of one or more lines.
    """

    id: str
    name: str
    culprit: Location
    reason: str
    by_hand: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What could be tried for a verdict's findings: most promising first, by finding."""

    remedies: tuple[Remedy, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A figure with its interval.

    Attributes:
        value: the median over runs.
        low, high: of its interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyResult:
    """How the same load ran with a remedy, beside the original.

    Attributes:
        remedy: what was tried.
        runs: pairs of runs, original and remedy interleaved.
        victim_p99_ns, original_victim_p99_ns: latency of innocent requests, 99th percentile.
        throughput, original_throughput: answered requests a second.
        change: remedy over original of the victims' p99, paired by run (below 1 is better).
        throughput_change: the same of the throughput (above 1 is better).
        predicted_ns: the victims' p99 predicted before the run, 0 if nothing could be.
        prediction_error: predicted over measured, less 1.
        answers_equal: whether status and body were those of the original, None if not comparable.
        difference: the first difference of answers, in words.
        moved_to: where the bottleneck went, "" if nowhere.
        held_share, original_held_share: for what share of the time lanes are held by what held them as
            written.
        recommended: whether it beats noise, keeps the answers, and does not just move the bottleneck.
        reason: why it is recommended or not, one sentence.
        failure: why there are no figures, "" if there are.
        checks: what else was measured of it, a sentence each: the pool's queue, the GIL, pickling, memory.
    """

    remedy: Remedy
    runs: int
    victim_p99_ns: Between
    original_victim_p99_ns: Between
    throughput: Between
    original_throughput: Between
    change: Between
    throughput_change: Between
    predicted_ns: int = 0
    prediction_error: float = 0.0
    answers_equal: bool | None = None
    difference: str = ""
    moved_to: str = ""
    held_share: float = 0.0
    original_held_share: float = 0.0
    recommended: bool = False
    reason: str = ""
    failure: str = ""
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What was tried against one culprit, and what came of it.

    Attributes:
        number: of the culprit, from 1.
        culprit: its line.
        route: the finding's title.
        victims: whose latency the figures are, in words: the innocent requests, or all where there are none.
        load: what was sent in every trial, in words.
        trials: of each.
        results: in the order of the proposal.
        refusals: what fits and could not be written by machine.
        notes: sentences on what was not tried, and why.
    """

    number: int
    culprit: Location
    route: str
    victims: str
    load: str
    trials: int
    results: tuple[RemedyResult, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def recommended(self) -> RemedyResult | None:
        """The one to use, None if nothing that was tried helped."""
        return next((one for one in self.results if one.recommended), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a proposal has to know of a run besides its findings.

    Attributes:
        root: the folder that diffs are relative to (see `diag.targets.roots`).
        target_kind: ``workload``, ``app`` or ``script``.
        framework, server, loop: as in `diag.recording.Cell`.
        workers, threads: the same.
        cores: of the machine.
        sources: text of the user's files, by absolute path.
    """

    root: str
    target_kind: str
    framework: str
    server: str
    loop: str
    workers: int
    threads: int
    cores: int
    sources: Mapping[str, str]
