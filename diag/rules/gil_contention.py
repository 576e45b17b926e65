"""Another thread held the GIL while the event loop's thread was ready to run.

## What it does

Reports steps of the loop that reach the threshold only because they waited for the GIL, at the line of the
thread that held it, as far as py-spy saw it. The same for threads of sync workers that waited for it in the
server's own code, such as where an answer is sent: all those lines are one finding.

## Why is this bad

A thread that computes in Python takes the GIL for 5 ms at a time (`sys.getswitchinterval`), and code in C
that does not let it go takes it for as long as it runs. Each time the loop wants to go on it waits for that:
moving a computation into a thread moves the block, and does not remove it.

## Example

```python
await asyncio.to_thread(json.dumps, big)      # C code that holds the GIL throughout
```

## Use instead

A process pool for what computes with the GIL held. Threads help what waits, and C code that lets the GIL go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from diag.analysis.advice import advice, why
from diag.analysis.case import Case
from diag.analysis.causes import GilKnowledge
from diag.analysis.crowding import crowded, lines_of
from diag.analysis.culprits import Place
from diag.analysis.evidence import finding, gather, title_of
from diag.analysis.gil import owner
from diag.analysis.parts import Part
from diag.analysis.phases import phases
from diag.analysis.source import Line
from diag.finding import Confidence, Finding, Severity

SLUG = "gil-contention"
MOST_PLACES = 3


def find(case: Case) -> Iterator[Finding]:
    """One finding a line that held the GIL, and one for all blocks whose GIL owner was not seen."""
    groups: dict[Line | None, list[Part]] = defaultdict(list)
    for culprit in case.culprits:
        for part in phases(case, culprit).gil:
            groups[owner(part.block.held, case.code)].append(part)
    servers = crowded(case.holders)
    waited = [part for culprit in servers for part in culprit.parts if part.block.lane.capacity]
    if waited:  # one cause, seen at many lines: whoever was seen to have the GIL most often
        groups[owner((held for part in waited for held in part.block.held), case.code)] += waited
    for place, parts in groups.items():
        evidence = gather(case, parts, GilKnowledge())
        delayed = title_of(parts)
        seen = lines_of(servers, parts)
        yield finding(
            case,
            rule=SLUG,
            severity=Severity.WARNING,
            confidence=Confidence.MEDIUM if place else Confidence.LOW,
            title=place.function if place else "another thread",
            evidence=evidence,
            place=Place(line=place) if place else None,
            why=why(evidence.causes, evidence.main),
            advice=advice(evidence.main, ()),
            sentences=(
                *([f"What waited for the GIL: {delayed}."] if delayed else []),
                *([f"Where, in the server's own code: {', '.join(seen[:MOST_PLACES])}."] if seen else []),
            ),
        )
