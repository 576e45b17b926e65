"""Five products of arrays in one request: gathered in FastAPI, and in Flask in a loop of its own."""

from __future__ import annotations

from collections.abc import Sequence

from diag import units
from diag.analysis.trials import Trial
from diag.comparison import ClaimVerdict, Ruling
from diag.presets import explaining
from diag.presets.evidence import Evidence, durations, numbers, times
from diag.presets.ruling import judge_ratio, untold
from diag.presets.words import Figure, PresetCell, PresetLoad, S

SIDE = 10_000
TOGETHER = 5
PUBLISHED_FLASK_S = 71.0
PUBLISHED_FASTAPI_S = 31.9

CONTEST = "one request, five products"
FLASK = "Flask, one after another"
FASTAPI = "FastAPI, asyncio.gather"
FLASK_GATHERED = "Flask, asyncio.gather"
FASTAPI_SERIAL = "FastAPI, one after another"
FLASK_ARRAYS = "Flask, one after another, without lists"
FASTAPI_ARRAYS = "FastAPI, asyncio.gather, without lists"

NS_A_NUMBER = 45
"""To draw two random numbers, to multiply them and to make the product a Python object: seen on 2 cores."""

NS_A_NUMBER_IN_ARRAYS = 8

ONE_CORE = 1.2
"""What has work for fewer cores than this computes one thing after another."""

SHORT_NS = S // 4
"""The kernel tells CPU time in steps of 10 ms; a shorter request is known to less than a twentieth."""

SLIGHTLY = 1.25
"""Up to so many times as much is slightly more."""

_ARRAY = 8
_LISTED = 32
"""Bytes of a number: in an array, and in a list (a pointer of 8 and a float object of 24)."""


class NumpyGather:
    """Neither side awaits anything: what `asyncio.gather` is given computes until it is done."""

    name = "numpy-gather"
    title = "five products of two random (10000, 10000) arrays in one request, Flask against FastAPI"
    scaled = "the arrays' sides, so that 0.1 makes a hundredth of the numbers"

    def cells(self, scale: float) -> Sequence[PresetCell]:
        """See `diag.presets.words.Preset`."""
        return (
            _cell(FLASK, scale, published=PUBLISHED_FLASK_S),
            _cell(FASTAPI, scale, published=PUBLISHED_FASTAPI_S),
            _cell(FLASK_GATHERED, scale),
            _cell(FASTAPI_SERIAL, scale),
            _cell(FLASK_ARRAYS, scale),
            _cell(FASTAPI_ARRAYS, scale),
        )

    def remark(self, scale: float) -> str:
        """See `diag.presets.words.Preset`."""
        if scale == 1:
            return ""
        side = _side(scale)
        return f"published for arrays of ({SIDE}, {SIDE}), measured for ({side}, {side})"

    def claims(self, evidence: Evidence) -> Sequence[ClaimVerdict]:
        """See `diag.presets.words.Preset`."""
        return (_parallel(evidence), _faster(evidence), _more_cpu(evidence))


def key(label: str) -> str:
    """See `PresetCell.key`."""
    return f"{CONTEST}: {label}"


def _latency(trial: Trial) -> float:
    return trial.p50


def _too_short(evidence: Evidence, *labels: str) -> str:
    """Why CPU time cannot be told, "" if it can."""
    shortest = min(evidence.typical(key(label), _latency) for label in labels)
    if shortest >= SHORT_NS:
        return ""
    took = units.duration(round(shortest))
    return f"a request of {took} is too short for its CPU time to be read; a larger --scale tells more"


def _wanted(trial: Trial) -> float:
    """How many threads computed at a time, or would have, had there been a core for each."""
    return trial.cores + trial.run_queue


def _parallel(evidence: Evidence) -> ClaimVerdict:
    claim = "FastAPI runs independent async functions in parallel"
    if why := evidence.missing(key(FASTAPI)) or _too_short(evidence, FASTAPI):
        return untold(claim, why)
    cores = evidence.estimate(key(FASTAPI), _wanted)
    used = evidence.typical(key(FASTAPI), lambda trial: trial.cores)
    overlap = evidence.typical(key(FASTAPI), lambda trial: trial.overlap)
    if cores.high < ONE_CORE:
        ruling = Ruling.FAILS
    else:
        ruling = Ruling.HOLDS if cores.low > ONE_CORE else Ruling.CANNOT_TELL
    return ClaimVerdict(
        claim=claim,
        quoted=True,
        ruling=ruling,
        because=(
            f"gathered, the five had work for {numbers(cores)} cores of {evidence.cores} (used: {used:.2f}), "
            f"and steps of two threads overlapped {units.percent(overlap)} of the time"
        ),
        explained=(
            *explaining.of_holding(evidence, key(FASTAPI), FASTAPI),
            *_beside(evidence, FASTAPI_SERIAL, FASTAPI, "FastAPI, awaited one after another to gathered"),
        ),
    )


def _faster(evidence: Evidence) -> ClaimVerdict:
    measured = ""
    if not evidence.missing(key(FLASK), key(FASTAPI)):
        here, there = (durations(evidence.estimate(key(one), _latency)) for one in (FLASK, FASTAPI))
        measured = f"{here} with Flask against {there} with FastAPI"
    return judge_ratio(
        evidence,
        f"FastAPI is faster: {PUBLISHED_FLASK_S:g} s against {PUBLISHED_FASTAPI_S:g} s",
        first=key(FLASK),
        second=key(FASTAPI),
        value=_latency,
        claimed=PUBLISHED_FLASK_S / PUBLISHED_FASTAPI_S,
        measured=measured,
        quoted=True,
        explained=(
            *_beside(evidence, FLASK_GATHERED, FASTAPI, "Gathered in both, Flask to FastAPI"),
            *_beside(evidence, FLASK, FASTAPI_SERIAL, "One after another in both, Flask to FastAPI"),
            *explaining.of_memory(evidence, *map(key, (FLASK, FASTAPI, FLASK_GATHERED, FASTAPI_SERIAL))),
            *explaining.of_collecting(evidence, *map(key, (FLASK, FASTAPI, FLASK_GATHERED, FASTAPI_SERIAL))),
            *_beside(evidence, FASTAPI, FASTAPI_ARRAYS, "FastAPI with lists to FastAPI without"),
            *_beside(evidence, FLASK_ARRAYS, FASTAPI_ARRAYS, "Without lists, Flask to FastAPI"),
            *explaining.of_memory(evidence, *map(key, (FLASK_ARRAYS, FASTAPI_ARRAYS))),
        ),
    )


def _more_cpu(evidence: Evidence) -> ClaimVerdict:
    claim = "FastAPI uses slightly more CPU"
    if why := evidence.missing(key(FLASK), key(FASTAPI), ranked=False) or _too_short(
        evidence, FLASK, FASTAPI
    ):
        return untold(claim, why)
    ratio = evidence.ratio(key(FASTAPI), key(FLASK), lambda trial: trial.cpu)
    if ratio.low <= 1 <= ratio.high:
        ruling = Ruling.NO_DIFFERENCE if ratio.high <= SLIGHTLY else Ruling.CANNOT_TELL
    elif ratio.high < 1 or ratio.low > SLIGHTLY:
        ruling = Ruling.FAILS
    else:
        ruling = Ruling.HOLDS if ratio.high <= SLIGHTLY else Ruling.CANNOT_TELL
    here, there = (
        durations(evidence.estimate(key(one), lambda trial: trial.cpu)) for one in (FASTAPI, FLASK)
    )
    words = f"CPU time of the request: {here} with FastAPI, {there} with Flask: {times(ratio)}"
    if ruling is Ruling.FAILS and ratio.low > SLIGHTLY:
        words += ", which is more than slightly"
    return ClaimVerdict(
        claim=claim,
        quoted=True,
        ruling=ruling,
        because=words,
        explained=tuple(
            _beside(evidence, FLASK_GATHERED, FASTAPI, "Gathered in both, CPU time, Flask to FastAPI", "cpu")
        ),
    )


def _beside(evidence: Evidence, first: str, second: str, words: str, figure: str = "p50") -> list[str]:
    """The ratio of two cells' latencies (or CPU times), or nothing where one is missing."""
    if evidence.missing(key(first), key(second)):
        return []
    ratio = evidence.ratio(key(first), key(second), lambda trial: float(getattr(trial, figure)))
    here, there = (
        units.duration(round(evidence.typical(key(one), lambda trial: float(getattr(trial, figure)))))
        for one in (first, second)
    )
    seen = ", no difference seen" if ratio.low <= 1 <= ratio.high else ""
    return [f"{words}: {here} to {there}, {times(ratio)}{seen}"]


def _side(scale: float) -> int:
    return max(10, round(SIDE * scale))


def _cell(label: str, scale: float, published: float = 0) -> PresetCell:
    side = _side(scale)
    gathered = "gather" in label
    lists = "without lists" not in label
    numbers_ = side * side
    kept = (TOGETHER if gathered else 1) * (_LISTED if lists else _ARRAY)
    each = NS_A_NUMBER if lists else NS_A_NUMBER_IN_ARRAYS
    expected = numbers_ * TOGETHER * each
    asynchronous = label.startswith("FastAPI")
    return PresetCell(
        contest=CONTEST,
        label=label,
        file="workloads/presets/numpy_products.py",
        function="gathered" if gathered else "one_after_another",
        framework="fastapi" if asynchronous else "flask",
        server="uvicorn" if asynchronous else "werkzeug",
        strategy="native" if asynchronous else "loop-per-request",
        loops=("asyncio",) if asynchronous else (),
        params={"size": side, "lists": lists},
        load=PresetLoad(
            users=1,
            total=1,
            expected_ns=expected,
            surveyed=False,
            timeout_ns=600 * S + 20 * expected,
        ),
        needs_bytes=numbers_ * (3 * _ARRAY + kept),
        published=((Figure.LATENCY, published * S),) if published else (),
    )
