"""Cases of `tests/remedies/corpus`: a text with its culprit marked, and what a remedy makes of it.

`# <- culprit` marks the finding's line, `# <- via` the line that calls its function.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from diag.analysis.source import Code, Line
from diag.finding import Cause, CauseShare, Confidence, Finding, Location, Severity
from diag.remedies import propose
from diag.remedy import Proposal, Setting

CORPUS = Path(__file__).parents[1] / "remedies" / "corpus"
ROOT = "/project"
FILE = f"{ROOT}/module.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyCase:
    """One file of the corpus."""

    name: str
    remedy: str
    cause: Cause
    before: str
    run: str = ""
    rule: str = "blocked-loop"
    loop: str = "asyncio"
    outcome: str = ""
    expected: str = ""


def read_case(path: Path) -> RemedyCase:
    """A case from its file."""
    head, _, rest = path.read_text().partition("=== before\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    before, _, expected = rest.partition("\n=== ")
    outcome, _, text = expected.partition("\n")
    return RemedyCase(
        name=path.stem,
        cause=Cause(fields.pop("cause")),
        before=before,
        outcome=outcome,
        expected=text,
        **fields,
    )


def finding_of(text: str, cause: Cause, *, rule: str = "blocked-loop", path: str = FILE) -> Finding:
    """The finding that a text's marks describe."""
    code = Code({path: text}, (path.rpartition("/")[0],))

    def marked(mark: str) -> list[Location]:
        numbers = [i for i, line in enumerate(text.split("\n"), 1) if f"# <- {mark}" in line]
        return [code.location(Line(path, number, code.function(path, number))) for number in numbers]

    (culprit,) = marked("culprit")
    return Finding(
        rule=rule,
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        title="GET /",
        location=culprit,
        path=tuple(marked("via")),
        causes=(CauseShare(cause=cause, ns=1),),
    )


def setting_of_text(
    text: str, *, loop: str = "asyncio", target_kind: str = "app", path: str = FILE
) -> Setting:
    """A FastAPI application on uvicorn, whose only file is a text."""
    return Setting(
        root=path.rpartition("/")[0],
        target_kind=target_kind,
        framework="flask" if loop == "gevent" else "fastapi",
        server="gunicorn-gevent" if loop == "gevent" else "uvicorn",
        loop=loop,
        workers=1,
        threads=0,
        cores=2,
        sources={path: text},
    )


def proposed(case: RemedyCase, **changes: str) -> Proposal:
    """What the case's remedy has to say of it."""
    case = replace(case, **changes)
    finding = finding_of(case.before, case.cause, rule=case.rule)
    return propose([finding], setting_of_text(case.before, loop=case.loop), [case.remedy])
