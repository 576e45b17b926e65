"""What was tried against a culprit, for tests of reports."""

from __future__ import annotations

from diag.finding import Location
from diag.remedy import Between, Edit, Move, Refusal, Remedy, RemedyResult, Tried

MS = 1_000_000
PLACE = Location(
    path="shop/report.py",
    absolute="/srv/shop/report.py",
    line=88,
    function="report",
    text="body = render(rows)",
)


def around(value: float, part: float = 0.1) -> Between:
    """A value with an interval around it."""
    return Between(value=value, low=value * (1 - part), high=value * (1 + part))


def result(
    name: str, victims_ms: float, *, recommended: bool = False, predicted_ms: float = 0, **values: object
) -> RemedyResult:
    """How the load ran with a remedy; as written, victims waited for 248 ms."""
    remedy = Remedy(
        id=f"{name}@shop/report.py:88",
        name=name,
        title=name,
        culprit=PLACE,
        route="GET /report",
        move=Move.PROCESS,
        pool=2,
        edits=(Edit(path=PLACE.absolute, before_sha256="0", after="text"),),
        diff="--- a/shop/report.py\n+++ b/shop/report.py\n@@ -88 +88 @@\n-    body = render(rows)\n+    body = await pool(render, rows)\n",
        caveats=("Arguments and result travel pickled.",),
    )
    fields: dict[str, object] = {
        "answers_equal": True,
        "recommended": recommended,
        "predicted_ns": round(predicted_ms * MS),
        "prediction_error": predicted_ms / victims_ms - 1 if predicted_ms else 0.0,
        "reason": f"{name} was measured.",
        "checks": ("Pickling: 0.20 ms and 100 B a message, 30 messages.",),
        **values,
    }
    return RemedyResult(
        remedy=remedy,
        runs=5,
        victim_p99_ns=around(victims_ms * MS),
        original_victim_p99_ns=around(248 * MS),
        throughput=around(30.2),
        original_throughput=around(31.0),
        change=around(victims_ms / 248),
        throughput_change=around(30.2 / 31),
        **fields,  # type: ignore[arg-type]
    )


TRIED = Tried(
    number=1,
    culprit=PLACE,
    route="GET /report",
    victims="innocent requests",
    load="40 arrivals as recorded on 3 routes",
    trials=5,
    results=(
        result("process-pool", 14, recommended=True, predicted_ms=12),
        result("to-thread", 121, predicted_ms=130),
    ),
    refusals=(
        Refusal(
            id="batch@shop/report.py:88",
            name="batch",
            culprit=PLACE,
            reason="The loop is in a library.",
            by_hand="for part in parts:\n    render(part)",
        ),
    ),
    notes=("Not tried: sleep-zero (--remedies sleep-zero).",),
)
