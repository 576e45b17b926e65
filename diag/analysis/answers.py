"""The answer to "which should I use for this, and why", from the figures of a contest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diag import units
from diag.comparison import By, CellFigures, Contest, Difference, Estimate

_NAMED = 3
_VICTIMS_FACTOR = 2.0
"""Innocent requests that wait this many times as long as elsewhere are worth a sentence."""


def answer(contest: Contest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which cell to use, and what explains it, each in sentences."""
    ranked = [cell for cell in contest.cells if cell.rank]
    if not ranked:
        return (_nothing(contest.cells),), ()
    best = [cell for cell in ranked if cell.rank == 1]
    said = [*_best(contest, ranked, best), *_victims(best)]
    bound = [cell.label for cell in contest.cells if cell.generator_bound]
    if bound:
        said.append(f"{_names(bound)} cannot be ranked: the load generator was the limit there.")
    return tuple(said), tuple(_why(ranked))


def figure(cell: CellFigures, by: By) -> Estimate | None:
    """What a cell is ranked by."""
    return {
        By.THROUGHPUT: cell.throughput,
        By.P99: cell.p99_ns,
        By.VICTIMS: cell.victim_p99_ns,
        By.CPU: cell.cpu_ns_per_request,
    }[by]


def figure_words(value: float, by: By) -> str:
    """A value as text, with its unit."""
    return f"{units.rate(value)} req/s" if by is By.THROUGHPUT else units.duration(round(value))


def _nothing(cells: Sequence[CellFigures]) -> str:
    if cells and all(cell.generator_bound for cell in cells):
        return "No cell can be ranked: the load generator was the limit in all of them."
    reasons = "; ".join(f"{cell.label}: {cell.unranked}" for cell in cells[:_NAMED])
    return f"No cell can be ranked ({reasons})."


def _best(contest: Contest, ranked: Sequence[CellFigures], best: Sequence[CellFigures]) -> Iterator[str]:
    first, last = ranked[0], ranked[-1]
    value = figure(first, contest.by)
    assert value is not None
    shown = f"{figure_words(value.value, contest.by)} [{_range(value, contest.by)}]"
    if len(ranked) == 1:
        yield f"{first.label}: {shown}; there is nothing to compare it with."
    elif len(best) == len(ranked):
        names = _names([cell.label for cell in ranked])
        yield f"No difference seen between {names}; the best had {shown}."
        if any(one.trials < 5 for one in contest.differences):
            yield "More trials (--trials) see smaller differences."
    else:
        against = next(
            one for one in contest.differences if (one.first, one.second) == (first.label, last.label)
        )
        yield f"Use {first.label}: {shown}, {_times(against, contest.by)} {last.label}."
        others = [cell.label for cell in best[1:]]
        if others:
            yield f"No difference seen to {_names(others)}."


def _times(one: Difference, by: By) -> str:
    """How much better the first is: ``3.7 × [3.6–3.8] as many as``."""
    ratio, low, high = one.ratio, one.low, one.high
    if not one.seen:
        return "not seen to differ from"
    if not by.more_is_better:
        ratio, low, high = 1 / ratio, 1 / high, 1 / low
    word = "as many as" if by is By.THROUGHPUT else "less than"
    return f"{ratio:.3g} × [{low:.3g}–{high:.3g}] {word}"


def _range(value: Estimate, by: By) -> str:
    if by is By.THROUGHPUT:
        return f"{units.rate(value.low)}–{units.rate(value.high)}"
    return f"{units.duration(round(value.low))}–{units.duration(round(value.high))}"


def _victims(best: Sequence[CellFigures]) -> Iterator[str]:
    """A word for those who wait, where the best ones differ much in that."""
    known = [(cell, cell.victim_p99_ns.value) for cell in best if cell.victim_p99_ns]
    if len(known) < 2 or known[0][0] is not best[0]:
        return
    kindest, least = min(known, key=lambda pair: pair[1])
    if known[0][1] > _VICTIMS_FACTOR * least:
        yield (
            f"Other requests wait least with {kindest.label}: p99 {units.duration(round(least))}, "
            f"against {units.duration(round(known[0][1]))}."
        )


def _why(ranked: Sequence[CellFigures]) -> Iterator[str]:
    """What the recording shows of the best, and of the worst of each later group."""
    shown = [ranked[0]]
    shown += [[cell for cell in ranked if cell.rank == rank][-1] for rank in range(2, ranked[-1].rank + 1)]
    for cell in shown:
        if cell.reasons:
            yield f"{cell.label}: {'; '.join(cell.reasons)}."


def _names(labels: Sequence[str]) -> str:
    if len(labels) == 1:
        return labels[0]
    if len(labels) > _NAMED + 1:
        return f"{', '.join(labels[:_NAMED])} and {len(labels) - _NAMED} others"
    return f"{', '.join(labels[:-1])} and {labels[-1]}"
