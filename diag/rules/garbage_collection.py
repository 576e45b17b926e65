"""A garbage collection held the event loop.

## What it does

Reports steps of the loop that reach the threshold only because a garbage collection went on meanwhile, in
whichever thread it began: it holds the GIL. They are counted against no line, as the line at which a
collection begins is chance.

## Why is this bad

The oldest generation is searched as a whole, which takes the longer the more there are: 12 ms for
200,000 lists, tuples and dictionaries inside each other, 171 ms for two million (measured on CPython 3.11).
Every request on the loop waits for that.

## Example

A cache of a million dictionaries, and handlers that make many new objects.

## Use instead

`gc.collect()` and `gc.freeze()` once the application has started, so that what stays is not searched again; a
higher threshold for the oldest generation (`gc.set_threshold`); fewer and flatter objects that live long.
"""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.case import Case
from diag.analysis.causes import GilKnowledge
from diag.analysis.evidence import finding, gather, whole_blocks
from diag.finding import Confidence, Finding, Severity
from diag.units import duration, plural

SLUG = "garbage-collection"


def find(case: Case) -> Iterator[Finding]:
    """One finding for all of them."""
    blocks = [block for block in case.found.collected if not block.starting]
    if not blocks:
        return
    longest = max(block.held[0].gc_ns for block in blocks)
    yield finding(
        case,
        rule=SLUG,
        severity=Severity.WARNING,
        confidence=Confidence.HIGH,
        title=plural(len(blocks), "step"),
        evidence=gather(case, whole_blocks(blocks), GilKnowledge()),
        why="the interpreter collected garbage meanwhile, which holds the GIL",
        advice="could help: `gc.freeze()` after the start, so that what stays is not searched again",
        sentences=(f"The longest collection took {duration(longest)}.",),
    )
