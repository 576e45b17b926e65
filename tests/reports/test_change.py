"""The report of two recordings: which way it went, for whom, and how far to trust it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from inline_snapshot import snapshot
from rich.cells import cell_len
from verdicts import RENDER

from diag.change import Change, Direction, Fate, FindingChange, RouteChange, Shift, Side
from diag.reports.change import render
from diag.reports.json import change_to_json

MS = 1_000_000
HOSTILE = "\x1b[2J\x1b]0;x\x07\u202e\x00\r\n\t[bold red]漢字😀[/] \x9b1m" + "A" * 1_000_000


def shift(before: float, after: float, direction: Direction, spread: float = 0.1) -> Shift:
    """A figure whose interval is as wide as `spread` of its effect."""
    effect = after / before
    low, high = effect * (1 - spread), effect * (1 + spread)
    return Shift(before=before, after=after, effect=effect, low=low, high=high, direction=direction)


def side(name: str, status: str) -> Side:
    """One recording."""
    return Side(
        recording=f"{name}.diag",
        target="shop.api:app",
        created_utc="2026-11-20T11:12:54+00:00",
        status=status,
        requests=1_200,
        duration_ns=4_200 * MS,
        load="closed, 20 users",
        server="uvicorn (uvloop), 1 worker",
        python="CPython 3.11.7",
        cores=2,
    )


UNKNOWN = Shift(
    before=3 * MS,
    after=4 * MS,
    effect=1.3,
    low=0,
    high=0,
    direction=Direction.UNKNOWN,
    reason="fewer than 200 answers",
)


def route(name: str, direction: Direction, p50: Shift, p99: Shift = UNKNOWN) -> RouteChange:
    """One route."""
    return RouteChange(
        route=name,
        direction=direction,
        requests_before=400,
        requests_after=410,
        failed_before=0,
        failed_after=12 if direction is Direction.WORSE else 0,
        p50=p50,
        p99=p99,
    )


IMPROVED = Change(
    direction=Direction.IMPROVED,
    reasons=(),
    before=side("before", "blocked"),
    after=side("after", "clean"),
    blocked=Shift(before=0.74, after=0.02, effect=-0.72, low=-0.75, high=-0.68, direction=Direction.IMPROVED),
    routes=(
        route("GET /health", Direction.IMPROVED, shift(64 * MS, 12 * MS, Direction.IMPROVED)),
        route("GET /cart", Direction.NONE, shift(20 * MS, 21 * MS, Direction.NONE)),
    ),
    findings=(
        FindingChange(fate=Fate.GONE, before=RENDER, after=None, share_before=0.7, share_after=0.0),
        FindingChange(
            fate=Fate.CHANGED,
            before=RENDER,
            after=replace(RENDER, p50_ns=RENDER.p50_ns // 4),
            share_before=0.2,
            share_after=0.05,
            note="Its blocks are shorter.",
        ),
        FindingChange(fate=Fate.SAME, before=RENDER, after=RENDER, share_before=0.1, share_after=0.1),
    ),
    notes=("There is one run each, which is weak evidence.",),
    windows=20,
    window_ns=200 * MS,
)
REFUSED = Change(
    direction=Direction.UNKNOWN,
    reasons=(
        "They ran on different Pythons: CPython 3.11.7 before, CPython 3.12.1 after.",
        "The load differs.",
    ),
    before=side("before", "blocked"),
    after=side("after", "clean"),
)


def test_an_improvement_at_80_columns() -> None:
    """Who gained how much, and what is gone."""
    assert render(IMPROVED, width=80) == snapshot("""\
diag report: before and after
before: shop.api:app · 2026-11-20 11:12 · 4.2 s · 1,200 requests · BLOCKED
after : shop.api:app · 2026-11-20 11:12 · 4.2 s · 1,200 requests · CLEAN
both  : closed, 20 users · uvicorn (uvloop), 1 worker · CPython 3.11.7, 2 cores

✓ IMPROVED  blocked for 74 % of the time before, 2.0 % after (-72 points [-75 to
            -68])

                     before     after  after / before
✓ GET /health  p50    64 ms     12 ms  0.19 [0.17–0.21]  improved
               p99   3.0 ms    4.0 ms  fewer than 200 answers
= GET /cart    p50    20 ms     21 ms  1.05 [0.95–1.16]  no difference seen
               p99   3.0 ms    4.0 ms  fewer than 200 answers

- GONE  BLOCKED GET /report                                    shop/report.py:88
      88 │ body = pdf.render(rows)
  12 blocks · p50 182 ms · 70 % of the time

~ CHANGED  BLOCKED GET /report                                 shop/report.py:88
      88 │ body = pdf.render(rows)
  12 blocks → 12 blocks · p50 182 ms → 46 ms · 20 % → 5.0 % of the time
  Its blocks are shorter.

= 1 finding is as before: -v shows them

note: There is one run each, which is weak evidence.

before: before.diag
after : after.diag
verdict: IMPROVED
exit 0        0 no worse · 1 worse · 2 cannot compare
""")


def test_what_cannot_be_compared_says_why() -> None:
    """And gives no figure that somebody might compare all the same."""
    assert render(REFUSED, width=80) == snapshot("""\
diag report: before and after
before: shop.api:app · 2026-11-20 11:12 · 4.2 s · 1,200 requests · BLOCKED
after : shop.api:app · 2026-11-20 11:12 · 4.2 s · 1,200 requests · CLEAN
both  : closed, 20 users · uvicorn (uvloop), 1 worker · CPython 3.11.7, 2 cores

? NOT COMPARABLE  They ran on different Pythons: CPython 3.11.7 before, CPython
                  3.12.1 after.
                  The load differs.

before: before.diag
after : after.diag
verdict: NOT COMPARABLE
exit 2        0 no worse · 1 worse · 2 cannot compare
""")


def everywhere(text: str) -> Change:
    """A change whose every text of the target's is `text`."""
    bad = replace(side("x", "clean"), target=text, load=text, server=text, python=text)
    finding = replace(RENDER, title=text)
    assert finding.location is not None
    finding = replace(finding, location=replace(finding.location, path=text, text=text, function=text))
    return replace(
        IMPROVED,
        before=bad,
        after=bad,
        reasons=(text,),
        notes=(text,),
        routes=(replace(IMPROVED.routes[0], route=text),),
        findings=(replace(IMPROVED.findings[1], before=finding, after=finding, note=text),),
    )


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("direction", list(Direction))
def test_hostile_text_neither_acts_nor_breaks_the_layout(
    width: int, encoding: str, direction: Direction
) -> None:
    """At any width, in any encoding, for any outcome."""
    text = render(
        replace(everywhere(HOSTILE), direction=direction), width=width, encoding=encoding, verbose=True
    )
    text.encode(encoding)
    for line in text.splitlines():
        assert line.isprintable()
        assert cell_len(line) <= width


def test_no_colour_where_there_is_none_and_the_same_words_where_there_is() -> None:
    """Colour never carries meaning alone."""
    import re

    plain, coloured = render(IMPROVED), render(IMPROVED, color=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_json_has_the_same_answer() -> None:
    """Under the names of the values."""
    document = json.loads(change_to_json(IMPROVED))
    assert document["direction"] == "improved"
    assert document["exit_code"] == 0
    assert document["routes"][0]["p50"]["direction"] == "improved"
    assert [one["fate"] for one in document["findings"]] == ["gone", "changed", "same"]
    assert document["findings"][0]["before"]["severity"] == "error"
