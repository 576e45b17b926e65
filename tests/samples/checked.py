"""A check made by hand: one blocking call two hops away from its route."""

from __future__ import annotations

from diag.checking.result import CheckResult, Issue
from diag.finding import Confidence, Severity, Status
from diag.static.finding import Analysis, BlockKind, Handler, Hop, RootKind, Rule, StaticFinding

HANDLER = Handler(name="report", kind=RootKind.ENDPOINT, route="GET /report", path="shop/api.py", line=10)


def hop(path: str, line: int, text: str, call: str, function: str) -> Hop:
    """A call."""
    return Hop(
        path=path, absolute=f"/srv/{path}", line=line, column=5, end_line=line, end_column=5 + len(text),
        function=function, text=text, call=call, own=True,
    )  # fmt: skip


STATIC = StaticFinding(
    rule=Rule.WAIT,
    call="requests.get",
    kind=BlockKind.WAIT,
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    handler=HANDLER,
    others=(),
    hops=(
        hop("shop/api.py", 12, "rows = load()", "shop.report.load", "report"),
        hop("shop/re port.py", 7, "requests.get(URL)", "requests.get", "load"),
    ),
    culprit=1,
    why="it waits for an answer",
    advice="could help: `httpx.AsyncClient`",
    fingerprint="f" * 32,
)
ISSUE = Issue(
    rule="blocking-wait",
    fingerprint=STATIC.fingerprint,
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    handler="GET /report",
    path="shop/re port.py",
    absolute="/srv/shop/re port.py",
    line=7,
    column=5,
    end_line=7,
    end_column=22,
    function="load",
    text="requests.get(URL)",
    message="requests.get blocks the event loop, reached from GET /report",
    why=STATIC.why,
    advice=STATIC.advice,
    static=STATIC,
)
ANALYSIS = Analysis(findings=(STATIC,), handlers=(HANDLER,), files=2, lines=40)
CHECKED = CheckResult(
    targets=("shop",), root="/srv", status=Status.BLOCKED, issues=(ISSUE,), analysis=ANALYSIS
)
