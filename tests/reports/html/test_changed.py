"""The page of what became of two recordings."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from recordings import AT_SLEEP, LOAD_END, LOAD_START, Scene

from diag.analysis.changes import compare
from diag.analysis.comparability import Judged
from diag.change import Change
from diag.recording import Recording
from diag.reports.html import change_pieces
from diag.reports.html.changed import build_change
from diag.rules import judge

HOSTILE = "</script><script>alert(1)</script>\x1b[2J\u202e\x00" + "A" * 1_000_000


def recorded(*, latency: float, blocks: float = 0, route: str = "GET /a") -> Recording:
    """Ten seconds of one route, with or without blocks."""
    draw = random.Random(round(latency))
    scene = Scene()
    for number, start in enumerate(range(LOAD_START + 10, LOAD_END - 300, 10)):
        scene.request(route, 30_000 + number, start, start + latency * draw.uniform(0.7, 1.3))
    for start in range(LOAD_START + 50, LOAD_END - 300, 500) if blocks else ():
        scene.step(start, start + blocks, frames=AT_SLEEP, label="report")
    return scene.recording()


def change(before: Recording, after: Recording) -> Change:
    return compare(*(Judged(recording=one, verdict=judge(one)) for one in (before, after)))


BEFORE, AFTER = recorded(latency=60, blocks=100), recorded(latency=20)


def test_the_page_says_what_the_change_says() -> None:
    """The verdict, both distributions on one axis, the figures, and what is gone."""
    found = change(BEFORE, AFTER)
    page = build_change(BEFORE, AFTER, found)
    assert (page.head.word, page.head.status) == ("Improved", "clean")
    assert next(tile.title for tile in page.head.tiles) == "Blocked"
    (chart,) = page.charts
    assert [(one.label, one.note.strip()) for one in chart.ridges] == [("GET /a", "before"), ("", "after")]
    assert chart.ridges[0].path
    assert chart.ridges[1].path
    assert page.table.rows[0][0] == "GET /a"
    assert [(one.word, one.look) for one in page.findings] == [("gone", "passed")]
    assert "`time.sleep(0.1)`" in page.findings[0].text
    assert json.loads(page.raw)["direction"] == "improved"


def test_without_source_no_line_is_in_the_page() -> None:
    """Not in the data either."""
    found = change(BEFORE, AFTER)
    assert "time.sleep" in "".join(change_pieces(BEFORE, AFTER, found))
    assert "time.sleep" not in "".join(change_pieces(BEFORE, AFTER, found, source=False))


def test_what_cannot_be_compared_has_a_reason_and_no_figures() -> None:
    """So that nobody compares them all the same."""
    meta = replace(AFTER.meta, machine=replace(AFTER.meta.machine, cores=64))
    other = replace(AFTER, meta=meta)
    page = build_change(BEFORE, other, change(BEFORE, other))
    assert page.head.word == "Not comparable"
    assert "cores" in page.head.sentence
    assert (page.head.tiles, page.charts, page.findings) == ((), (), ())


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_whatever_is_in_it(browser: Browser, tmp_path: Path, width: int) -> None:
    """No error, no request, no script of the target's, no serious fault for those who cannot see."""
    before, after = (recorded(latency=ms, blocks=20, route=HOSTILE) for ms in (60, 20))
    meta = replace(before.meta, target=HOSTILE, argv=("diag", HOSTILE))
    before = replace(before, meta=meta, sources={})
    file = tmp_path / "change.html"
    file.write_text("".join(change_pieces(before, after, change(before, after))), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    try:
        page = context.new_page()
        seen: list[str] = []
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("dialog", lambda dialog: seen.append(dialog.message))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]")
        assert seen == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []
    finally:
        context.close()
