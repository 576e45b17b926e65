"""From a measured ratio to a ruling on a claim."""

from __future__ import annotations

from diag.analysis.paired import Ratio
from diag.comparison import ClaimVerdict, Ruling
from diag.presets.evidence import Evidence, Value, throughput, times

NEARLY = 0.8
"""A ratio that reaches this part of the one claimed is taken for it: published figures come without an
interval, and "nearly" and "about" are said of them."""


def rule(ratio: Ratio, claimed: float) -> Ruling:
    """Whether a ratio is as claimed.

    It holds if the whole interval reaches `NEARLY` of what was claimed, and fails if none does: then, if
    1 lies inside, no difference was seen. An interval with that limit inside of it tells nothing.

    Args:
        ratio: measured, with its interval.
        claimed: above 1.
    """
    enough = NEARLY * claimed
    if ratio.pairs < 2:
        return Ruling.CANNOT_TELL
    if ratio.low >= enough and ratio.low > 1:
        return Ruling.HOLDS
    if ratio.high >= enough:
        return Ruling.CANNOT_TELL
    return Ruling.NO_DIFFERENCE if ratio.low <= 1 <= ratio.high else Ruling.FAILS


def untold(claim: str, why: str, explained: tuple[str, ...] = (), *, quoted: bool = True) -> ClaimVerdict:
    """A claim that nothing measured here can judge."""
    return ClaimVerdict(
        claim=claim, quoted=quoted, ruling=Ruling.CANNOT_TELL, because=why, explained=explained
    )


def judge_ratio(
    evidence: Evidence,
    claim: str,
    *,
    first: str,
    second: str,
    value: Value,
    claimed: float,
    measured: str,
    explained: tuple[str, ...],
    quoted: bool = False,
    bounded: bool = False,
) -> ClaimVerdict:
    """A claim that one cell has so many times the figure of another.

    Args:
        evidence: what was measured.
        claim: in words.
        first: the key of the cell that is claimed to have more.
        second: the key of the other.
        value: the figure.
        claimed: how many times.
        measured: both figures in words, with their intervals.
        explained: what the recording shows.
        quoted: True if `claim` is as it was published.
        bounded: True if the figure is a throughput: a cell that the load generator limited has a least and a
            most of it, which can settle a claim though the cell is not ranked.
    """
    why = evidence.missing(first, second)
    if why and bounded and not evidence.missing(first, second, ranked=False):
        return _judge_bounds(evidence, claim, (first, second), claimed, why, explained, quoted=quoted)
    if why:
        return untold(claim, why, explained, quoted=quoted)
    ratio = evidence.ratio(first, second, value)
    ruling = rule(ratio, claimed)
    words = f"{measured}: {times(ratio)}"
    if ruling is Ruling.CANNOT_TELL:
        words += f", which can be {claimed:.3g} × or not; more trials (--trials) tell more"
    elif ruling is Ruling.NO_DIFFERENCE:
        words += f", where {claimed:.3g} × was published"
    elif ruling is Ruling.FAILS:
        words += f", not {claimed:.3g} ×" if ratio.ratio > 1 else f", and {claimed:.3g} × was published"
    return ClaimVerdict(claim=claim, quoted=quoted, ruling=ruling, because=words, explained=explained)


def _judge_bounds(
    evidence: Evidence,
    claim: str,
    keys: tuple[str, str],
    claimed: float,
    why: str,
    explained: tuple[str, ...],
    *,
    quoted: bool,
) -> ClaimVerdict:
    """A claim about cells that the load generator limited, by the least and the most that they can do."""
    first, second = keys
    least = evidence.ratio(first, second, throughput, evidence.most(second))
    most = evidence.ratio(first, second, evidence.most(first), throughput)
    if least.pairs < 2 or most.pairs < 2:
        return untold(claim, why, explained, quoted=quoted)
    enough = NEARLY * claimed
    if least.low >= enough:
        ruling = Ruling.HOLDS
    else:
        ruling = Ruling.FAILS if most.high < enough else Ruling.CANNOT_TELL
    words = (
        f"at least {times(least)} as many requests were answered, and at most {times(most)} could have been "
        f"at the CPU time that each cost server and generator, where {claimed:.3g} × was published; {why}"
    )
    return ClaimVerdict(claim=claim, quoted=quoted, ruling=ruling, because=words, explained=explained)
