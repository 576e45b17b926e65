"""The place to change is in the last `async def` before the culprit, whatever file that is in."""

from __future__ import annotations

import dataclasses

from remedy_cases import setting_of_text

from diag.analysis.source import Code, Line
from diag.finding import Cause, CauseShare, Confidence, Finding, Severity
from diag.remedies import propose
from diag.remedy import Proposal

ROOT = "/srv/shop"
API, DB = f"{ROOT}/shop/api.py", f"{ROOT}/shop/db.py"
SOURCES = {
    API: """\
from shop import db


async def outer():
    return await inner("a")


async def inner(key):
    rows = db.rows(key)
    return rows


def called_back():
    db.rows("b")
""",
    DB: """\
import time


def rows(key):
    return [one for one in _read(key) if one]


def _read(key):
    time.sleep(0.1)
    return [key]
""",
}
READ = (DB, 9)
VIA_ROWS = (DB, 5)


def proposed(*frames: tuple[str, int], names: tuple[str, ...] = ("to-thread",)) -> Proposal:
    code = Code(SOURCES, (ROOT,))
    places = [code.location(Line(path, line, code.function(path, line))) for path, line in frames]
    finding = Finding(
        rule="blocked-loop",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        title="GET /",
        location=places[-1],
        path=tuple(places[:-1]),
        causes=(CauseShare(cause=Cause.RUN_QUEUE, ns=2), CauseShare(cause=Cause.WAITING, ns=1)),
    )
    setting = dataclasses.replace(setting_of_text("", path=API), root=ROOT, sources=SOURCES)
    return propose([finding], setting, names)


def test_a_helper_in_another_file_is_called_in_a_thread_where_the_coroutine_calls_it():
    (remedy,) = proposed((API, 5), (API, 9), VIA_ROWS, READ).remedies
    (edit,) = remedy.edits
    assert edit.path == API
    assert "    rows = await asyncio.to_thread(db.rows, key)\n" in edit.after
    assert remedy.diff.startswith("--- a/shop/api.py\n+++ b/shop/api.py\n")
    assert remedy.culprit.path == "shop/db.py"


def test_a_comprehension_s_own_frame_does_not_hide_the_call():
    (remedy,) = proposed((API, 9), VIA_ROWS, VIA_ROWS, READ).remedies
    assert "await asyncio.to_thread(db.rows, key)" in remedy.edits[0].after


def test_the_culprit_s_own_call_in_another_file_is_named_for_who_changes_it_by_hand():
    (refusal,) = proposed((API, 9), VIA_ROWS, READ, names=("native",)).refusals
    assert refusal.reason == "_read is a plain function, and would have to become an `async def`."
    assert "asyncio.sleep" in refusal.by_hand


def test_what_the_loop_calls_back_cannot_await():
    proposal = proposed((API, 14), VIA_ROWS, READ)
    assert not proposal.remedies
    (refusal,) = proposal.refusals
    assert "no coroutine of yours leads to this line" in refusal.reason.lower()
    assert "run_in_executor" in refusal.by_hand


def test_a_finding_without_a_line_or_without_source_gets_no_change():
    assert proposed(("/elsewhere/x.py", 3)).remedies == ()
