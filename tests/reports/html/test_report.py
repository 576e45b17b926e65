"""What a page says, before it is one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from crowded import crowded
from recordings import MS, Scene
from scenes import clean, hostile, script, shop, unmeasured, workers

from diag.analysis.blame import left_app
from diag.analysis.case import examine
from diag.finding import Location, Verdict
from diag.recording import Attempt, Recording
from diag.remedy import Between, Move, Remedy, RemedyResult, Tried
from diag.reports.html import density, pieces, timeline
from diag.reports.html.model import Report
from diag.reports.html.report import build
from diag.rules import RULES, judge

SCENES = {"shop": shop, "clean": clean, "script": script, "workers": workers, "unmeasured": unmeasured}


def built(recording: Recording, **options: object) -> tuple[Report, Verdict]:
    verdict = judge(recording)
    return build(recording, verdict, **options), verdict


@pytest.mark.parametrize("name", SCENES)
def test_every_page_has_its_parts(name: str) -> None:
    """Four tiles, a card a finding, and a line for each thing that found nothing."""
    page, verdict = built(SCENES[name]())
    assert len(page.head.tiles) == 4
    assert [card.rule for card in page.cards] == [finding.rule for finding in verdict.findings]
    assert page.checks
    assert dict(page.foot.facts)["Command"] == "diag explain app.py"
    assert page.foot.blind
    assert dict(page.foot.facts)["Limits"] == "none"


def test_every_rule_has_its_line() -> None:
    """One that found something has a card, and any other is passed or does not apply."""
    page, verdict = built(shop())
    named = {check.name for check in page.checks} | {finding.rule for finding in verdict.findings}
    assert {rule.SLUG for rule in RULES} <= named


def test_tiles_say_what_the_verdict_says() -> None:
    """Blocked time is what exceeds 50 ms; a victim of two blocks is one victim."""
    page, verdict = built(shop())
    blocked, victims, tail, quality = page.head.tiles
    assert blocked.value == "480 ms"  # 12 × (90 − 50), and 12 blocks of 50 ms that exceed nothing
    assert victims.value == "72 requests"
    assert sum(g.count for f in verdict.findings for g in f.victims) > 72
    assert "p99" in tail.title
    assert quality.value == "good"


def test_nothing_is_claimed_of_a_run_that_failed() -> None:
    """Unknown is not none."""
    page, _ = built(unmeasured())
    assert [tile.value for tile in page.head.tiles] == ["unknown", "unknown", "unknown", "not enough"]
    assert page.availability is None
    assert "passed" not in {check.word for check in page.checks}


def test_no_run_at_all() -> None:
    """There is a page, and it says so."""
    page, _ = built(replace(shop(), runs=()))
    assert page.timeline is None
    assert page.no_timeline
    assert "".join(pieces(replace(shop(), runs=()), judge(replace(shop(), runs=()))))


def test_blocks_name_their_victims() -> None:
    """In the timeline as in the findings."""
    page, verdict = built(shop())
    for number, finding in enumerate(verdict.findings):
        own = [block for block in page.timeline.blocks if block.finding == number]
        assert len(own) == len(finding.blocks)
        assert sum(block.waited_ns for block in own) == sum(group.total_ns for group in finding.victims)
        assert len({victim for block in own for victim in block.victims}) == sum(
            group.count for group in finding.victims
        )
        assert all(len(block.victims) == block.victim_count for block in own)


def test_the_blame_matrix_adds_up() -> None:
    """Its cells are the findings' victims, in milliseconds."""
    page, verdict = built(shop())
    for (_, title, cells, total), finding in zip(page.matrix.rows, verdict.findings, strict=True):
        assert title == finding.title
        by_label = {cell.label: cell.text for cell in cells if cell.text}
        assert by_label == {g.label: f"{g.total_ns / MS:,.0f}" for g in finding.victims}
        assert total == f"{sum(g.total_ns for g in finding.victims) / MS:,.0f}"


def test_a_card_shows_where_and_through_what() -> None:
    """The line with its share, and the stack with the user's frames apart from the rest."""
    page, _ = built(shop())
    card = page.cards[0]
    (culprit,) = [line for line in card.excerpt if line.culprit]
    assert culprit.text.strip() == "time.sleep(0.1)"
    assert (culprit.share, culprit.heat) == ("100 %", 10)
    assert [fold.user for fold in card.stack] == [False, True]
    assert card.stack[0].packages == "uvicorn, Python, fastapi"
    assert sum(share.width for share in card.causes) == pytest.approx(100)


def test_requests_and_stages() -> None:
    """Each has its stages in µs, and they add up to what the client measured."""
    recording = shop()
    page, _ = built(recording)
    sent = sorted(recording.runs[0].requests, key=lambda one: one.intended_ns)
    for view, request in zip(page.timeline.requests, sent, strict=True):
        whole = round((request.done_ns - request.intended_ns) / 1_000)
        assert view.before + view.inside + view.after == whole


def test_many_requests_are_aggregated_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows only for some, the delayed first; the area counts all."""
    monkeypatch.setattr(timeline, "MOST_REQUESTS", 200)
    monkeypatch.setattr(timeline, "MOST_BLOCKS", 30)
    recording = crowded(blocks=60, requests=1_200)
    page, _ = built(recording)
    time = page.timeline
    assert (time.all_requests, time.all_blocks) == (1_260, 60)
    assert len(time.blocks) == 30
    assert len(time.requests) <= 210
    assert {victim for block in time.blocks for victim in block.victims}
    data = json.loads(page.data)
    assert data["all_requests"] == 1_260
    mean = sum(map(sum, (time.density.before, time.density.queued, time.density.own, time.density.awaiting)))
    case = examine(recording, recording.runs[0])
    start, end = case.timeline.window
    in_server = sum(left_app(e) - e.request.intended_ns for e in case.timeline.exchanges)
    assert mean / density.PARTS * (end - start) == pytest.approx(in_server, rel=0.02)


def test_large_pages_stay_small() -> None:
    """11,000 requests and 1,000 blocks are less than a megabyte."""
    recording = crowded(blocks=1_000, requests=10_000)
    assert len("".join(pieces(recording, judge(recording)))) < 1_000_000


def test_hostile_text_stays_text() -> None:
    """No element, no attribute and no script comes from it."""
    recording = hostile()
    text = "".join(pieces(recording, judge(recording)))
    assert "<img" not in text
    assert "<b class=hostile" not in text
    assert not set("\u202e\u2028\x00\x1b") & set(text)
    assert text.count("</script>") == 3
    assert len(text) < 500_000


def test_remedies_are_on_their_card() -> None:
    """With intervals, the prediction, the change, and which one is recommended; and in the tile."""
    recording = shop()
    verdict = judge(recording)
    tried = Tried(
        number=1,
        culprit=verdict.findings[0].location,
        route="GET /report",
        victims="innocent requests",
        load="4 users",
        trials=5,
        results=(result("to-thread", 30, recommended=False), result("await", 12, recommended=True)),
        notes=("A note.",),
    )
    page = build(recording, verdict, tried=(tried,))
    views = page.cards[0].tried.views
    assert [(one.title, one.recommended) for one in views] == [("await", True), ("to-thread", False)]
    assert views[0].after == "12 ms [11 ms – 13 ms]"
    assert ("add", "+    await asyncio.sleep(0.1)") in views[0].diff
    assert not page.cards[1].tried.views
    assert (page.head.tiles[2].before, page.head.tiles[2].value) == ("90 ms", "12 ms")
    text = "".join(pieces(recording, verdict, tried=(tried,)))
    assert "✓ recommended" in text
    assert "A note." in text
    assert "await asyncio.sleep(0.1)" not in "".join(pieces(recording, verdict, tried=(tried,), source=False))


def result(title: str, p99: float, *, recommended: bool) -> RemedyResult:
    def around(value: float, spread: float = 0) -> Between:
        return Between(value=value, low=value - spread, high=value + spread)

    place = Location(path="app.py", absolute="/srv/shop/app.py", line=10, function="report", text="")
    remedy = Remedy(
        id=title,
        name=title,
        title=title,
        culprit=place,
        route="GET /report",
        move=Move.AWAIT,
        diff="--- a/app.py\n+++ b/app.py\n@@ -10 +10 @@\n-    time.sleep(0.1)\n+    await asyncio.sleep(0.1)\n",
    )
    return RemedyResult(
        remedy=remedy,
        runs=5,
        victim_p99_ns=around(p99 * MS, MS),
        original_victim_p99_ns=around(90 * MS),
        throughput=around(50),
        original_throughput=around(30),
        change=around(p99 / 90),
        throughput_change=around(1.6),
        recommended=recommended,
        reason="it is" if recommended else "another is better",
    )


def test_trials_of_remedies_lie_over_each_other() -> None:
    """As written and with each remedy, all trials together, on one axis."""
    recording = shop()
    run = recording.runs[0]
    trials = [
        replace(run, run_id=number, attempts=(Attempt(culprit=1, remedy=remedy),))
        for number, remedy in enumerate(("", "await", "", "await"), start=2)
    ]
    verdict = judge(recording)
    tried = Tried(
        number=1,
        culprit=verdict.findings[0].location,
        route="GET /report",
        victims="innocent requests",
        load="",
        trials=2,
        results=(result("await", 12, recommended=True),),
    )
    page = build(replace(recording, runs=(run, *trials)), verdict, tried=(tried,))
    chart, by_route = page.compared
    assert [(ridge.label, ridge.note, ridge.strong) for ridge in chart.ridges] == [
        ("as written", "", True),
        ("await", "recommended", False),
    ]
    innocent = sum(one.route != "GET /report" for one in run.requests)
    assert [ridge.count for ridge in chart.ridges] == [str(2 * innocent)] * 2
    assert by_route.title == "Latency by route"


def test_a_run_of_nothing() -> None:
    """No lane, no request: there is nothing to draw, and it says so."""
    scene = Scene(canary=False)
    scene.lanes.clear()
    page, _ = built(scene.recording())
    assert page.timeline is None
    assert page.no_timeline
