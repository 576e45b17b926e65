"""Many short steps, one right after the other, held the event loop together.

## What it does

Reports iterations of the loop (passes between two polls for I/O) that consist of four or more recorded steps,
each below the threshold, which together take three times the threshold and at least 30 ms.

## Why is this bad

The loop polls for new data only after the last of them: whoever sends a request meanwhile waits for all of
them. No tool that looks at single callbacks sees it.

It is an error where the steps of one request (or the program itself) are enough for it, as that code alone
decides it. Where it takes the steps of several requests it is a warning: the load is more than one loop can
do at this cost per request.

## Example

```python
async def handler():
    await asyncio.gather(*(score(item) for item in items))   # 20 tasks that compute 5 ms each
```

## Use instead

Give the loop back between them so that it can poll (`await asyncio.sleep(0)` after each puts the next one
into the next iteration), or compute in a process pool.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from diag.analysis.advice import why
from diag.analysis.blocks import is_convoy
from diag.analysis.case import Case
from diag.analysis.culprits import Culprit
from diag.analysis.evidence import confidence_of, finding, gather, title_of, where_not_user
from diag.analysis.parts import Part
from diag.analysis.phases import phases
from diag.analysis.statistics import percentile_ns
from diag.analysis.timeline import Held
from diag.finding import Finding, Severity
from diag.units import duration

SLUG = "convoy"


def find(case: Case) -> Iterator[Finding]:
    """One finding a culprit."""
    for culprit in case.culprits:
        parts = phases(case, culprit).convoys
        if parts:
            yield _judge(case, culprit, parts)


def _judge(case: Case, culprit: Culprit, parts: tuple[Part, ...]) -> Finding:
    evidence = gather(case, parts, culprit.gil)
    title = title_of(parts)
    one = _made_by_one(case, parts)
    advice = (
        "could help: handing the loop back between the steps so that it polls, or a process pool"
        if one
        else "could help: more worker processes, or less work per request; the steps belong to many requests"
    )
    return finding(
        case,
        rule=SLUG,
        severity=Severity.ERROR if one else Severity.WARNING,
        confidence=confidence_of(culprit, parts),
        title=title,
        evidence=evidence,
        culprit=culprit,
        why=f"no single step is long, together they are; {why(evidence.causes, evidence.main)}",
        advice=advice,
        sentences=(_longest(parts), *where_not_user(culprit, title)),
    )


def _longest(parts: tuple[Part, ...]) -> str:
    worst = max(parts, key=lambda part: part.split.own_ns).block
    step = percentile_ns([held.own_ns for held in worst.held], 0.5)
    steps = f"{len(worst.held)} steps of about {duration(step)}"
    return f"At worst {steps} in one iteration: {duration(worst.own_ns)}."


def _made_by_one(case: Case, parts: tuple[Part, ...]) -> bool:
    """True if most of the time is in convoys that one request would make alone, or the program itself."""
    if case.script:
        return True
    alone = sum(part.block.own_ns for part in parts if _one_is_enough(part, case.threshold_ns))
    return 2 * alone > sum(part.block.own_ns for part in parts)


def _one_is_enough(part: Part, threshold_ns: int) -> bool:
    """True if the steps of one request would be a convoy by themselves."""
    by_request: dict[int, list[Held]] = defaultdict(list)
    for held in part.block.held:
        by_request[held.step.request_key].append(held)
    return any(is_convoy(some, threshold_ns, alone=False) for key, some in by_request.items() if key)
