"""One trial of a cell: its figures, and what the recording shows that can explain them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diag.analysis.case import Case, examine
from diag.analysis.causes import main_cause, shares
from diag.analysis.cells import PROBE_STREAM, blocked_time, cpu_between
from diag.analysis.overlap import overlap_share
from diag.analysis.source import Code
from diag.comparison import MedianTrial
from diag.finding import Cause
from diag.recording import Recording, Run, RunStatus, StreamTotals
from diag.units import cores as cores_words
from diag.units import count, percent, plural

WARM_UP = "warm-up"

HELD_SHARE = 0.05
"""A lane that is blocked for less of its time explains little of what its clients see."""

FULL_SHARE = 0.85
"""Processes that compute for this share of the time, of those that could at once, are at their limit."""

NOTABLE_SHARE = 0.05
"""Run-queue wait, garbage collection and steal below this share of the time change no rank."""


_CLEARLY = 1.5
"""A trial that has this many times as much of something as another differs from it in that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One run of a cell that gave figures; durations in ns, 0 or less where unknown.

    Attributes:
        number: of the trial.
        totals: of the workload's own stream.
        warmed_up: requests of the warm-up.
        throughput: answers per second.
        p50, p99, victim_p99: latencies.
        blocked: share of the lanes' time, 0 to 1.
        cpu: CPU time a request, over all streams.
        cores: CPU time over wall time: how many cores it used.
        overlap: share of the time in which a thread held its lane that another one did so too, 0 to 1.
        memory: most bytes.
        processes: most at a time.
        connect_p50, connect_p99: as `StreamTotals` has them.
        generator: share of its core that the load generator used.
        generator_waited: share of the time in which the load generator was ready and had no core.
        bound: True if that was the limit.
        run_queue: how long the target's threads were ready and had no core, over the time; over 1 where
            several waited at once.
        collecting: garbage collection over the window.
        steal: share of all cores that a hypervisor took.
        counters: of the kernel, by name.
        held: what held the lanes most, in words, "" if nothing.
        errors: sentences of the load generator.
        incidents: what the server did and should not have done, in sentences.
    """

    number: int
    totals: StreamTotals
    warmed_up: int
    throughput: float
    p50: int
    p99: int
    victim_p99: int
    blocked: float
    cpu: int
    cores: float
    overlap: float
    memory: int
    processes: int
    connect_p50: int
    connect_p99: int
    generator: float
    generator_waited: float
    bound: bool
    run_queue: float
    collecting: float
    steal: float
    counters: dict[str, int]
    held: str
    errors: tuple[str, ...]
    incidents: tuple[str, ...] = ()

    @property
    def faults(self) -> float:
        """Page faults a request."""
        return self.counters.get("minor_faults", 0) / max(1, self.totals.answered)

    def median_trial(self) -> MedianTrial:
        """As a report of ab's or h2load's kind shows it."""
        counts = ("generator", "wall_ns", "answered", "failed", "timeouts", "body_bytes")
        names = (*counts, "min_ns", "mean_ns", "sd_ns", "max_ns", "within_sd")
        return MedianTrial(
            trial=self.number,
            percentiles=tuple((one.percent, one.ns) for one in self.totals.percentiles),
            **{name: getattr(self.totals, name) for name in names},
        )


def read_trial(recording: Recording, run: Run, code: Code) -> Trial | str:
    """The figures of a run, or why it has none."""
    if run.status is not RunStatus.DONE:
        words = {RunStatus.RUNNING: "it was broken off", RunStatus.INTERRUPTED: "it was interrupted"}
        return run.failure if run.status is RunStatus.FAILED else words[run.status]
    own = next((s for s in run.streams if s.stream not in (PROBE_STREAM, WARM_UP)), None)
    if own is None:
        reason = next((f"{one.route} {one.reason}" for one in run.unmeasured), "")
        return reason or "the load did not come to its end"
    case = examine(recording, run, code)
    start, end = case.timeline.window
    blocked, time = blocked_time(case)
    cpu = cpu_between(run.samples, start, end)
    answered = sum(s.answered for s in run.streams if s.stream != WARM_UP)
    window = max(1, end - start)
    counters = {one.name: one.amount for one in run.counters}
    return Trial(
        number=run.trial,
        totals=own,
        warmed_up=sum(s.answered + s.failed for s in run.streams if s.stream == WARM_UP),
        throughput=own.answered * 1e9 / own.wall_ns if own.wall_ns else 0.0,
        p50=_percentile(own, 50),
        p99=_percentile(own, 99),
        victim_p99=max((_percentile(s, 99) for s in run.streams if s.stream == PROBE_STREAM), default=0),
        blocked=min(1.0, blocked / time) if time else 0.0,
        cpu=cpu // answered if answered else 0,
        cores=cpu / window,
        overlap=overlap_share(run, case.timeline.window),
        memory=max((one.rss_bytes for one in run.samples), default=0),
        processes=max((one.processes for one in run.samples), default=0),
        connect_p50=own.connect_p50_ns,
        connect_p99=own.connect_p99_ns,
        generator=run.load.utilisation if run.load else 0.0,
        generator_waited=run.load.runqueue_ns / max(1, run.load.wall_ns) if run.load else 0.0,
        bound=run.load.generator_bound if run.load else False,
        run_queue=counters.get("run_queue_ns", 0) / window,
        collecting=sum(
            pause.end_ns - pause.start_ns for pause in run.pauses if start <= pause.start_ns <= end
        )
        / window,
        steal=counters.get("steal_ns", 0) / window / max(1, recording.meta.machine.cores),
        counters=counters,
        held=_held(case),
        errors=run.errors,
        incidents=tuple(one.text for one in run.incidents),
    )


def _percentile(totals: StreamTotals, percent_: float) -> int:
    return next((one.ns for one in totals.percentiles if one.percent == percent_), 0)


def _held(case: Case) -> str:
    """Whose line held the lanes most, and how."""
    culprits = [*case.culprits, *case.holders]
    if not culprits:
        return ""
    worst = max(culprits, key=lambda one: one.split.own_ns)
    place = worst.place(worst.parts)
    cause = main_cause(shares(worst.split, worst.gil))
    words = f" ({cause.words})" if isinstance(cause, Cause) else ""
    if place is None:
        return f"somewhere{words}"
    where = case.code.location(place.line)
    return f"at {where.path}:{where.line}{words}"


def reasons(trial: Trial, *, workers: int, cores: float, loop: bool) -> Iterator[str]:
    """What explains a trial's figures, in sentences without a subject's name.

    Args:
        trial: the one in the middle.
        workers: server processes.
        cores: that the target could use.
        loop: True if the server has an event loop.
    """
    if trial.blocked >= HELD_SHARE:
        lane = "its event loop was" if loop else "its workers were"
        yield f"{lane} held {percent(trial.blocked)} of the time{trial.held and ' ' + trial.held}"
    limit = min(workers, cores)
    if trial.cores >= FULL_SHARE * limit:
        of = "one core" if limit == 1 else cores_words(limit)
        yield f"its processes computed all the time: {trial.cores:.2f} of {of}"
    held_back = trial.counters.get("held_back_ns", 0) / max(1, trial.totals.wall_ns)
    if held_back >= NOTABLE_SHARE:
        yield f"its limit on CPU kept its threads from running ({held_back:.2f} s a second)"
    yield from _of_network(trial)
    yield from of_machine(trial)
    yield from (one[0].lower() + one[1:].rstrip(".") for one in trial.errors[:2])


def _of_network(trial: Trial) -> Iterator[str]:
    overflows = trial.counters.get("listen_overflows", 0)
    if overflows:
        times = plural(overflows, "time")
        yield f"the listen backlog overflowed {times}: such clients waited 1, 3, 7 s to retry"
    elif trial.counters.get("retransmits", 0) >= max(100, trial.totals.answered // 50):
        again = count(trial.counters["retransmits"])
        yield f"TCP sent {again} segments again (those of other programs counted in)"


def of_machine(trial: Trial) -> Iterator[str]:
    """What was the machine's or the interpreter's doing."""
    if trial.run_queue >= NOTABLE_SHARE:
        yield f"the machine let its threads wait for a core ({_machine_wait(trial)})"
    if trial.collecting >= NOTABLE_SHARE:
        yield f"garbage collection took {percent(trial.collecting)} of the time"
    if trial.steal >= NOTABLE_SHARE:
        yield f"the hypervisor took {percent(trial.steal)} of the CPU time away"
    faults = trial.counters.get("major_faults", 0)
    if faults >= 100:
        yield f"{count(faults)} pages had to be read from disk"
    if trial.totals.failed:
        yield f"{plural(trial.totals.failed, 'request')} failed"


def off(trial: Trial, middle: Trial) -> str:
    """What the recording shows of a trial that is far off, beside the one in the middle; "" if nothing.

    Either may be the one that was held up: a trial can also be off because it alone was not. What the slower
    one had less of has not made it slow.
    """
    slower = trial.throughput < middle.throughput
    found = []
    for words, here, there in (
        ("wait for a core", trial.run_queue, middle.run_queue),
        ("garbage collection", trial.collecting, middle.collecting),
        ("CPU time taken by the hypervisor", trial.steal, middle.steal),
        ("failed requests", _failed_share(trial), _failed_share(middle)),
    ):
        explains = (here > there) == slower and max(here, there) >= _CLEARLY * min(here, there)
        if explains and max(here, there) >= NOTABLE_SHARE:
            found.append(
                f"{words}: {percent(here)} in the trial farthest off, {percent(there)} in the middle one"
            )
    return "; ".join(found)


def _failed_share(trial: Trial) -> float:
    return trial.totals.failed / max(1, trial.totals.answered + trial.totals.failed)


def _machine_wait(trial: Trial) -> str:
    return f"{trial.run_queue:.2f} s a second"
