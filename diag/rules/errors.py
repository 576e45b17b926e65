"""A handler failed, or did not answer.

## What it does

Counts the requests that were answered with a status of 500 or above, or not at all, by route.

## Why is this bad

Failures are often faster than answers: hidden in a throughput they make a broken handler look good. diag
counts them apart. A route of which every request failed is *unmeasured*: nothing is known of how it behaves
when it works.

## Example

```python
@app.get("/item")
async def item():
    return cache["item"]     # KeyError: answered with 500 Internal Server Error
```

## Use instead

Correct the handler, or give it the request it needs with `--request`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from diag.analysis.case import Case
from diag.finding import Confidence, Finding, Severity
from diag.units import count, plural

SLUG = "errors"
SHOWN = 3


def find(case: Case) -> Iterator[Finding]:
    """One finding a route with failures."""
    requests: Counter[str] = Counter()
    failures: dict[str, Counter[int]] = defaultdict(Counter)
    for exchange in case.timeline.exchanges:
        requests[exchange.request.route] += 1
        if not exchange.answered:
            failures[exchange.request.route][max(0, exchange.request.status)] += 1
    for route, statuses in sorted(failures.items()):
        failed = sum(statuses.values())
        yield Finding(
            rule=SLUG,
            severity=Severity.WARNING,
            confidence=Confidence.HIGH,
            title=route,
            why=f"{count(failed)} of {plural(requests[route], 'request')} failed: {_words(statuses)}",
            evidence=case.run.errors[:SHOWN],
        )


def _words(statuses: Counter[int]) -> str:
    parts = [
        f"{count(number)} answered {status}" if status else f"{count(number)} not answered"
        for status, number in sorted(statuses.items(), reverse=True)
    ]
    return ", ".join(parts)
