"""Which kind of finding each part of a culprit belongs to, so that none is told twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from diag.analysis.blocks import SLIGHTLY_LONGER
from diag.analysis.case import Case
from diag.analysis.culprits import Culprit
from diag.analysis.parts import Part

MAINLY = 4
"""From this ratio on the larger kind of time tells what a culprit is, and the other is a remark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """A culprit's parts by kind of finding.

    Attributes:
        blocks: it held the loop during the load.
        convoys: many short steps of it did, one after the other.
        gil: it held the loop while it waited for the GIL.
        starting: it held the loop for a request before the load.
    """

    blocks: tuple[Part, ...] = ()
    convoys: tuple[Part, ...] = ()
    gil: tuple[Part, ...] = ()
    starting: tuple[Part, ...] = ()


def phases(case: Case, culprit: Culprit) -> Phases:
    """Sort a culprit's parts.

    What is mainly a convoy stays one when some of its steps reach the threshold on a noisy machine, or a few
    are much longer, and what mainly blocks stays a block when its shorter steps form convoys.
    """
    threshold = case.threshold_ns
    starting = tuple(part for part in culprit.parts if part.block.starting)
    running = [part for part in culprit.parts if not part.block.starting]
    convoys = tuple(part for part in running if part.block.convoy)
    single = [part for part in running if not part.block.convoy]
    gil = tuple(part for part in single if part.split.held_ns < threshold <= part.split.own_ns)
    blocks = tuple(part for part in single if part not in gil)
    longest = max((part.split.own_ns for part in blocks), default=0)
    slightly = longest < SLIGHTLY_LONGER * threshold and _own(convoys) >= _own(blocks)
    if convoys and (slightly or _own(convoys) >= MAINLY * _own(blocks)):
        convoys, blocks = _in_order((*convoys, *blocks)), ()
    elif blocks and _own(blocks) > _own(convoys):
        blocks, convoys = _in_order((*blocks, *convoys)), ()
    known = bool(blocks or convoys)
    return Phases(
        blocks=blocks,
        convoys=convoys,
        gil=gil,
        starting=() if known else tuple(p for p in starting if case.script or _for_a_request(p)),
    )


def _for_a_request(part: Part) -> bool:
    return any(held.step.request_key for held in part.block.held)


def _own(parts: Iterable[Part]) -> int:
    return sum(part.split.own_ns for part in parts)


def _in_order(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: part.block.start_ns))
