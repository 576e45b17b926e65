"""Which remedy to use, and what speaks against the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from diag.proof.trials import HELPS_BELOW
from diag.remedy import Move, RemedyResult
from diag.units import duration, percent

AS_GOOD_FACTOR = 1.5
AS_GOOD_NS = 3_000_000
"""Up to here above the least, a remedy is as good as that one, and the simpler of them is recommended: what
innocent requests take when nothing holds them up varies by as much from trial to trial."""

AT_MOST_FACTOR = 2.0
"""Where noise makes intervals overlap, it is as good up to here."""

STILL_HELD = 0.5
"""A step that holds its lane for more than this part of what it did has not gone anywhere."""

SLOWER_BELOW = 0.95
"""A throughput that is certainly below this share of the original's is a loss."""


def recommend(results: Sequence[RemedyResult]) -> tuple[RemedyResult, ...]:
    """At most one is recommended: the first of those that are as good as the best that helps."""
    problems = [_problem(one) for one in results]
    helping = [one for one, problem in zip(results, problems, strict=True) if not problem]
    best = min(helping, key=lambda one: one.victim_p99_ns.value, default=None)
    as_good = [one for one in helping if best is not None and _as_good(one, best)]
    chosen = min(as_good, key=lambda one: (not one.remedy.safe, not one.remedy.expected), default=None)
    return tuple(
        dataclasses.replace(one, recommended=one is chosen, reason=problem or _praise(one, chosen))
        for one, problem in zip(results, problems, strict=True)
    )


def _as_good(one: RemedyResult, other: RemedyResult) -> bool:
    """Whether it is not seen to leave innocent requests waiting for longer."""
    least = other.victim_p99_ns
    enough = max(AS_GOOD_FACTOR * least.value, least.value + AS_GOOD_NS)
    close = one.victim_p99_ns.value <= AT_MOST_FACTOR * least.value
    return one.victim_p99_ns.value <= enough or (close and one.victim_p99_ns.low <= least.high)


def _problem(one: RemedyResult) -> str:
    """Why it is not to be used, in a sentence; "" if nothing speaks against it."""
    if one.failure:
        return one.reason
    fell = _fell(one)
    if one.answers_equal is False:
        return f"It changes the answers: {one.difference}."
    if one.change.low > 1:
        return f"It makes it worse: {fell}."
    stays = one.held_share > STILL_HELD * one.original_held_share > 0
    if stays and one.remedy.move is not Move.SERVER:  # another server holds more lanes, not fewer
        share = percent(one.held_share)
        return f"It does not move the step: the same line still holds its lane {share} of the time; {fell}."
    if one.change.high >= 1 or one.change.value > HELPS_BELOW:
        return f"No difference seen: {fell}."
    if one.moved_to:
        return f"It moves the bottleneck: {one.moved_to}; {fell}."
    if one.throughput_change.high < SLOWER_BELOW:
        return f"It answers fewer requests: {one.throughput_change.value:.2f} × as many a second; {fell}."
    return ""


def _fell(one: RemedyResult) -> str:
    before, after = round(one.original_victim_p99_ns.value), round(one.victim_p99_ns.value)
    return f"victims' p99 {duration(after)}, as written {duration(before)}"


def _praise(one: RemedyResult, chosen: RemedyResult | None) -> str:
    same = (
        "the answers are the same"
        if one.answers_equal
        else f"the answers cannot be compared ({one.difference})"
    )
    fell = f"{_fell(one)} ({percent(1 - one.change.value)} less)"
    if one is chosen:
        return f"{fell[0].upper()}{fell[1:]}; {same}."
    assert chosen is not None
    if not _as_good(one, chosen):
        best = duration(round(chosen.victim_p99_ns.value))
        return f"It helps less: {_fell(one)}; {chosen.remedy.name} leaves {best}."
    return f"It helps as much; {chosen.remedy.name} is the smaller change."
