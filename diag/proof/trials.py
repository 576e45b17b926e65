"""The runs of one remedy, or of the original, against one culprit: what they measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from diag.analysis.case import Case, examine
from diag.analysis.cells import PROBE_STREAM
from diag.analysis.paired import ratio_of
from diag.analysis.source import Code
from diag.analysis.statistics import percentile_ns
from diag.finding import Finding, Location
from diag.recording import Recording, Request, Run, RunStatus
from diag.remedy import Between
from diag.rules import find_all

HELPS_BELOW = 0.9
"""A remedy that leaves more than this of the victims' wait changes nothing that anybody would notice."""

ERROR_RATE = 0.05
"""Of a single difference, as the intervals' 95 %."""

MUCH = 1e9
"""In place of infinity, which JSON has no number for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A culprit as a recording keeps it, beside what was proposed against it.

    Attributes:
        culprit: its line.
        route: the finding's title.
        routes: that its blocks worked for.
        load: what was sent in every trial, in words.
        alone_ns: what innocent requests took without the culprit's, () if that was not measured.
    """

    culprit: Location
    route: str
    routes: tuple[str, ...]
    load: str
    alone_ns: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Trials:
    """The runs of one remedy, or of the original, against one culprit."""

    runs: tuple[Run, ...]
    failures: tuple[str, ...]
    about: Target
    recording: Recording
    code: Code

    @classmethod
    def of(cls, recording: Recording, number: int, remedy: str, about: Target, code: Code) -> Trials:
        """Those of a recording; one that has no figures gives its reason."""
        own = [
            run
            for run in recording.runs
            for attempt in run.attempts
            if attempt.culprit == number and attempt.remedy == remedy
        ]
        done = [run for run in own if run.status is RunStatus.DONE and loaded(run)]
        failures = [run.failure or "the load did not come to its end" for run in own if run not in done]
        interrupted = all(
            run.status in (RunStatus.INTERRUPTED, RunStatus.RUNNING) for run in own if run not in done
        )
        return cls(
            runs=tuple(done),
            failures=() if interrupted else tuple(failures),
            about=about,
            recording=recording,
            code=code,
        )

    @property
    def victims_words(self) -> str:
        """Whose latency it is."""
        every = {request.route for run in self.runs for request in loaded(run)}
        return "innocent requests" if every - set(self.about.routes) else "all requests: there are no others"

    def p99(self, run: Run) -> int:
        """The victims' 99th percentile in one run."""
        return percentile_ns(latencies(run, self.about), 0.99)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The runs, analysed."""
        return tuple(examine(self.recording, run, self.code) for run in self.runs)

    @cached_property
    def findings(self) -> tuple[tuple[Finding, ...], ...]:
        """What was found in each run."""
        return tuple(find_all(case) for case in self.cases)


def change(remedied: Sequence[float], original: Sequence[float]) -> Between:
    """The ratio of what was measured with a remedy to the original, by trial, and its 95 % interval."""
    pairs = [(a, b) for a, b in zip(remedied, original, strict=True) if a > 0 and b > 0]
    ratio = ratio_of([a for a, _ in pairs], [b for _, b in pairs], ERROR_RATE)
    return Between(value=ratio.ratio, low=ratio.low, high=min(ratio.high, MUCH))


def undecided(recording: Recording, number: int, about: Target, remedies: Collection[str]) -> bool:
    """Whether some remedy seems to help and may still be noise: another trial could tell.

    Args:
        recording: with trials.
        number: of the culprit.
        about: the same culprit.
        remedies: ids of those that matter.
    """
    by_remedy: dict[str, dict[int, int]] = defaultdict(dict)
    for run in recording.runs:
        for attempt in run.attempts:
            if attempt.culprit == number and run.status is RunStatus.DONE and loaded(run):
                by_remedy[attempt.remedy][run.trial] = percentile_ns(latencies(run, about), 0.99)
    original = by_remedy.pop("", {})
    for name, found in by_remedy.items():
        if name not in remedies:
            continue
        both = sorted(original.keys() & found.keys())
        ratio = change([found[trial] for trial in both], [original[trial] for trial in both])
        if both and ratio.value <= HELPS_BELOW and ratio.high >= 1:
            return True
    return False


def loaded(run: Run) -> tuple[Request, ...]:
    """A run's requests without its survey's."""
    return tuple(one for one in run.requests if one.intended_ns >= run.load_started_ns > 0)


def latencies(run: Run, about: Target) -> list[int]:
    """Of the innocent requests, or of all where there are none; an unanswered one took what was seen."""
    every = loaded(run)
    innocent = [one for one in every if is_innocent(one, about)]
    return [one.done_ns - one.intended_ns for one in innocent or every]


def is_innocent(request: Request, about: Target) -> bool:
    """True for a request that the culprit's route is not asked by."""
    return request.stream == PROBE_STREAM or request.route not in about.routes


def throughput(run: Run) -> float:
    """Answers per second, until the last of them."""
    every = loaded(run)
    answered = [one for one in every if 0 < one.status < 500]
    took = max((one.done_ns for one in every), default=0) - run.load_started_ns
    return len(answered) * 1e9 / took if took > 0 else 0.0
