"""The server did something that no server should: it died, lost workers, refused connections, did not stop.

## What it does

Tells how the server's processes behaved, apart from any handler: killed for memory (`--memory`), died or lost
workers while it was measured, refused or cut off connections, did not end on SIGTERM, or ended and left
processes behind. diag ends whatever is left.

## Why is this bad

A supervisor that replaces a worker hides its death, and the requests that died with it are few among many. A
server that does not stop in time is killed at each deployment, with the requests that it was answering. Of a
server that died, or whose processes did not fit into their memory, no figures are given: they would be those
of its restarts.

## Example

```python
signal.signal(signal.SIGTERM, signal.SIG_IGN)     # at import: the server can only be killed
subprocess.Popen(["tail", "-f", log])             # nobody ends this one
```

## Use instead

Leave signals to the server, and end what you start where it tells you that it stops: in the lifespan's end of
an ASGI app, or with `atexit`.
"""

from __future__ import annotations

from collections.abc import Iterator

from diag.analysis.case import Case
from diag.finding import Confidence, Finding, Severity
from diag.recording import IncidentKind

SLUG = "server-incident"

_TITLES = {
    IncidentKind.OUT_OF_MEMORY: "was killed for memory",
    IncidentKind.DIED: "died",
    IncidentKind.LOST_WORKERS: "lost workers",
    IncidentKind.IGNORED_STOP: "did not stop",
    IncidentKind.LEFT_PROCESSES: "left processes behind",
    IncidentKind.REFUSED: "refused connections",
}


def find(case: Case) -> Iterator[Finding]:
    """One finding an incident."""
    name = case.run.cell.server or "the script"
    for incident in case.run.incidents:
        yield Finding(
            rule=SLUG,
            severity=Severity.WARNING,
            confidence=Confidence.HIGH,
            title=f"{name} {_TITLES[incident.kind]}",
            why=incident.text,
        )
