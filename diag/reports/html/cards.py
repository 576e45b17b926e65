"""Finding cards: where, how long, why, through which calls, who paid, and what helps."""

from __future__ import annotations

import itertools
import os.path
from collections.abc import Mapping, Sequence

from diag import units
from diag.analysis.case import Case
from diag.analysis.proofs import Proof
from diag.analysis.source import package
from diag.finding import Finding, Location, Severity
from diag.recording import Frame
from diag.remedy import Tried
from diag.reports import sentences
from diag.reports.html.model import Card, Fold, Share, SourceLine, VictimRow
from diag.reports.html.remedies import tried_view
from diag.reports.html.words import short
from diag.reports.text import UNICODE, clean, cut

AROUND = 4
"""Lines of source before and after the culprit."""

LONGEST_LINE = 200
MOST_VICTIMS = 12
MOST_HEAT = 10

_SYMBOLS = {Severity.ERROR: UNICODE.cross, Severity.WARNING: "!", Severity.INFO: "i"}


def card(
    number: int,
    proof: Proof,
    case: Case,
    *,
    place: Location | None,
    withheld: str,
    tried: Sequence[Tried],
    shown_blocks: int,
) -> Card:
    """One finding's card.

    Args:
        number: its index.
        proof: what it rests on; its finding's texts are clean already.
        case: the run.
        place: the finding's location, with its path as it is.
        withheld: why its source is not shown, "" if it is.
        tried: remedies that were tried, by culprit.
        shown_blocks: how many of its blocks the timeline shows.
    """
    finding = proof.finding
    shown = finding.location
    return Card(
        number=number,
        rule=finding.rule,
        severity=finding.severity.name.lower(),
        confidence=finding.confidence.value,
        symbol=_SYMBOLS[finding.severity],
        title=finding.title,
        where=sentences.where(shown) if shown else "",
        function=shown.function if shown else "",
        said=tuple(sentences.blocks(finding, UNICODE)),
        why=finding.why,
        advice=finding.advice,
        evidence=finding.evidence,
        excerpt=() if withheld else excerpt(place, proof.heat, case),
        withheld=withheld if place else "",
        causes=causes(finding),
        stack=folds(proof.stack, case),
        stack_note=_stack_note(proof),
        victims=victims(finding),
        cost=sentences.cost(finding, requests=not case.script),
        tried=tried_view(place, tried),
        blocks=shown_blocks,
    )


def excerpt(place: Location | None, heats: Mapping[int, int], case: Case) -> tuple[SourceLine, ...]:
    """Source around the culprit, each line with its share of the time."""
    text = case.code.lines(place.absolute) if place else ()
    if place is None or not 0 < place.line <= len(text):
        return ()
    hot = [line for line, ns in heats.items() if ns and abs(line - place.line) <= 2 * AROUND]
    first = max(1, min([place.line - AROUND, *hot]))
    last = min(len(text), max([place.line + AROUND, *hot]))
    whole = sum(heats.values()) or 1
    lines = []
    for number in range(first, last + 1):
        share = heats.get(number, 0) / whole
        lines.append(
            SourceLine(
                number=number,
                text=cut(clean(text[number - 1].rstrip().expandtabs(4)[: 4 * LONGEST_LINE]), LONGEST_LINE),
                heat=heat(share),
                share=units.whole_percent(share) if share else "",
                culprit=number == place.line,
            )
        )
    return _dedented(lines)


def _dedented(lines: Sequence[SourceLine]) -> tuple[SourceLine, ...]:
    while lines and not lines[0].text.strip():
        lines = lines[1:]
    while lines and not lines[-1].text.strip():
        lines = lines[:-1]
    return tuple(lines)


def heat(share: float) -> int:
    """A share of 1 as a step from 0 to `MOST_HEAT`; what is anything is 1 at least."""
    return max(1, round(MOST_HEAT * min(1.0, share))) if share > 0 else 0


def causes(finding: Finding) -> tuple[Share, ...]:
    """The parts of the cause bar, largest first; together 100 percent."""
    whole = sum(one.ns for one in finding.causes)
    found, at = [], 0.0
    for one in finding.causes:
        if one.ns <= 0 or not whole:
            continue
        width = 100 * one.ns / whole
        found.append(
            Share(
                slug=one.cause.value,
                words=one.cause.words,
                text=f"{units.whole_percent(one.ns / whole)} ({units.duration(one.ns)})",
                at=round(at, 3),
                width=round(width, 3),
            )
        )
        at += width
    return tuple(found)


def folds(stack: Sequence[Frame], case: Case) -> tuple[Fold, ...]:
    """A stack, outermost first, with frames that are not the user's put together."""
    found = []
    for user, group in itertools.groupby(reversed(stack), lambda frame: case.code.is_user(frame.path)):
        frames = list(group)
        names = dict.fromkeys(package(frame.path) or "Python" for frame in frames)
        found.append(
            Fold(
                user=user,
                packages=short(", ".join(names)),
                frames=tuple((short(frame.function), _place(frame, case)) for frame in frames),
            )
        )
    return tuple(found)


def _place(frame: Frame, case: Case) -> str:
    place = case.code.location(case.code.line(frame))
    shown = sentences.where(place)
    if shown.startswith("/"):
        shown = f"{os.path.basename(os.path.dirname(place.path))}/{os.path.basename(place.path)}:{place.line}"
    return short(shown)


def _stack_note(proof: Proof) -> str:
    if not proof.stacks:
        return ""
    return f"{units.whole_percent(proof.stack_share)} of {units.plural(proof.stacks, 'stack')} look like this"


def victims(finding: Finding) -> tuple[VictimRow, ...]:
    """Who paid, by route."""
    return tuple(
        VictimRow(
            label=group.label,
            count=units.count(group.count),
            total=units.duration(group.total_ns),
            worst=units.duration(group.worst_ns),
        )
        for group in finding.victims[:MOST_VICTIMS]
    )
