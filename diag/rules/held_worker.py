"""One request held a synchronous worker while others queued behind it.

## What it does

Reports, for sync workers (gunicorn's sync and gthread, werkzeug), requests that took longer than the
threshold while all threads of their process were busy and others waited. Where a process serves with several
threads the time is shared by those that held it together; where the number of threads has no bound nobody
waits for one, and nothing is reported.

## Why is this bad

A sync worker serves as many requests as it has threads. When all of them are in long requests the next ones
wait in the accept queue, where no log of the application shows them. It is the same as a blocked event loop.

## Example

```python
@app.get("/report")
def report():
    time.sleep(2)            # gunicorn -w 1: everybody else waits for 2 s
    return "done"
```

## Use instead

More threads (for code that waits) or more worker processes (for code that computes), or doing the work
outside the request.
"""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.advice import why, worker_advice
from diag.analysis.case import Case
from diag.analysis.crowding import crowded, together
from diag.analysis.doubt import may_be_the_machine, remark
from diag.analysis.evidence import confidence_of, finding, gather, title_of, where_not_user
from diag.finding import Confidence, Finding, Severity

SLUG = "held-worker"


def find(case: Case) -> Iterator[Finding]:
    """One finding a culprit that others waited for; one a line of the server's, whatever the routes."""
    elsewhere = crowded(case.holders)  # `gil-contention` tells these, all together
    for group in together([culprit for culprit in case.holders if culprit not in elsewhere]):
        parts = tuple(part for one in group for part in one.parts if part.block.lane.capacity)
        if not parts:
            continue
        culprit, parts = group[0], tuple(sorted(parts, key=lambda part: part.block.start_ns))
        evidence = gather(case, parts, culprit.gil)
        if evidence.victims.total_ns < case.threshold_ns:
            continue
        title = title_of(parts)
        seen = culprit.place(parts) is not None
        doubtful = may_be_the_machine(case, parts, evidence.main, line_seen=seen)
        yield finding(
            case,
            rule=SLUG,
            severity=Severity.WARNING if doubtful else Severity.ERROR,
            confidence=Confidence.LOW if doubtful else confidence_of(culprit, parts),
            title=title,
            evidence=evidence,
            culprit=culprit,
            why=why(evidence.causes, evidence.main),
            advice=worker_advice(evidence.main),
            sentences=(*where_not_user(culprit, title), *([remark(parts)] if doubtful else [])),
        )
