"""`time.sleep(10)` in an `async def` endpoint, and what else can be done with ten seconds."""

from __future__ import annotations

from collections.abc import Sequence

from diag import units
from diag.comparison import ClaimVerdict, Ruling
from diag.presets import explaining
from diag.presets.evidence import Evidence, numbers, throughput, times
from diag.presets.ruling import rule, untold
from diag.presets.words import PresetCell, PresetLoad, S

SECONDS = 10.0
TOGETHER = 4
"""Requests at the same time: the published question has "several"."""

SLEEPING = "4 requests at once, each sleeps"
COMPUTING = "4 users, each request computes"

ASYNC_SLEEP = "FastAPI, time.sleep in async def"
AWAITED = "FastAPI, asyncio.sleep"
THREADS = "Flask, a thread for each"
GEVENT = "Flask on gevent"
DEF = "FastAPI, time.sleep in def"

ON_LOOP = "FastAPI, computed in async def"
IN_THREAD = "FastAPI, computed in a thread"
IN_PROCESS = "FastAPI, computed in another process"

ALONE = 1.25
"""Requests that overlap by less than this are served one after another."""

ALL = 0.8
"""Requests of which this part is served at a time overlap."""

SHORT_S = 0.5
"""Connecting, starting threads and waiting for a core take tens of milliseconds on a busy machine."""

VICTIMS_GAIN = 1.5
"""Innocent requests that wait this many times less have been helped."""


class BlockingSleep:
    """Asked again and again wherever FastAPI is: one sleeping request stops all others."""

    name = "blocking-sleep"
    title = "time.sleep(10) and asyncio.sleep(10) in FastAPI, and in Flask with threads and with gevent"
    scaled = "the 10 s of sleep"

    def cells(self, scale: float) -> Sequence[PresetCell]:
        """See `diag.presets.words.Preset`."""
        return (
            _sleeping(ASYNC_SLEEP, scale, "uvicorn", "blocking"),
            _sleeping(AWAITED, scale, "uvicorn", "native"),
            _sleeping(THREADS, scale, "werkzeug", "sync-handler"),
            _sleeping(GEVENT, scale, "gunicorn-gevent", "gevent"),
            _sleeping(DEF, scale, "uvicorn", "sync-handler"),
            _computing(ON_LOOP, "blocking"),
            _computing(IN_THREAD, "to-thread"),
            _computing(IN_PROCESS, "process-pool"),
        )

    def remark(self, scale: float) -> str:  # noqa: ARG002  # no figures were published
        """See `diag.presets.words.Preset`."""
        return ""

    def claims(self, evidence: Evidence) -> Sequence[ClaimVerdict]:
        """See `diag.presets.words.Preset`."""
        return (
            _serialised(evidence, "time.sleep(10) in an async def endpoint serialises requests", ASYNC_SLEEP),
            _overlapping(evidence, "asyncio.sleep(10) lets them overlap", AWAITED),
            _overlapping(evidence, "Flask runs each in a thread", THREADS),
            _overlapping(evidence, "gevent patches the sleep", GEVENT),
            _elsewhere(evidence, "CPU work belongs in other processes"),
        )


def _at_once(evidence: Evidence, label: str) -> tuple[float, float, float, str]:
    """How many sleeps went on at a time: the sleep that was answered a second of wall time."""
    seconds = SECONDS * evidence.scale
    found = evidence.estimate(f"{SLEEPING}: {label}", lambda trial: trial.throughput * seconds)
    return found.value, found.low, found.high, numbers(found)


def _serialised(evidence: Evidence, claim: str, label: str) -> ClaimVerdict:
    key = f"{SLEEPING}: {label}"
    if why := evidence.missing(key):
        return untold(claim, why)
    _, low, high, shown = _at_once(evidence, label)
    ruling = Ruling.HOLDS if high < ALONE else Ruling.FAILS if low > ALONE else Ruling.CANNOT_TELL
    return ClaimVerdict(
        claim=claim,
        quoted=True,
        ruling=ruling,
        because=f"{_slept(evidence, label)}: {shown} at a time",
        explained=(
            *explaining.of_holding(evidence, key, label),
            *_control(evidence, DEF, "The same in a def endpoint, which FastAPI runs in its thread pool"),
        ),
    )


def _overlapping(evidence: Evidence, claim: str, label: str) -> ClaimVerdict:
    key = f"{SLEEPING}: {label}"
    if why := evidence.missing(key):
        return untold(claim, why)
    _, low, high, shown = _at_once(evidence, label)
    enough = ALL * TOGETHER
    ruling = Ruling.HOLDS if low >= enough else Ruling.FAILS if high < enough else Ruling.CANNOT_TELL
    because = f"{_slept(evidence, label)}: {shown} at a time"
    if ruling is Ruling.FAILS and SECONDS * evidence.scale < SHORT_S:
        ruling = Ruling.CANNOT_TELL
        because += "; beside a sleep as short as this, all else that a request takes is long"
    return ClaimVerdict(
        claim=claim,
        quoted=True,
        ruling=ruling,
        because=because,
        explained=tuple(_why_overlapping(evidence, key)),
    )


def _why_overlapping(evidence: Evidence, key: str) -> list[str]:
    """What the recording shows of the lanes meanwhile."""
    blocked = evidence.typical(key, lambda trial: trial.blocked)
    overlap = evidence.typical(key, lambda trial: trial.overlap)
    said = []
    if evidence.cells[key].cell.loop:
        said.append(f"its event loop was held {units.percent(blocked)} of the time")
    elif overlap:
        said.append(
            f"{units.percent(overlap)} of the time that a worker's thread was occupied, another one was too"
        )
    cpu = evidence.typical(key, lambda trial: trial.cores)
    said.append(f"its process computed on {cpu:.2f} cores meanwhile")
    return said


def _control(evidence: Evidence, label: str, words: str) -> list[str]:
    if not evidence.trials(f"{SLEEPING}: {label}"):
        return []
    return [f"{words}: {_at_once(evidence, label)[3]} at a time"]


def _slept(evidence: Evidence, label: str) -> str:
    wall = evidence.typical(f"{SLEEPING}: {label}", lambda trial: trial.totals.wall_ns)
    each = units.duration(round(SECONDS * evidence.scale * S))
    return f"{TOGETHER} requests that sleep {each} took {units.duration(round(wall))}"


def _elsewhere(evidence: Evidence, claim: str) -> ClaimVerdict:
    """Another process helps if others wait less than with a thread, and no fewer requests are answered."""
    thread, process, loop = (f"{COMPUTING}: {label}" for label in (IN_THREAD, IN_PROCESS, ON_LOOP))
    if why := evidence.missing(thread, process):
        return untold(claim, why)
    waiting = evidence.ratio(thread, process, lambda trial: trial.victim_p99)
    answered = evidence.ratio(process, thread, throughput)
    kinder = rule(waiting, VICTIMS_GAIN)
    slower = answered.high < 1
    ruling = Ruling.FAILS if slower and kinder is Ruling.HOLDS else kinder
    here, there = (
        units.duration(round(evidence.typical(one, lambda trial: trial.victim_p99)))
        for one in (process, thread)
    )
    same = "" if answered.low > 1 or answered.high < 1 else ", no difference seen"
    return ClaimVerdict(
        claim=claim,
        quoted=True,
        ruling=ruling,
        because=(
            f"other requests' p99 is {here} with a process and {there} with a thread, {times(waiting)}; "
            f"requests answered, process to thread: {times(answered)}{same}"
        ),
        explained=(
            *explaining.of_holding(evidence, loop, ON_LOOP),
            *explaining.of_cores(evidence, thread, process),
            *explaining.of_starving(evidence, thread, process),
        ),
    )


def _sleeping(label: str, scale: float, server: str, strategy: str) -> PresetCell:
    seconds = SECONDS * scale
    slow = label == ASYNC_SLEEP
    return PresetCell(
        contest=SLEEPING,
        label=label,
        file="workloads/blocking_sleep.py",
        function="blocking_sleep",
        framework="flask" if label.startswith("Flask") else "fastapi",
        server=server,
        strategy=strategy,
        loops={"uvicorn": ("asyncio",), "gunicorn-gevent": ("gevent",)}.get(server, ()),
        params={"seconds": seconds},
        load=PresetLoad(
            users=TOGETHER,
            total=TOGETHER,
            expected_ns=round(seconds * S) * (TOGETHER if slow else 1),
            surveyed=False,
            timeout_ns=round((60 + 2 * TOGETHER * seconds) * S),
        ),
    )


def _computing(label: str, strategy: str) -> PresetCell:
    return PresetCell(
        contest=COMPUTING,
        label=label,
        file="workloads/cpu_pure_python.py",
        function="cpu_pure_python",
        framework="fastapi",
        server="uvicorn",
        strategy=strategy,
        loops=("asyncio",),
        load=PresetLoad(users=4),
    )
