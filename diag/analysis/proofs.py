"""What a finding rests on: the stretches of its blocks, the lines its stacks show, and the heaviest stack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from diag.analysis.blame import Piece
from diag.analysis.blocks import Block
from diag.analysis.case import Case
from diag.analysis.culprits import Culprit
from diag.finding import BlockRef, Finding
from diag.recording import Frame

Hull = tuple[int, int, int]
"""A block as a finding names it: lane, first moment, last moment."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proof:
    """What is behind one finding.

    Attributes:
        finding: it.
        references: the blocks of the finding whose stretches are known, in order.
        pieces: their stretches, in the same order.
        heat: nanoseconds by line of the culprit's file, as the stacks show them.
        stack: the frames that most of its time was spent in, innermost first; () if no stack was taken.
        stacks: how many stacks there are.
        stack_share: which share of them is `stack`, 0 to 1.
    """

    finding: Finding
    references: tuple[BlockRef, ...]
    pieces: tuple[Piece, ...]
    heat: dict[int, int]
    stack: tuple[Frame, ...] = ()
    stacks: int = 0
    stack_share: float = 0.0


def proofs(case: Case, findings: Sequence[Finding]) -> tuple[Proof, ...]:
    """The proof of each finding, in their order."""
    pieces, culprits = _pieces(case)
    return tuple(_proof(finding, pieces, culprits, case) for finding in findings)


def _pieces(case: Case) -> tuple[dict[Hull, Piece], dict[Hull, Culprit]]:
    """Every stretch that a finding can name; a culprit's own ones go before whole blocks."""
    found = case.found
    pieces: dict[Hull, Piece] = {}
    culprits: dict[Hull, Culprit] = {}
    for block in (*found.collected, *found.starved):
        pieces[_hull(block)] = block, block.segments
    for culprit in (*case.culprits, *case.holders):
        for part in culprit.parts:
            if part.segments:
                hull = part.block.lane.lane_id, part.segments[0][0], part.segments[-1][1]
                pieces[hull] = part.block, part.segments
                culprits[hull] = culprit
    return pieces, culprits


def _hull(block: Block) -> Hull:
    return block.lane.lane_id, block.start_ns, block.end_ns


def _named(reference: BlockRef) -> Hull:
    return reference.lane_id, reference.start_ns, reference.end_ns


def _proof(finding: Finding, pieces: dict[Hull, Piece], culprits: dict[Hull, Culprit], case: Case) -> Proof:
    references = tuple(one for one in finding.blocks if _named(one) in pieces)
    own = [_named(one) for one in references]
    of_it = {id(culprits[hull]): culprits[hull] for hull in own if hull in culprits}
    blocks = {id(pieces[hull][0]) for hull in own}
    stacks = Counter(_stacks(finding, [pieces[hull][0] for hull in own], case))
    best, most = stacks.most_common(1)[0] if stacks else ((), 0)
    return Proof(
        finding=finding,
        references=references,
        pieces=tuple(pieces[hull] for hull in own),
        heat=_heat(finding, list(of_it.values()), blocks),
        stack=best,
        stacks=stacks.total(),
        stack_share=most / stacks.total() if stacks else 0.0,
    )


def _heat(finding: Finding, culprits: Sequence[Culprit], blocks: set[int]) -> dict[int, int]:
    heat: Counter[int] = Counter()
    place = finding.location
    for sample in (sample for culprit in culprits for sample in culprit.samples):
        if place is None or id(sample.block) not in blocks:
            continue
        inside = [line for line in sample.chain if line.path == place.absolute]
        if inside:
            heat[inside[-1].line] += sample.weight
    return dict(heat)


def _stacks(finding: Finding, blocks: Sequence[Block], case: Case) -> Iterator[tuple[Frame, ...]]:
    """Stacks of the blocks that show the culprit's line, all of them where its line is not known."""
    place = finding.location
    for held in (held for block in blocks for held in block.held):
        for stack in held.stacks or held.spied:
            shown = (
                any((f.path, f.line) == (place.absolute, place.line) for f in stack.frames) if place else True
            )
            if shown:
                yield tuple(frame for frame in stack.frames if not case.code.is_diag(frame.path))
