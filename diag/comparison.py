"""What a comparison of cells concludes: figures with intervals, differences, ranks, and the answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from diag.recording import Limit


class By(StrEnum):
    """What cells are ranked by."""

    THROUGHPUT = "throughput"
    P99 = "p99"
    VICTIMS = "victims"
    CPU = "cpu"

    @property
    def words(self) -> str:
        """As a report says it."""
        return _BY_WORDS[self]

    @property
    def more_is_better(self) -> bool:
        """True if the largest value wins."""
        return self is By.THROUGHPUT


_BY_WORDS = {
    By.THROUGHPUT: "requests per second",
    By.P99: "99th percentile of the latency",
    By.VICTIMS: "99th percentile of innocent requests",
    By.CPU: "CPU time a request",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure over trials.

    Attributes:
        value: the median of the trials.
        low, high: its 95 % bootstrap interval.
        trials: each trial's value, in their order.
    """

    value: float
    low: float
    high: float
    trials: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianTrial:
    """The trial whose requests per second are the cell's median: what ab's and h2load's tables are made of.

    Attributes:
        trial: its number.
        generator: what sent the requests.
        wall_ns: from the first request to the last answer.
        answered, failed, timeouts: requests.
        body_bytes: of all bodies.
        min_ns, mean_ns, sd_ns, max_ns: of the latencies.
        within_sd: answers within one standard deviation of the mean.
        percentiles: pairs of percent (0 to 100) and nanoseconds.
    """

    trial: int
    generator: str
    wall_ns: int
    answered: int
    failed: int
    timeouts: int
    body_bytes: int
    min_ns: int
    mean_ns: int
    sd_ns: int
    max_ns: int
    within_sd: int
    percentiles: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFigures:
    """One cell over all its trials.

    Attributes:
        label: what tells it from the others of its contest.
        recorded_as: its label in the recording, where a preset's cells that differ in limits have their own.
        target, framework, server, loop, strategy, workload: its place in the matrix.
        workers, threads: as asked for.
        load: in words.
        trials: how many gave figures.
        rank: of its group, from 1; 0 if it is not ranked.
        unranked: why it is not, "" if it is.
        failure: why trials gave no figures, "" if all did.
        answered, failed, timeouts: requests of all trials; `timeouts` are among the failed.
        warmed_up: requests of the warm-up, left out of all figures.
        throughput: answers per second of the workload's own stream.
        p50_ns, p99_ns: latency of that stream.
        victim_p99_ns: latency of innocent requests.
        blocked_share: blocked time of the lanes over their time, 0 to 1.
        cpu_ns_per_request: CPU time of the process tree over all answers.
        memory_bytes: most resident memory of the process tree.
        connect_p50_ns, connect_p99_ns: from wanting a connection to having it.
        generator_share: the share of its core that the load generator used.
        generator_bound: True if it was the limit in most trials.
        unstable: True if the trials disagree more than the interval explains.
        unstable_reason: what the recording shows of the trial that is farthest off, "" if nothing.
        reasons: what explains its figures, from the recording.
        incidents: what its server did and should not have done, each once, of all trials.
        limits: on its processes; the highest peak, and all that was killed or held back, of all trials.
        median_trial: the trial in the middle.
    """

    label: str
    recorded_as: str = ""
    target: str
    framework: str = ""
    server: str = ""
    loop: str = ""
    strategy: str = ""
    workload: str = ""
    workers: int = 1
    threads: int = 0
    load: str = ""
    trials: int = 0
    rank: int = 0
    unranked: str = ""
    failure: str = ""
    answered: int = 0
    failed: int = 0
    timeouts: int = 0
    warmed_up: int = 0
    throughput: Estimate | None = None
    p50_ns: Estimate | None = None
    p99_ns: Estimate | None = None
    victim_p99_ns: Estimate | None = None
    blocked_share: Estimate | None = None
    cpu_ns_per_request: Estimate | None = None
    memory_bytes: Estimate | None = None
    connect_p50_ns: Estimate | None = None
    connect_p99_ns: Estimate | None = None
    generator_share: Estimate | None = None
    generator_bound: bool = False
    unstable: bool = False
    unstable_reason: str = ""
    reasons: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    median_trial: MedianTrial | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two cells compared on the trials that they have in common.

    Attributes:
        first, second: labels; by the median `first` is the better one.
        ratio: of the first's figure to the second's, the geometric mean over trials.
        low, high: its interval, widened for the number of pairs that are compared.
        seen: True if the interval excludes 1: a difference is claimed then, and only then.
        trials: how many pairs.
    """

    first: str
    second: str
    ratio: float
    low: float
    high: float
    seen: bool
    trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Cells that do the same work.

    Attributes:
        title: the workload, or what the apps are asked.
        by: what they are ranked by.
        common: what all cells share, in words.
        cells: ranked ones first, best first.
        differences: every pair of ranked cells.
        verdict: which to use, in sentences.
        why: what explains it, in sentences.
    """

    title: str
    by: By
    common: str
    cells: tuple[CellFigures, ...]
    differences: tuple[Difference, ...]
    verdict: tuple[str, ...]
    why: tuple[str, ...]


class Ruling(StrEnum):
    """Whether what was claimed elsewhere is so here."""

    HOLDS = "holds here"
    FAILS = "does not hold"
    NO_DIFFERENCE = "no difference seen"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFigure:
    """A figure that was published, beside the one measured here.

    Attributes:
        contest, cell: the title and the label where it belongs.
        figure: what it is, in words.
        durations: True if both are nanoseconds, False if they are per second.
        published: as it was published.
        measured: the same here, None if the cell gave no figures.
        generator_share: the share of its core that the load generator used meanwhile.
        remark: why the two are not the same measurement, "" if they are.
    """

    contest: str
    cell: str
    figure: str
    durations: bool
    published: float
    measured: Estimate | None = None
    generator_share: Estimate | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimVerdict:
    """A claim of a published comparison, judged by what was measured here.

    Attributes:
        claim: as it was published, or what its figures say.
        quoted: True if these are the words that were published.
        ruling: whether it holds here.
        because: the measurement that says so, with its interval; or why it cannot be told.
        explained: what explains it, from the recording, in sentences.
    """

    claim: str
    quoted: bool
    ruling: Ruling
    because: str
    explained: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The answer to "which should I use for this, and why", of one recording.

    Attributes:
        targets: as typed.
        contests: one a workload; apps are in one together.
        trials: most trials of a cell.
        duration_ns: from the first run to the last.
        seed: of the order and the intervals.
        python: implementation and version.
        cores: of the machine.
        finished: False if the comparison was broken off.
        notes: full sentences on what was measured less well.
        settings: how servers are set up otherwise than their users would expect, full sentences.
        recording: its path, "" if it was not kept.
        preset: the published comparison that was run again, "" if none was.
        scale: of the preset, 1 for the published settings.
        published: its figures, beside those measured.
        claims: of the preset, judged.
    """

    targets: tuple[str, ...]
    contests: tuple[Contest, ...]
    trials: int
    duration_ns: int
    seed: int
    python: str
    cores: int
    finished: bool
    notes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    recording: str = ""
    preset: str = ""
    scale: float = 1.0
    published: tuple[PublishedFigure, ...] = ()
    claims: tuple[ClaimVerdict, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 if some cell could be measured, else 2."""
        measured = any(cell.trials for contest in self.contests for cell in contest.cells)
        return 0 if measured else 2
