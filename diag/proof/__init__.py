"""What the trials of remedies came to. Pure: a recording in, what was tried out; nothing is run or written.

A remedy is recommended only if the innocent requests wait less with it than noise explains, if the answers
stay the same, and if nothing else has become what they wait for.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence

import msgspec

from diag.analysis.sameness import compare_answers
from diag.analysis.source import Code
from diag.analysis.statistics import median, percentile
from diag.proof.checks import checks, held, moved_to
from diag.proof.recommendation import recommend
from diag.proof.trials import Target, Trials, change, latencies, throughput, undecided
from diag.recording import Recording
from diag.remedy import Between, Refusal, Remedy, RemedyResult, Tried

RESAMPLES = 300

__all__ = ["Target", "judge_remedies", "undecided"]


def judge_remedies(recording: Recording) -> tuple[Tried, ...]:
    """What was tried against each culprit of a recording, () if nothing was."""
    numbers = sorted({one.culprit for one in recording.proposed})
    return tuple(found for number in numbers if (found := _tried(recording, number)) is not None)


def _tried(recording: Recording, number: int) -> Tried | None:
    rows = [one for one in recording.proposed if one.culprit == number]
    about = next((msgspec.json.decode(one.value, type=Target) for one in rows if one.kind == "culprit"), None)
    if about is None:
        return None
    remedies = [
        (msgspec.json.decode(one.value, type=Remedy), one.predicted_ns)
        for one in rows
        if one.kind == "remedy"
    ]
    original = Trials.of(recording, number, "", about, Code.of(recording))
    results = []
    for remedy, predicted_ns in remedies:
        texts = {edit.path: edit.after for edit in remedy.edits}
        code = Code.of(dataclasses.replace(recording, sources=recording.sources | texts))
        results.append(
            _result(original, Trials.of(recording, number, remedy.id, about, code), remedy, predicted_ns)
        )
    return Tried(
        number=number,
        culprit=about.culprit,
        route=about.route,
        victims=original.victims_words,
        load=about.load,
        trials=max((one.runs for one in results), default=0),
        results=recommend(results),
        refusals=tuple(msgspec.json.decode(one.value, type=Refusal) for one in rows if one.kind == "refusal"),
        notes=tuple(one.value for one in rows if one.kind == "not-tried"),
    )


# One remedy's figures -------------------------------------------------------------------------------------


def _between(samples: Sequence[Sequence[float]], share: float, seed: int) -> Between:
    """A percentile over runs: the median, and an interval from resampling runs and what they hold."""
    values = [percentile(one, share) for one in samples]
    draw = random.Random(seed)  # noqa: S311  # resampling, not a secret
    found = []
    for _ in range(RESAMPLES if samples else 0):
        chosen = draw.choices(samples, k=len(samples))
        found.append(median([percentile(draw.choices(one, k=len(one)), share) for one in chosen]))
    return Between(value=median(values), low=percentile(found, 0.025), high=percentile(found, 0.975))


_NONE = Between(value=0.0, low=0.0, high=0.0)


def _result(original: Trials, tried: Trials, remedy: Remedy, predicted_ns: int) -> RemedyResult:
    trials = sorted({run.trial for run in original.runs} & {run.trial for run in tried.runs})
    if tried.failures or not trials:
        failure = tried.failures[0] if tried.failures else "it was not tried to its end"
        return RemedyResult(
            remedy=remedy,
            runs=0,
            victim_p99_ns=_NONE,
            original_victim_p99_ns=_NONE,
            throughput=_NONE,
            original_throughput=_NONE,
            change=_NONE,
            throughput_change=_NONE,
            predicted_ns=predicted_ns,
            reason=f"It could not be tried: {failure}." if tried.failures else "It was not tried to its end.",
            failure=failure,
        )
    before = [next(run for run in original.runs if run.trial == trial) for trial in trials]
    after = [next(run for run in tried.runs if run.trial == trial) for trial in trials]
    seed = original.recording.meta.seed
    about = original.about
    victims = _between([latencies(run, about) for run in after], 0.99, seed)
    same = compare_answers(before, after)
    measured = RemedyResult(
        remedy=remedy,
        runs=len(trials),
        victim_p99_ns=victims,
        original_victim_p99_ns=_between([latencies(run, about) for run in before], 0.99, seed),
        throughput=_between([[throughput(run)] for run in after], 0.5, seed),
        original_throughput=_between([[throughput(run)] for run in before], 0.5, seed),
        change=change([original.p99(run) for run in after], [original.p99(run) for run in before]),
        throughput_change=change([throughput(run) for run in after], [throughput(run) for run in before]),
        predicted_ns=predicted_ns,
        prediction_error=predicted_ns / victims.value - 1 if predicted_ns and victims.value else 0.0,
        answers_equal=same.equal,
        difference=same.difference,
    )
    return dataclasses.replace(
        measured,
        moved_to=moved_to(original, tried, remedy),
        held_share=held(tried, original),
        original_held_share=held(original, original),
        checks=tuple(checks(original, tried, remedy)),
    )
