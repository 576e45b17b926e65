"""From a recording and its verdict to what a page says of them."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from diag.analysis.case import Case, examine
from diag.analysis.debts import Debt, debts
from diag.analysis.proofs import Proof, proofs
from diag.analysis.rides import rides
from diag.finding import BlockRef, Finding, Status, Verdict
from diag.recording import Recording
from diag.remedy import Tried
from diag.reports.html import compared
from diag.reports.html.attempts import attempts
from diag.reports.html.available import availability
from diag.reports.html.blame import matrix
from diag.reports.html.cards import card
from diag.reports.html.checks import blind, checks
from diag.reports.html.drawn import Timeline
from diag.reports.html.embed import as_json
from diag.reports.html.foot import foot
from diag.reports.html.head import BLOCKING, head
from diag.reports.html.model import Report
from diag.reports.html.timeline import build_timeline, owner
from diag.reports.html.withheld import holds_secrets, without_source
from diag.reports.html.words import short, shown
from diag.reports.json import to_json
from diag.reports.text import map_values, neutral

MOST_RAW_BLOCKS = 2_000
"""Of the blocks in the raw data, the longest; each is some 300 bytes."""

NOT_ASKED = "Source is left out, as --no-source says."
SUSPECT = "Source is left out: this file looks as if it held a secret."


def build(
    recording: Recording, verdict: Verdict, *, source: bool = True, tried: Sequence[Tried] = ()
) -> Report:
    """What the page of one verdict says.

    Args:
        recording: that the verdict is about.
        verdict: as `diag.rules.judge` made it.
        source: False leaves out all source lines.
        tried: remedies that were tried, by culprit.
    """
    secret = [path for path, text in recording.sources.items() if holds_secrets(path, text)]
    whole = without_source(verdict, None if not source else secret)
    said = shown(whole)
    case = examine(recording, recording.runs[0]) if recording.runs else None
    target = short(recording.meta.target)
    page = Report(
        title=f"{target} – diag",
        head=head(said, 0, tried),
        foot=foot(recording.meta, recording.runs, recording=verdict.recording, blind=blind(said, case)),
        checks=checks(said, case),
        raw=_raw(neutral(whole)),
        compared=(
            *attempts(tried, recording.runs),
            *compared.strategies(said, [run for run in recording.runs if not run.attempts]),
        ),
        remedied=bool(tried),
        tables=compared.figures(said),
        no_timeline="The recording holds no run.",
    )
    return page if case is None else _with_case(page, case, verdict, said, source, secret, tried)


def _with_case(
    page: Report,
    case: Case,
    verdict: Verdict,
    said: Verdict,
    source: bool,
    secret: Sequence[str],
    tried: Sequence[Tried],
) -> Report:
    own = proofs(case, verdict.findings)
    owed = [debts(case.timeline, case.delays, proof.pieces) for proof in own]
    timeline = build_timeline(case, own, owed, rides(case.timeline, case.found, case.delays))
    drawn = Counter(block.finding for block in timeline.blocks) if timeline else Counter[int]()
    stated = [
        dataclasses.replace(proof, finding=finding) for proof, finding in zip(own, said.findings, strict=True)
    ]
    return dataclasses.replace(
        page,
        head=head(said, _victims(verdict.findings, owed), tried),
        timeline=timeline,
        no_timeline="" if timeline else "The run was too short to draw, or nothing in it was seen.",
        matrix=matrix(said.findings, owed, timeline.indices if timeline else {}),
        cards=tuple(
            card(
                number,
                proof,
                case,
                place=own[number].finding.location,
                withheld=_why_withheld(own[number], source, secret),
                tried=tried,
                shown_blocks=drawn[number],
            )
            for number, proof in enumerate(stated)
        ),
        availability=None if verdict.status is Status.UNMEASURED else availability(case),
        data=as_json(timeline_data(timeline)),
    )


def _why_withheld(proof: Proof, source: bool, secret: Sequence[str]) -> str:
    place = proof.finding.location
    if place is None:
        return ""
    return NOT_ASKED if not source else SUSPECT if place.absolute in secret else ""


def _victims(findings: Sequence[Finding], owed: Sequence[Sequence[Debt]]) -> int:
    return len(
        {
            owner(d)
            for finding, some in zip(findings, owed, strict=True)
            if finding.rule in BLOCKING
            for d in some
        }
    )


def _raw(verdict: Verdict) -> str:
    """The verdict as `--json` prints it, in one line, and with no more blocks than a page should carry."""

    def shorten(value: object) -> object:
        if isinstance(value, Finding) and len(value.blocks) > MOST_RAW_BLOCKS:
            return dataclasses.replace(value, blocks=_longest(value.blocks))
        return None

    document: dict[str, Any] = json.loads(to_json(map_values(verdict, shorten)))
    for finding, written in zip(verdict.findings, document["findings"], strict=True):
        written["blocks_left_out"] = len(finding.blocks) - len(written["blocks"])
    return as_json(document)


def _longest(blocks: Sequence[BlockRef]) -> tuple[BlockRef, ...]:
    kept = sorted(blocks, key=lambda one: -one.own_ns)[:MOST_RAW_BLOCKS]
    return tuple(sorted(kept, key=lambda one: one.start_ns))


def timeline_data(timeline: Timeline | None) -> dict[str, Any] | None:
    """The timeline as the page's script reads it: requests by column, as that is a third of the size."""
    if timeline is None:
        return None
    names = ("length", "start_ns", "tasks", "all_blocks", "all_requests", "all_steps", "outside")
    requests = timeline.requests
    starts = [request.start for request in requests]
    columns = ("before", "inside", "after", "group", "row", "status", "behind")
    return {name: getattr(timeline, name) for name in names} | {
        "lanes": msgspec.to_builtins(timeline.lanes),
        "groups": msgspec.to_builtins(timeline.groups),
        "blocks": msgspec.to_builtins(timeline.blocks),
        "steps": timeline.steps,
        "density": msgspec.to_builtins(timeline.density),
        "requests": {name: [getattr(request, name) for request in requests] for name in columns}
        | {
            "start": [at - before for at, before in zip(starts, [0, *starts], strict=False)],
            "own": [(i, *span) for i, request in enumerate(requests) for span in request.own],
            "queued": [(i, *span) for i, request in enumerate(requests) for span in request.queued],
        },
    }
