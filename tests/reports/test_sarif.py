"""SARIF of a check: what code scanning needs of it, whatever the paths and texts are like."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from checked import CHECKED, ISSUE, STATIC
from jsonschema import Draft202012Validator

from diag.checking.result import CheckResult
from diag.finding import Status
from diag.reports.sarif import FINGERPRINT, to_sarif
from diag.static.finding import Analysis, Problem

SCHEMA = Path(__file__).parent / "vendored" / "sarif-2.1.0" / "sarif-schema-2.1.0.json"
EVERYTHING = replace(
    CHECKED,
    known=(replace(ISSUE, fingerprint="other", rule="convoy", static=None, line=0, column=0, path=""),),
    baseline="known.json",
    analysis=Analysis(allowed=(STATIC,)),
    problems=(
        Problem(slug="syntax-error", path="shop/\udce4 %.py", line=0, message="it is broken"),
        Problem(slug="unused-allowance", path="/elsewhere/x.py", line=3, message=""),
    ),
)


def run_of(result: CheckResult) -> dict:
    """The one run of the log."""
    (run,) = json.loads(to_sarif(result))["runs"]
    return run


def test_a_result_names_its_rule_place_and_fingerprint():
    run = run_of(CHECKED)
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "blocking-wait"
    (location,) = result["locations"]
    place = location["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "shop/re%20port.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"]["startLine"] == ISSUE.line
    assert result["partialFingerprints"] == {FINGERPRINT: ISSUE.fingerprint}


def test_the_way_to_the_block_is_a_code_flow():
    (result,) = run_of(CHECKED)["results"]
    (flow,) = result["codeFlows"]
    lines = [
        one["location"]["physicalLocation"]["region"]["startLine"]
        for one in flow["threadFlows"][0]["locations"]
    ]
    assert lines == [hop.line for hop in STATIC.hops]


def test_a_baseline_tells_new_from_known():
    result = replace(CHECKED, baseline="known.json", known=(replace(ISSUE, fingerprint="other"),))
    assert [one["baselineState"] for one in run_of(result)["results"]] == ["new", "unchanged"]


def test_what_a_comment_allows_is_there_and_suppressed():
    result = replace(CHECKED, issues=(), analysis=Analysis(allowed=(STATIC,)))
    (found,) = run_of(result)["results"]
    assert found["suppressions"] == [{"kind": "inSource"}]


def test_a_check_that_could_not_tell_was_not_successful():
    run = run_of(replace(CHECKED, issues=(), status=Status.UNMEASURED, reason="there is nothing to check"))
    (invocation,) = run["invocations"]
    assert not invocation["executionSuccessful"]
    assert invocation["exitCode"] == 2
    assert "nothing to check" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_no_region_ends_before_it_begins_and_none_has_line_0():
    for hop in (replace(STATIC.hops[0], end_line=1, end_column=1), replace(STATIC.hops[0], line=0)):
        odd = replace(ISSUE, line=hop.line, end_line=hop.end_line, end_column=hop.end_column)
        (result,) = run_of(replace(CHECKED, issues=(odd,)))["results"]
        region = result["locations"][0]["physicalLocation"].get("region", {})
        assert region.get("startLine", 1) >= 1
        assert region.get("endLine", region.get("startLine", 1)) >= region.get("startLine", 1)


@pytest.mark.parametrize(
    "result",
    [
        CHECKED,
        EVERYTHING,
        replace(EVERYTHING, issues=(), status=Status.UNMEASURED, reason="there is nothing to check"),
        replace(CHECKED, issues=(replace(ISSUE, text="\x00\x1b\udce4", message="\u202e", end_line=1),)),
    ],
)
def test_it_is_valid_by_the_schema_of_the_standard(result: CheckResult):
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [error.message for error in validator.iter_errors(json.loads(to_sarif(result)))] == []
    broken = json.loads(to_sarif(result))
    broken["runs"][0]["columnKind"] = "furlongs"
    assert not validator.is_valid(broken)
