"""From a culprit's parts to the figures of a finding: durations, causes, victims, places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from diag.analysis.blame import Piece, Victims
from diag.analysis.blocks import Block
from diag.analysis.case import Case
from diag.analysis.causes import GilKnowledge, amounts, main_cause, shares, total
from diag.analysis.culprits import Culprit, Place
from diag.analysis.parts import Part
from diag.analysis.statistics import percentile_ns
from diag.finding import BlockRef, Cause, CauseShare, Confidence, Finding, Severity

FEW_STACKS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a set of parts of blocks amounts to.

    Attributes:
        parts: of one culprit.
        causes: the split over all of them, largest first.
        main: the main cause.
        victims: who waited behind them.
    """

    parts: tuple[Part, ...]
    causes: tuple[CauseShare, ...]
    main: Cause | None
    victims: Victims

    @property
    def own_ns(self) -> int:
        """Their time in all, without run-queue wait."""
        return sum(part.split.own_ns for part in self.parts)


def gather(case: Case, parts: Sequence[Part], gil: GilKnowledge) -> Evidence:
    """Sum up parts of blocks of one culprit."""
    causes = shares(total(part.split for part in parts), gil)
    pieces: list[Piece] = [(part.block, part.segments) for part in parts]
    return Evidence(
        parts=tuple(parts), causes=causes, main=main_cause(causes), victims=case.delays.victims(pieces)
    )


def whole_blocks(blocks: Sequence[Block]) -> tuple[Part, ...]:
    """Blocks as parts of nobody's: for what has no culprit."""
    return tuple(
        Part(block=b, segments=b.segments, split=total(amounts(one) for one in b.held)) for b in blocks
    )


def finding(
    case: Case,
    *,
    rule: str,
    severity: Severity,
    confidence: Confidence,
    title: str,
    evidence: Evidence,
    culprit: Culprit | None = None,
    place: Place | None = None,
    why: str = "",
    advice: str = "",
    sentences: Sequence[str] = (),
) -> Finding:
    """A finding about some parts of blocks."""
    durations = [part.split.own_ns for part in evidence.parts]
    gil = culprit.gil if culprit else GilKnowledge()
    place = place or (culprit.place(evidence.parts) if culprit else None)
    victims = evidence.victims
    return Finding(
        rule=rule,
        severity=severity,
        confidence=confidence,
        title=title,
        location=case.code.location(place.line) if place else None,
        also=tuple((case.code.location(line), share) for line, share in place.also) if place else (),
        path=tuple(map(case.code.location, place.path)) if place else (),
        blocks=tuple(_reference(case, part, gil) for part in evidence.parts),
        p50_ns=percentile_ns(durations, 0.5),
        max_ns=max(durations, default=0),
        total_ns=sum(durations),
        causes=evidence.causes,
        victims=victims.groups,
        not_accepted=victims.not_accepted,
        bounded=victims.bounds,
        why=why,
        advice=advice,
        evidence=tuple(sentences),
    )


def title_of(parts: Sequence[Part], fallback: str = "") -> str:
    """The route or coroutine that most of some parts were about, and how many others there are."""
    weights: Counter[str] = Counter()
    for part in parts:
        weights[part.block.scope or fallback] += part.split.own_ns
    ranked = sorted(weights, key=lambda name: (-weights[name], name))
    more = f" and {len(ranked) - 1} more" if len(ranked) > 1 else ""
    return (ranked[0] + more) if ranked else fallback


def where_not_user(culprit: Culprit, title: str) -> tuple[str, ...]:
    """A sentence for a culprit that is no line of the user's."""
    if not culprit.samples:
        return (f"No stack was taken in time, so that its line was not seen: {title}.",)
    if not culprit.user:
        return (f"In the framework, while answering {title}: no line of the target's own was on the stack.",)
    return ()


def confidence_of(culprit: Culprit, parts: Sequence[Part]) -> Confidence:
    """How sure a culprit is: whether its line was seen, in how many of its blocks, and whose it is."""
    seen = sum(part.stacks > 0 for part in parts)
    if not seen:
        return Confidence.LOW
    return Confidence.HIGH if culprit.user and seen >= FEW_STACKS * len(parts) else Confidence.MEDIUM


def _reference(case: Case, part: Part, gil: GilKnowledge) -> BlockRef:
    return BlockRef(
        run_id=case.run.run_id,
        lane_id=part.block.lane.lane_id,
        start_ns=part.segments[0][0] if part.segments else part.block.start_ns,
        end_ns=part.segments[-1][1] if part.segments else part.block.end_ns,
        own_ns=part.split.own_ns,
        route=part.block.route,
        causes=shares(part.split, gil),
        steps=len(part.block.held),
    )
