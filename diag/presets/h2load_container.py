"""Hello world in a container of one CPU and 100 MB, driven by h2load."""

from __future__ import annotations

from collections.abc import Sequence

from diag import units
from diag.analysis.amdahl import gain, saving
from diag.analysis.trials import Trial
from diag.comparison import ClaimVerdict, Ruling
from diag.presets import explaining
from diag.presets.evidence import Evidence, durations, times
from diag.presets.ruling import judge_ratio, untold
from diag.presets.words import Figure, PresetCell, PresetLoad, S

REQUESTS = 1_000
USERS = 40
CPUS = 1.0
MEMORY = 100 << 20
LOOPS = ("uvloop", "asyncio")

LIMITED, ROOMY = "1 CPU, 100 MiB", "1 CPU, memory without limit"
FLASK = "Flask, gunicorn with 4 × 32 threads"
FASTAPI = "FastAPI, gunicorn with 4 uvicorn workers"
FASTAPI_ONE = "FastAPI, gunicorn with 1 uvicorn worker"

PUBLISHED = {
    FLASK: ((Figure.CLIENT_RATE, 79.0), (Figure.MEAN, 12.56e6)),
    FASTAPI: ((Figure.CLIENT_RATE, 242.0), (Figure.MEAN, 4.07e6)),
}
PUBLISHED_SPEED_UP = 12.56 / 4.07
SERVING_SHARE = 0.2
"""Of the end-to-end latency, as the claim supposes."""

ABOUT_LOW, ABOUT_HIGH = 0.125, 0.175
"""What rounds to "about 15 %" in steps of 5 %."""


class H2loadContainer:
    """The published command was `h2load --h1 -n1000 -c40 URL`, under `docker run --cpus=1 --memory=100m`."""

    name = "h2load-container"
    title = "Flask against FastAPI, hello world in 1 CPU and 100 MB, as h2load --h1 -n1000 -c40 sends"
    scaled = "the 1,000 requests; 40 clients send them"

    def cells(self, scale: float) -> Sequence[PresetCell]:
        """See `diag.presets.words.Preset`."""
        return (
            _cell(LIMITED, FLASK, scale),
            _cell(LIMITED, FASTAPI, scale),
            _cell(LIMITED, FASTAPI_ONE, scale),
            _cell(ROOMY, FLASK, scale),
            _cell(ROOMY, FASTAPI, scale),
        )

    def remark(self, scale: float) -> str:  # noqa: ARG002  # latencies can be compared at any scale
        """See `diag.presets.words.Preset`."""
        return ""

    def claims(self, evidence: Evidence) -> Sequence[ClaimVerdict]:
        """See `diag.presets.words.Preset`."""
        return (_faster(evidence), _amdahl(evidence))


def key(contest: str, label: str) -> str:
    """See `PresetCell.key`."""
    return f"{contest}: {label}"


def _mean(trial: Trial) -> float:
    return trial.totals.mean_ns


def _faster(evidence: Evidence) -> ClaimVerdict:
    flask, fastapi = key(LIMITED, FLASK), key(LIMITED, FASTAPI)
    measured = ""
    if not evidence.missing(flask, fastapi):
        here, there = (durations(evidence.estimate(one, _mean)) for one in (flask, fastapi))
        measured = f"mean latency {here} with Flask against {there} with FastAPI"
    return judge_ratio(
        evidence,
        "FastAPI is 3× faster",
        first=flask,
        second=fastapi,
        value=_mean,
        claimed=3.0,
        measured=measured,
        quoted=True,
        explained=tuple(_why(evidence)),
    )


def _why(evidence: Evidence) -> list[str]:
    limited = key(LIMITED, FLASK), key(LIMITED, FASTAPI), key(LIMITED, FASTAPI_ONE)
    roomy = key(ROOMY, FLASK), key(ROOMY, FASTAPI)
    said = []
    for one in (*limited, *roomy):
        found = evidence.cells.get(one)
        if found is not None and found.failures and found.trials:
            said.append(f"{one}: {len(found.failures)} trials gave no figures: {found.failures[0]}")
    for one in limited:
        said += explaining.of_limits(evidence, one)
    said += explaining.of_memory(evidence, *roomy, lead="without the limit of memory: ")
    if not evidence.missing(*roomy):
        flask, fastapi = (durations(evidence.estimate(one, _mean)) for one in roomy)
        ratio = evidence.ratio(*roomy, _mean)
        seen = ", no difference seen" if ratio.low <= 1 <= ratio.high else ""
        said.append(
            f"without the limit of memory: mean latency {flask} with Flask and {fastapi} with "
            f"FastAPI, {times(ratio)}{seen}"
        )
        said += explaining.of_cpu(evidence, *roomy, ("Flask", "FastAPI"))
    for one in (*limited, *roomy):
        faults = round(evidence.typical(one, explaining.counted("major_faults")))
        if faults:
            said.append(f"{one}: {units.plural(faults, 'page')} had to be read from disk a trial")
    return said


def _amdahl(evidence: Evidence) -> ClaimVerdict:
    """Amdahl's law of the published speed-up, and of the one measured."""
    claim = "if serving is 20 % of the end-to-end latency, one gets about 15 % improvement"
    arithmetic = (
        f"Amdahl's law: {units.percent(SERVING_SHARE)} of the time made {PUBLISHED_SPEED_UP:.3g} × faster is "
        f"{units.percent(saving(SERVING_SHARE, PUBLISHED_SPEED_UP))} less time, or "
        f"{units.percent(gain(SERVING_SHARE, PUBLISHED_SPEED_UP))} more requests in the same time: given "
        "the published 3 ×, about 15 % is right"
    )
    for contest in (LIMITED, ROOMY):
        pair = key(contest, FLASK), key(contest, FASTAPI)
        why = evidence.missing(*pair)
        if not why:
            return _rule_amdahl(evidence, claim, arithmetic, contest, pair)
    return untold(claim, f"the speed-up of serving is not known here: {why}", (arithmetic,))


def _rule_amdahl(
    evidence: Evidence, claim: str, arithmetic: str, contest: str, pair: tuple[str, str]
) -> ClaimVerdict:
    ratio = evidence.ratio(*pair, _mean)
    low, high = (saving(SERVING_SHARE, one) for one in (ratio.low, ratio.high))
    most = gain(SERVING_SHARE, ratio.high)
    if low >= ABOUT_LOW and high <= ABOUT_HIGH:
        ruling = Ruling.HOLDS
    elif most < ABOUT_LOW or low > ABOUT_HIGH:
        ruling = Ruling.NO_DIFFERENCE if ratio.low <= 1 <= ratio.high else Ruling.FAILS
    else:
        ruling = Ruling.CANNOT_TELL
    found = units.percent(saving(SERVING_SHARE, ratio.ratio))
    return ClaimVerdict(
        claim=claim,
        quoted=True,
        ruling=ruling,
        because=(
            f"with {contest}, serving is {times(ratio)} faster here, which saves {found} "
            f"[{units.percent(low) if low >= 0 else 'a loss'}–{units.percent(high)}] of the end-to-end "
            f"latency, and at most {units.percent(most)} more requests are answered"
        ),
        explained=(arithmetic,),
    )


def _cell(contest: str, label: str, scale: float) -> PresetCell:
    total = max(USERS, round(REQUESTS * scale))
    asynchronous = label.startswith("FastAPI")
    return PresetCell(
        contest=contest,
        label=label,
        file="workloads/presets/hello.py",
        function="hello",
        framework="fastapi" if asynchronous else "flask",
        server="gunicorn-uvicorn" if asynchronous else "gunicorn-gthread",
        strategy="native" if asynchronous else "sync-handler",
        loops=LOOPS if asynchronous else (),
        workers=1 if label == FASTAPI_ONE else 4,
        threads=0 if asynchronous else 32,
        load=PresetLoad(users=USERS, total=total, expected_ns=round(total / 1_500 * S)),
        cpus=CPUS,
        memory_bytes=MEMORY if contest == LIMITED else 0,
        published=PUBLISHED.get(label, ()) if contest == LIMITED else (),
    )
