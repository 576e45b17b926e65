"""Budgets for what is measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from verdicts import BLOCKED

from diag.checking.budgets import Budget, compare, parse_budget, within
from diag.checking.joining import join
from diag.errors import UsageError
from diag.finding import HandlerResult, Severity, Status, Verdict
from diag.static.finding import Analysis

MS = 1_000_000


def verdict(max_ns: int, p99_ns: int) -> Verdict:
    """A verdict with one block of a length, and one innocent route."""
    finding = next(one for one in BLOCKED.findings if one.rule == "blocked-loop")
    calm = HandlerResult(route="GET /calm", status=Status.CLEAN, requests=9, p99_ns=p99_ns)
    held = replace(calm, route="GET /held", status=Status.BLOCKED, p99_ns=10**12)
    finding = replace(finding, max_ns=max_ns, severity=Severity.ERROR)
    return replace(BLOCKED, findings=(finding,), handlers=(calm, held), cells=())


def test_a_budget_is_names_and_times():
    assert parse_budget("block=50ms, victim-p99=0.1s") == Budget(block_ns=50 * MS, victim_p99_ns=100 * MS)
    assert not parse_budget("")


@pytest.mark.parametrize("text", ["block", "block=5", "blok=5ms", "block=0ms", "victim-p99=x"])
def test_a_budget_that_is_none_is_explained(text: str):
    with pytest.raises(UsageError) as caught:
        parse_budget(text)
    assert caught.value.slug == "bad-budget"


def test_the_longest_block_and_the_worst_innocent_route_are_held_against_it():
    block, victims = compare([verdict(60 * MS, 90 * MS)], parse_budget("block=50ms,victim-p99=100ms"))
    assert (block.found_ns, block.met) == (60 * MS, False)
    assert (victims.found_ns, victims.met, victims.where) == (90 * MS, True, "GET /calm")


def test_nothing_run_is_no_budget_met():
    assert compare([], parse_budget("block=50ms")) == ()


@pytest.mark.parametrize(("budget", "fails"), [("", True), ("block=50ms", False), ("block=30ms", True)])
def test_a_measured_block_within_the_budget_fails_nothing(budget: str, fails: bool):
    issues = join(Analysis(), [verdict(40 * MS, 0)], "/srv")
    assert [one.fails for one in within(issues, parse_budget(budget))] == [fails]
