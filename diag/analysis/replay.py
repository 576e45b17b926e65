"""What a remedy should do to those who wait, computed before it is tried.

The recorded arrivals come again, with the blocking step taken off the lane that it held. Each request of the
culprit's takes a step as long as one of those that were seen; where it runs is the remedy's matter. An
innocent request takes what innocent requests were seen to take alone, and besides it waits:

- for a lane that is held (first come, first served);
- for the GIL, where threads compute with it: CPython hands it over when another thread has waited for 5 ms,
  and of several that wait any one may get it. A request takes the GIL anew each time it has let it go for a
  system call: polling, reading, writing;
- for a core, where more threads compute than there are cores.

A pool serves first come, first served, and what computes in it shares the GIL or the cores equally.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush

from diag.analysis.statistics import median, percentile
from diag.remedy import Move

SWITCH_NS = 5_000_000
"""`sys.getswitchinterval`: after so long a thread that waits for the GIL asks for it."""

ACQUISITIONS = 3
"""Of the GIL by a request: after polling, after reading and after writing it has been let go."""

SLICE_NS = 4_000_000
"""For how long the kernel lets a thread compute before another one gets its core (a tick at 250 Hz)."""

PIECE_NS = 4_000_000
"""What the remedy ``yield`` leaves between two pauses."""

WAKE_UPS = 2
"""Of the loop's thread for a request, each of which may find no core free."""

REPLICATIONS = 40
"""Random draws are repeated so often; the prediction is the median of their percentiles."""


class Work(StrEnum):
    """What a blocking step needs while it runs."""

    WAIT = "wait"
    CPU = "cpu"
    GIL = "gil"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request: when it comes, and whether it is the culprit's."""

    at_ns: int
    culprit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is replayed.

    Attributes:
        arrivals: in order, in ns after the load's start.
        holds_ns: steps of the culprit's that were seen: what slows them down will do so elsewhere, too.
        rest_ns: what else a request of the culprit's holds the lane for, on average.
        alone_ns: latencies of innocent requests that nothing held up.
        work: what the culprit's step needs.
        stretch: how much longer the machine made computing last, 1 if it let it run.
        cores: of the machine.
    """

    arrivals: tuple[Arrival, ...]
    holds_ns: tuple[int, ...]
    rest_ns: int
    alone_ns: tuple[int, ...]
    work: Work
    cores: int
    stretch: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a remedy changes.

    Attributes:
        move: what becomes of the step.
        pool: threads or processes for it.
        workers: processes of the server, where the remedy is another server.
        threads: of each of them; 0 for a server whose waiting calls let others run.
        whole: True if the step stays where it is, in one piece, whatever the remedy means to do.
    """

    move: Move
    pool: int = 0
    workers: int = 1
    threads: int = 1
    whole: bool = False


def predict(scene: Scene, change: Change, seed: int = 0) -> int:
    """The 99th percentile of innocent requests with a remedy, in ns; of all requests if none is innocent.

    Args:
        scene: what was recorded.
        change: what the remedy does.
        seed: of the draws.
    """
    if not (any(one.culprit for one in scene.arrivals) and scene.holds_ns and scene.alone_ns):
        return 0
    found = []
    for number in range(REPLICATIONS):
        draw = random.Random(f"{seed}/{number}")  # noqa: S311  # a model, not a secret
        found.append(percentile(_latencies(scene, change, draw), 0.99))
    return round(median(found))


def _latencies(scene: Scene, change: Change, draw: random.Random) -> list[int]:
    if change.move is Move.SERVER and change.threads:
        own, innocent = _by_workers(scene, change, draw)
    else:
        own, innocent = _by_loop(scene, change, draw)
    return innocent or own


# On a loop ------------------------------------------------------------------------------------------------


def _by_loop(scene: Scene, change: Change, draw: random.Random) -> tuple[list[int], list[int]]:
    """Latencies of the culprit's requests and of the innocent ones, where a loop serves all of them."""
    jobs = [_Job(at=one.at_ns, left=_hold(scene, change, draw)) for one in scene.arrivals if one.culprit]
    size = change.pool if change.move in (Move.THREAD, Move.PROCESS) and change.pool else len(jobs) or 1
    crowd = _Crowd([] if change.whole else _serve(jobs, size, _speed(scene, change)))
    own: list[int] = []
    innocent: list[int] = []
    free = done = 0
    for one in scene.arrivals:
        free = max(free, one.at_ns)
        waited = free - one.at_ns
        alone = draw.choice(scene.alone_ns)
        waits = _contention(scene, change, crowd.at(one.at_ns), draw)
        if one.culprit:
            kept = scene.rest_ns + (round(jobs[done].left) if change.whole else 0)
            free += kept
            away = 0 if change.whole else jobs[done].end - jobs[done].at
            own.append(waited + kept + alone + waits + away)
            done += 1
        else:
            innocent.append(waited + alone + waits)
    return own, innocent


def _hold(scene: Scene, change: Change, draw: random.Random) -> int:
    return 0 if change.move is Move.CHEAPER else draw.choice(scene.holds_ns)


def _speed(scene: Scene, change: Change) -> _Speed:
    """How fast each of some jobs goes that run together."""
    if scene.work is Work.WAIT:
        return _Speed(at_once=0)
    shares_gil = scene.work is Work.GIL and change.move in (Move.THREAD, Move.SPLIT)
    return _Speed(at_once=1 if shares_gil else scene.cores)


def _contention(scene: Scene, change: Change, running: int, draw: random.Random) -> int:
    """What an innocent request waits for while some of the culprit's steps run elsewhere."""
    if not running or scene.work is Work.WAIT or change.move in (Move.AWAIT, Move.CHEAPER):
        return 0
    if scene.work is Work.GIL and change.move is Move.THREAD:
        return _for_gil(running, scene, draw)
    if change.move is Move.SPLIT:
        return sum(round(PIECE_NS * (running - 1 + draw.random())) for _ in range(WAKE_UPS))
    taken = min(1.0, running / scene.cores)
    slices = sum(draw.random() for _ in range(WAKE_UPS) if draw.random() < taken)
    return round(slices * SLICE_NS * scene.stretch)


def _for_gil(running: int, scene: Scene, draw: random.Random) -> int:
    """How long a request waits for the GIL in all, while so many threads compute."""
    return round(SWITCH_NS * scene.stretch * sum(_rounds(running, draw) for _ in range(ACQUISITIONS)))


def _rounds(running: int, draw: random.Random) -> int:
    """How often the GIL changes hands until the loop gets it, where each that waits is as likely to."""
    rounds = 1
    while draw.random() > 1 / running:
        rounds += 1
    return rounds


# In workers' threads --------------------------------------------------------------------------------------


def _by_workers(scene: Scene, change: Change, draw: random.Random) -> tuple[list[int], list[int]]:
    """The same where each request occupies a thread of a worker until it is answered."""
    jobs = []
    for one in scene.arrivals:
        alone = draw.choice(scene.alone_ns)
        work = draw.choice(scene.holds_ns) + scene.rest_ns if one.culprit else 0
        jobs.append(_Job(at=one.at_ns, left=work + alone))
    at_once = 0 if scene.work is Work.WAIT else min(scene.cores, change.workers)
    if scene.work is Work.CPU:
        at_once = scene.cores
    spans = _serve(jobs, max(1, change.workers * change.threads), _Speed(at_once=at_once))
    crowd = _Crowd([span for span, one in zip(spans, scene.arrivals, strict=True) if one.culprit])
    own: list[int] = []
    innocent: list[int] = []
    for job, one in zip(jobs, scene.arrivals, strict=True):
        waits = 0
        inside = crowd.at(job.begin) // change.workers
        if not one.culprit and scene.work is Work.GIL and inside and change.threads > 1:
            waits = _for_gil(inside, scene, draw)
        (own if one.culprit else innocent).append(job.end - job.at + waits)
    return own, innocent


# A pool ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Job:
    """A step that a pool takes: when it comes, what is left of it, when it begins and ends."""

    at: int
    left: float
    begin: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speed:
    """`at_once` jobs can go on at full speed, more share that; 0 for jobs that only wait."""

    at_once: int

    def of(self, running: int) -> float:
        """Of each of so many jobs."""
        return min(1.0, self.at_once / running) if self.at_once and running else 1.0


def _serve(jobs: Sequence[_Job], size: int, speed: _Speed) -> list[tuple[int, int]]:
    """Let a pool take jobs in the order they come; gives when each ran."""
    running: list[tuple[float, int]] = []  # by the shared progress at which each is done
    progress, now, upcoming = 0.0, 0.0, 0
    waiting: list[int] = []
    while upcoming < len(jobs) or running or waiting:
        rate = speed.of(len(running))
        ends = now + (running[0][0] - progress) / rate if running else float("inf")
        comes = jobs[upcoming].at if upcoming < len(jobs) else float("inf")
        until = min(ends, comes)
        progress += max(0.0, until - now) * rate
        now = max(now, until)
        if ends <= comes:
            _, index = heappop(running)
            jobs[index].end = round(now)
        else:
            waiting.append(upcoming)
            upcoming += 1
        while waiting and len(running) < size:
            index = waiting.pop(0)
            jobs[index].begin = round(now)
            heappush(running, (progress + jobs[index].left, index))
    return [(job.begin, job.end) for job in jobs]


class _Crowd:
    """How many of some spans cover a moment."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self._spans = spans

    def at(self, moment: int) -> int:
        """How many begin by then and end later."""
        return sum(begin <= moment < end for begin, end in self._spans)
