"""The verdict for programs."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from verdicts import ALL, BLOCKED, WORKLOAD

from diag.finding import Verdict
from diag.reports.json import FORMAT, to_json


@pytest.mark.parametrize("name", ALL)
def test_everything_is_in_it(name: str) -> None:
    """Each field of the verdict, and what follows from it."""
    document = json.loads(to_json(ALL[name]))
    besides = {"format", "diag_version", "exit_code", "tried"}
    assert {field.name for field in fields(Verdict)} | besides == set(document)
    assert document["format"] == FORMAT
    assert document["exit_code"] == ALL[name].exit_code


def test_values_are_names_and_nanoseconds() -> None:
    """Nothing needs a look into diag's code."""
    finding = json.loads(to_json(BLOCKED))["findings"][0]
    assert finding["severity"] == "error"
    assert finding["location"]["line"] == 88
    assert finding["also"][0]["percent"] == 12
    assert finding["also"][0]["location"]["line"] == 91
    assert finding["causes"][0] == {"cause": "on-cpu-gil", "ns": 2_156_000_000}
    assert finding["victims"][0]["worst_ns"] == 231_000_000
    assert finding["blocks"][0]["own_ns"] == 182_000_000


def test_it_is_ascii_and_has_no_control_characters() -> None:
    """Even where the target's text does."""
    finding = replace(BLOCKED.findings[0], title="\x1b[2J\u202e\x9b漢\ud800")
    text = to_json(replace(BLOCKED, findings=(finding,)))
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert json.loads(text)["findings"][0]["title"] == finding.title


def test_numbers_that_json_lacks_are_null() -> None:
    """NaN would not be JSON."""
    cells = (replace(WORKLOAD.cells[0], throughput=float("inf"), blocked_share=float("nan")),)
    quality = replace(WORKLOAD.quality, run_queue_share=float("nan"))
    document = json.loads(to_json(replace(WORKLOAD, cells=cells, quality=quality)))
    assert document["cells"][0]["throughput"] is None
    assert document["cells"][0]["blocked_share"] is None
    assert document["quality"]["run_queue_share"] is None
