"""Verdicts as analysis gives them, for tests of what is told about them."""

from __future__ import annotations

from dataclasses import replace

from diag.finding import (
    BlockRef,
    Cause,
    CauseShare,
    CellResult,
    Confidence,
    Conservation,
    DataQuality,
    ExpectationResult,
    Finding,
    HandlerResult,
    Location,
    Severity,
    Status,
    Summary,
    Verdict,
    VictimGroup,
)

MS = 1_000_000
S = 1_000_000_000

SUMMARY = Summary(
    target="shop.api:app",
    duration_ns=42 * S,
    requests=1_200,
    load="closed, 20 users",
    server="uvicorn (uvloop), 1 worker",
    python="CPython 3.11",
    cores=2,
)
QUALITY = DataQuality(
    steps=18_402,
    dropped=0,
    blocks=12,
    blocks_with_stack=11,
    run_queue_share=0.031,
    canary_expected_ns=50 * MS,
    canary_found_ns=50_400_000,
    canary_ok=True,
)


def location(
    path: str = "shop/report.py", line: int = 88, text: str = "    body = pdf.render(rows)"
) -> Location:
    """A culprit line."""
    return Location(path=path, absolute=f"/home/user/{path}", line=line, function="render", text=text)


def block(number: int, ns: int = 182 * MS, steps: int = 1) -> BlockRef:
    """One block of many."""
    start = number * S
    return BlockRef(
        run_id=1,
        lane_id=1,
        start_ns=start,
        end_ns=start + ns,
        own_ns=ns,
        route="GET /report",
        causes=(CauseShare(cause=Cause.CPU_GIL, ns=ns),),
        steps=steps,
    )


VICTIMS = (
    VictimGroup(label="GET /health", count=30, total_ns=3 * S, worst_ns=231 * MS, worst_request=7),
    VictimGroup(label="GET /cart", count=5, total_ns=S, worst_ns=180 * MS),
    VictimGroup(label="POST /items", count=1, total_ns=60 * MS, worst_ns=60 * MS),
    VictimGroup(label="GET /late", count=1, total_ns=40 * MS, worst_ns=40 * MS),
)

RENDER = Finding(
    rule="blocked-loop",
    severity=Severity.ERROR,
    confidence=Confidence.HIGH,
    title="GET /report",
    location=location(),
    also=((location(line=91, text="    body += pdf.footer()"), 12),),
    path=(location("/v/lib/python3.11/site-packages/pdf/api.py", 31, ""), location("shop/report.py", 80, "")),
    blocks=tuple(block(number) for number in range(12)),
    p50_ns=182 * MS,
    max_ns=240 * MS,
    total_ns=2_200 * MS,
    causes=(
        CauseShare(cause=Cause.CPU_GIL, ns=2_156 * MS),
        CauseShare(cause=Cause.RUN_QUEUE, ns=43 * MS),
        CauseShare(cause=Cause.WAITING, ns=MS),
    ),
    victims=VICTIMS,
    not_accepted=6,
    why="pure-Python computing; a thread would still hold the GIL",
    advice="could help: running it in a process pool",
)
CONVOY = Finding(
    rule="convoy",
    severity=Severity.WARNING,
    confidence=Confidence.MEDIUM,
    title="GET /list",
    location=location("shop/listing.py", 12, "        rows.append(fill(row))"),
    blocks=(block(40, 99 * MS, steps=11),),
    p50_ns=99 * MS,
    max_ns=99 * MS,
    total_ns=99 * MS,
    causes=(CauseShare(cause=Cause.CPU, ns=99 * MS),),
    why="no single step is long, together they are",
)
FIRST_CALL = Finding(
    rule="first-call",
    severity=Severity.INFO,
    confidence=Confidence.HIGH,
    title="GET /cart",
    location=location("shop/cart.py", 5, "    import pandas"),
    blocks=(block(41, 310 * MS),),
    p50_ns=310 * MS,
    max_ns=310 * MS,
    total_ns=310 * MS,
    why="it happened on the first call only: an import",
)
ERRORS = Finding(
    rule="errors",
    severity=Severity.WARNING,
    confidence=Confidence.HIGH,
    title="GET /broken",
    why="12 of 40 requests failed with status 500",
    evidence=tuple(f"ZeroDivisionError: division by zero at shop/api.py:{line}" for line in range(60, 66)),
)

HANDLERS = (
    HandlerResult(route="GET /report", status=Status.BLOCKED, requests=12, worst_ns=240 * MS, p50_ns=190 * MS, p99_ns=260 * MS),
    HandlerResult(route="GET /cart", status=Status.CLEAN, requests=400, worst_ns=8_200_000, p50_ns=MS, p99_ns=9 * MS),
    HandlerResult(
        route="GET /health", status=Status.CLEAN, requests=780, failed=3, worst_ns=MS, worst_bound=True, p50_ns=MS // 2, p99_ns=231 * MS
    ),
    HandlerResult(
        route="POST /upload", status=Status.UNMEASURED, reason="needs a body; give one with --request"
    ),
)  # fmt: skip
TIME = (
    Conservation(
        route="GET /report",
        requests=12,
        client_ns=2_400 * MS,
        before_app_ns=10 * MS,
        queued_ns=150 * MS,
        own_ns=2_200 * MS,
        awaiting_ns=20 * MS,
        after_app_ns=8 * MS,
        unattributed_ns=12 * MS,
    ),
    Conservation(
        route="GET /health",
        requests=780,
        client_ns=4_500 * MS,
        before_app_ns=200 * MS,
        queued_ns=4_000 * MS,
        own_ns=0,
        awaiting_ns=250 * MS,
        after_app_ns=50 * MS,
        unattributed_ns=0,
    ),
)
APP_CELL = CellResult(
    label="shop.api:app",
    requests=1_200,
    throughput=28.6,
    p50_ns=4 * MS,
    p99_ns=248 * MS,
    blocked_share=0.052,
    cpu_ns_per_request=3_800_000,
    primary=True,
)
STRATEGIES = (
    CellResult(
        label="blocking",
        note="straight in async def",
        requests=90,
        throughput=9.83,
        p50_ns=102 * MS,
        p99_ns=130 * MS,
        victim_p99_ns=101 * MS,
        blocked_share=0.98,
        cpu_ns_per_request=480_000,
        primary=True,
    ),
    CellResult(
        label="native",
        note="awaited",
        requests=890,
        throughput=98.2,
        p50_ns=101 * MS,
        p99_ns=103 * MS,
        victim_p99_ns=2_100_000,
        cpu_ns_per_request=510_000,
    ),
    CellResult(
        label="sync-handler",
        note="def endpoint, the framework's thread pool",
        requests=880,
        failed=2,
        throughput=1_097.4,
        p50_ns=101 * MS,
        p99_ns=104 * MS,
        victim_p99_ns=3 * MS,
        blocked_share=0.0004,
        cpu_ns_per_request=700_000,
        generator_bound=True,
    ),
    CellResult(label="to-thread", failure="the server died on start: address already in use"),
)

BLOCKED = Verdict(
    status=Status.BLOCKED,
    reason="",
    summary=SUMMARY,
    quality=QUALITY,
    findings=(RENDER, CONVOY, FIRST_CALL, ERRORS),
    handlers=HANDLERS,
    cells=(APP_CELL,),
    conservation=TIME,
    threshold_ns=10 * MS,
    recording="/home/user/.local/state/diag/diag-shop.api-app-20261120-081500.diag",
    blocked_ns=2_200 * MS,
    window_ns=42 * S,
)
CLEAN = replace(
    BLOCKED,
    status=Status.CLEAN,
    findings=(),
    handlers=HANDLERS[1:2],
    quality=replace(QUALITY, blocks=0, blocks_with_stack=0, run_queue_share=None),
    blocked_ns=0,
)
UNMEASURED = replace(
    BLOCKED,
    status=Status.UNMEASURED,
    reason="the planted block of 50 ms was not found, so that others may have been missed as well",
    findings=(),
    handlers=HANDLERS[3:],
    cells=(),
    conservation=(),
    quality=replace(
        QUALITY,
        steps=0,
        dropped=3,
        blocks=0,
        blocks_with_stack=0,
        canary_found_ns=None,
        canary_ok=False,
        degradations=(
            "py-spy is not permitted to read the target (no CAP_SYS_PTRACE and yama is 1), so the GIL was not observed.",
        ),
    ),
    blocked_ns=0,
    window_ns=0,
)
WORKLOAD = replace(
    BLOCKED,
    summary=replace(SUMMARY, target="workloads/blocking_sleep.py", server="uvicorn (asyncio), 1 worker"),
    findings=(
        replace(
            RENDER,
            title="GET /work",
            location=location("blocking_sleep.py", 9, "    time.sleep(seconds)"),
            also=(),
            path=(),
            causes=(CauseShare(cause=Cause.WAITING, ns=2_200 * MS),),
            why="it waits without giving the loop back",
            advice="could help: `await asyncio.sleep(...)`",
        ),
    ),
    handlers=(),
    cells=STRATEGIES,
    expectation=ExpectationResult(
        met=True, expected="waiting at time.sleep(seconds)", found="waiting at time.sleep(seconds)"
    ),
)
SCRIPT = replace(
    BLOCKED,
    summary=Summary(
        target="crawl.py",
        duration_ns=3_100 * MS,
        requests=0,
        load="",
        server="",
        python="CPython 3.11",
        cores=2,
    ),
    findings=(
        replace(
            RENDER,
            title="crawl",
            victims=(VictimGroup(label="heartbeat", count=4, total_ns=700 * MS, worst_ns=230 * MS),),
            not_accepted=0,
            blocks=RENDER.blocks[:1],
        ),
    ),
    handlers=(),
    cells=(),
    conservation=(),
)
NO_VICTIMS = replace(BLOCKED, findings=(replace(RENDER, victims=(), not_accepted=0),))
MANY = replace(
    BLOCKED,
    findings=tuple(replace(RENDER, title=f"GET /report/{number}") for number in range(25)),
    handlers=tuple(replace(HANDLERS[3], route=f"POST /upload/{number}") for number in range(14)),
)
ALL = {
    "blocked": BLOCKED,
    "clean": CLEAN,
    "unmeasured": UNMEASURED,
    "workload": WORKLOAD,
    "script": SCRIPT,
    "no victims": NO_VICTIMS,
    "many": MANY,
}
