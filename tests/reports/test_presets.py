"""A preset's report: published and measured side by side, each claim with its verdict, at every width."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from compared import cell, recording, trial
from rerun import rerun
from rich.cells import cell_len

from diag.comparison import Comparison
from diag.presets import compare_recording
from diag.presets.apachebench import BACKLOG, DEVELOPMENT, GUNICORN, MANY, ONE, ApacheBench, key
from diag.presets.h2load_container import FASTAPI, FLASK, LIMITED, H2loadContainer
from diag.recording import Recording
from diag.reports.comparison import render
from diag.reports.html import pieces
from diag.reports.json import comparison_to_json
from diag.reports.presets import preset_cell_list


def comparison() -> Comparison:
    """A claim that fails, and others that cannot be told."""
    values: dict[str, object] = {
        key(MANY, GUNICORN): {"rate": 6_900, "cpu_ms": 190, "utilisation": 0.41},
        key(MANY, DEVELOPMENT): {"rate": 600, "counters": {"listen_overflows": 1_800, "listen_drops": 1_800}},
        key(ONE, DEVELOPMENT): {"rate": 600, "utilisation": 0.95},
    }
    return rerun(ApacheBench(), values, scale=0.5, trials=3)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_it_fits_and_says_everything_at_every_width(width: int, encoding: str) -> None:
    text = render(comparison(), width=width, encoding=encoding)
    text.encode(encoding)
    assert max(map(cell_len, text.splitlines())) <= width
    told = " ".join(text.split())
    for words in (
        "diag compare --preset apachebench --scale 0.5",
        "published, and measured here",
        "8,665",
        "41 %",
        "what was claimed, at scale 0.5",
        "does not hold: ",
        "cannot tell: its figures say: 500 at a time",
        "because FastAPI, uvicorn --reload was not measured",
        "ListenOverflows 1,800 a trial, ListenDrops 1,800",
        "the load generator was the limit, not the server: it used 95 % of its core",
    ):
        assert (words if encoding == "utf-8" else words.replace("×", "x")) in told


def test_figures_of_two_kinds_have_their_names() -> None:
    values: dict[str, object] = {
        f"{LIMITED}: {FLASK}": {"rate": 640, "mean_ms": 12},
        f"{LIMITED}: {FASTAPI}": "it was killed",
    }
    told = render(rerun(H2loadContainer(), values, trials=2), width=120)
    assert "mean latency     12.56 ms" in told
    assert "req/s a client        242" in told
    assert "gave no figures: it was killed" in " ".join(told.split())


def test_json_has_the_same() -> None:
    document = json.loads(comparison_to_json(comparison()))
    assert (document["preset"], document["scale"]) == ("apachebench", 0.5)
    first = document["claims"][0]
    assert (first["ruling"], first["quoted"]) == ("does not hold", True)
    assert first["because"].endswith("not 48.1 ×")
    assert document["published"][0]["published"] == 8_665
    assert document["published"][0]["measured"]["low"] > 0


def test_a_comparison_of_ones_own_has_no_claims() -> None:
    found = compare_recording(recording([trial(cell(), 1, 5), trial(cell("blocking"), 1, 6)]))
    assert (found.preset, found.claims, found.published) == ("", (), ())
    assert "claimed" not in render(found)


@pytest.mark.parametrize(
    "stored", ['{"name": "of-the-future", "scale": 1}', '{"name": "apachebench", "scale": 0}', "{}", "?"]
)
def test_a_preset_that_this_diag_does_not_know_is_compared_all_the_same(stored: str) -> None:
    found = compare_recording(recording([trial(cell(), 1, 5), trial(cell(), 2, 5)], preset=stored))
    assert found.contests[0].cells[0].trials == 2
    assert found.claims == ()
    assert "its claims are not judged" in found.notes[-1]


def test_hostile_names_do_no_harm() -> None:
    """A recording may come from anybody."""
    bad = comparison()
    claims = (replace(bad.claims[0], because="a\x1b]0;b\x07", explained=("\u202ec",)),)
    text = render(replace(bad, claims=claims))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_cells_are_listed_with_their_reasons() -> None:
    lines = preset_cell_list([("many: a", True, ""), ("many: b", False, "b is not installed")], 80)
    assert lines[:2] == ["  many: a", "+ many: b: cannot be measured here: b is not installed"]


def test_the_page_has_the_same() -> None:
    """Cells that differ in nothing but their label keep their own runs."""
    values = {
        key(MANY, label): {"rate": rate}
        for label, rate in ((GUNICORN, 6_900), (DEVELOPMENT, 600), (BACKLOG, 1_080))
    }
    held: list[Recording] = []

    def keep(one: Recording) -> Recording:
        held.append(one)
        return one

    found = rerun(ApacheBench(), values, trials=2, change=keep)
    text = "".join(pieces(held[0], found))
    for words in (
        "Published, and measured here",
        "8,665",
        "does not hold: &#34;FastAPI is nearly 48× faster",
    ):
        assert words in text
    assert "nearly 48× faster than Flask&#34;: does not hold." in text
    assert [one.recorded_as for one in found.contests[0].cells][-1] == key(MANY, DEVELOPMENT)
