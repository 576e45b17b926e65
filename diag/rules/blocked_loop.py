"""A line of code held the event loop for longer than the threshold.

## What it does

Reports the line that ran, or waited, on the event loop's own thread without handing it back, for every
step of the loop that lasted 10 ms or longer (`--threshold`), run-queue wait not counted. Each block's time
is divided among the lines that its stacks show.

## Why is this bad

An event loop does one thing at a time. While a step holds it, no other request on it is read, served or
answered: every one of them waits for as long. The finding says which did, and for how many milliseconds.

## Example

```python
@app.get("/report")
async def report():
    time.sleep(0.1)          # nothing else runs for 100 ms
    return {"ok": True}
```

## Use instead

```python
@app.get("/report")
async def report():
    await asyncio.sleep(0.1)
    return {"ok": True}
```

What waits has an awaitable form, or can be put into a thread with `asyncio.to_thread`. What computes and
holds the GIL needs another process; a thread would hold the GIL just the same.

A block that is rare (once, or in one of 200 executions, of 20 at least) is only a warning if it is on the CPU
and shorter than 25 ms, or if nothing else on the machine moved meanwhile either: a hypervisor that takes the
CPU away looks the same from inside.
"""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.advice import advice, hub_advice, why
from diag.analysis.case import Case
from diag.analysis.culprits import Culprit
from diag.analysis.doubt import may_be_the_machine, remark
from diag.analysis.evidence import confidence_of, finding, gather, title_of, where_not_user
from diag.analysis.parts import Part
from diag.analysis.phases import phases
from diag.finding import Confidence, Finding, Severity
from diag.recording import LaneKind
from diag.units import plural

SLUG = "blocked-loop"


def find(case: Case) -> Iterator[Finding]:
    """One finding a culprit."""
    for culprit in case.culprits:
        parts = phases(case, culprit).blocks
        if parts:
            yield _judge(case, culprit, parts)


def _judge(case: Case, culprit: Culprit, parts: tuple[Part, ...]) -> Finding:
    evidence = gather(case, parts, culprit.gil)
    title = title_of(parts)
    place = culprit.place(parts)
    calls = case.code.calls(place.line.path, place.line.line) if place else ()
    on_hub = parts[0].block.lane.kind is LaneKind.GEVENT
    doubtful = may_be_the_machine(case, parts, evidence.main, line_seen=place is not None)
    convoys = sum(part.block.convoy for part in parts)
    sentences = [
        *where_not_user(culprit, title),
        *([remark(parts)] if doubtful else []),
        *([f"{plural(convoys, 'of these blocks')} is a row of shorter steps." if convoys == 1 else
           f"{convoys} of these blocks are rows of shorter steps."] if convoys else []),
    ]  # fmt: skip
    return finding(
        case,
        rule=SLUG,
        severity=Severity.WARNING if doubtful else Severity.ERROR,
        confidence=Confidence.LOW if doubtful else confidence_of(culprit, parts),
        title=title,
        evidence=evidence,
        culprit=culprit,
        place=place,
        why=why(evidence.causes, evidence.main),
        advice=hub_advice(evidence.main) if on_hub else advice(evidence.main, calls),
        sentences=sentences,
    )
