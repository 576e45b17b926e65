"""What source shows and what was measured become one issue where they mean the same line, or the same handler."""

from __future__ import annotations

from dataclasses import replace

from checked import ANALYSIS, STATIC
from verdicts import BLOCKED as VERDICT

from diag.checking.joining import checked_handlers, join
from diag.checking.result import Evidence
from diag.finding import Confidence, Location, Severity, Verdict


def measured(line: int = 7, path: str = "/srv/shop/re port.py", **changes: object) -> Verdict:
    """A verdict with one finding."""
    template = next(one for one in VERDICT.findings if one.rule == "blocked-loop")
    place = Location(path="re port.py", absolute=path, line=line, function="load", text="requests.get(URL)")
    finding = replace(template, title="GET /report", location=place, also=(), severity=Severity.ERROR)
    return replace(VERDICT, findings=(replace(finding, **changes),))


def only(*verdicts: Verdict) -> tuple:
    """All issues of the sample and some verdicts."""
    return join(ANALYSIS, verdicts, "/srv")


def test_the_same_line_is_one_issue_known_both_ways():
    (issue,) = only(measured())
    assert issue.evidence is Evidence.BOTH
    assert issue.fingerprint == STATIC.fingerprint


def test_what_was_seen_makes_a_doubtful_call_certain():
    doubtful = replace(STATIC, severity=Severity.WARNING, confidence=Confidence.LOW)
    (issue,) = join(replace(ANALYSIS, findings=(doubtful,)), [measured()], "/srv")
    assert (issue.severity, issue.confidence) == (Severity.ERROR, Confidence.HIGH)


def test_another_line_is_an_issue_of_its_own_with_a_path_below_the_root():
    static, own = sorted(only(measured(line=30)), key=lambda one: one.evidence is Evidence.MEASURED)
    assert static.evidence is Evidence.STATIC
    assert (own.path, own.line, own.rule) == ("shop/re port.py", 30, "blocked-loop")


def test_a_block_whose_line_was_not_seen_belongs_to_what_source_shows_of_its_route():
    (issue,) = only(measured(location=None))
    assert issue.evidence is Evidence.BOTH


def test_a_block_whose_line_was_not_seen_stands_alone_where_source_shows_nothing():
    (issue,) = join(replace(ANALYSIS, findings=()), [measured(location=None)], "/srv")
    assert (issue.evidence, issue.path) == (Evidence.MEASURED, "")


def test_fingerprints_of_measured_issues_hold_no_line():
    def prints(line: int) -> set[str]:
        return {one.fingerprint for one in only(measured(line=line)) if one.evidence is Evidence.MEASURED}

    assert prints(30) == prints(31) != set()


def test_a_handler_lists_its_issues_and_what_the_run_says_of_its_route():
    verdict = measured()
    result = replace(verdict.handlers[0], route="GET /report")
    rows = checked_handlers(ANALYSIS, [replace(verdict, handlers=(result,))], only(verdict))
    assert [(one.title, one.issues, one.measured) for one in rows] == [
        ("GET /report", (STATIC.fingerprint,), result)
    ]


def test_a_doubtful_measurement_fails_nothing():
    (issue,) = join(replace(ANALYSIS, findings=()), [measured(severity=Severity.WARNING)], "/srv")
    assert not issue.fails
