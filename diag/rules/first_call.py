"""The first request held the event loop, and later ones did not.

## What it does

Reports blocks from before the load began, of lines that never held the loop again: a lazy import, a cache
that is filled, a connection pool that is opened.

## Why is this bad

It happens after every start and in every worker: whoever comes first, and all that wait behind it, pay. It
does not count against the handler, as it is over before the load begins.

## Example

```python
@app.get("/predict")
async def predict():
    import torch             # 2 s, once per worker
```

## Use instead

Import and prepare when the application starts (at module level, or in its lifespan), before requests come in.
"""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.advice import why
from diag.analysis.case import Case
from diag.analysis.evidence import confidence_of, finding, gather, title_of, where_not_user
from diag.analysis.phases import phases
from diag.finding import Finding, Severity
from diag.units import duration

SLUG = "first-call"
NOTICEABLE_NS = 100_000_000
"""Delays from about 100 ms on are noticed by people (Nielsen 1993, Usability Engineering, §5.5)."""


def find(case: Case) -> Iterator[Finding]:
    """One finding a culprit that is not heard of again."""
    for culprit in case.culprits:
        parts = phases(case, culprit).starting
        if not parts:
            continue
        evidence = gather(case, parts, culprit.gil)
        if not culprit.user and evidence.own_ns < NOTICEABLE_NS:
            continue  # every framework prepares something for a route's first request
        title = title_of(parts)
        yield finding(
            case,
            rule=SLUG,
            severity=Severity.WARNING if evidence.own_ns >= NOTICEABLE_NS else Severity.INFO,
            confidence=confidence_of(culprit, parts),
            title=title,
            evidence=evidence,
            culprit=culprit,
            why=why(evidence.causes, evidence.main),
            advice="could help: doing this when the application starts, before requests come in",
            sentences=(
                f"Before the load it held the loop {duration(evidence.own_ns)}, and never again.",
                *where_not_user(culprit, title),
            ),
        )
