"""A check as JUnit XML: a test case for each function on the loop, failed by the issues in it."""

from __future__ import annotations

import re
from collections import defaultdict
from xml.sax.saxutils import escape, quoteattr

from diag.checking.joining import what_was_seen
from diag.checking.result import CheckedHandler, CheckResult, Issue
from diag.finding import Status

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for (https://www.w3.org/TR/xml/#charsets), not even escaped."""


def to_junit(result: CheckResult) -> str:
    """The check as an XML document, without a line end after it."""
    issues: dict[str, list[Issue]] = defaultdict(list)
    fingerprints = {one.fingerprint: one for one in result.issues}
    cases = []
    for handler in result.handlers:
        mine = [fingerprints.pop(one) for one in handler.issues if one in fingerprints]
        cases.append(_case(handler, mine))
    for issue in fingerprints.values():  # in functions that no handler's line names
        issues[issue.handler].append(issue)
    cases += [_case(CheckedHandler(title=title, path=some[0].path), some) for title, some in issues.items()]
    if result.status is Status.UNMEASURED:
        cases.append(_error(result.reason))
    cases += [
        _budget(one.name, one.met, f"{one.found_ns} ns of {one.limit_ns} ns: {one.where}")
        for one in result.budgets
    ]
    failures = sum("<failure" in case for case in cases)
    errors = sum("<error" in case for case in cases)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="{errors}"'
    body = "\n".join(cases)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<testsuites name="diag check" {counts}>\n'
        f" <testsuite name={_attribute('diag check ' + ' '.join(result.targets))} {counts}"
        f' skipped="0" time="0">\n{body}\n </testsuite>\n</testsuites>'
    )


def _case(handler: CheckedHandler, issues: list[Issue]) -> str:
    name, place = _attribute(handler.title), _attribute(handler.path or "measured")
    lines = f' file={place} line="{handler.line}"' if handler.line else ""
    head = f'  <testcase name={name} classname={place}{lines} time="0"'
    failing = [one for one in issues if one.fails]
    if not failing:
        measured = handler.measured
        if measured is not None and measured.status is Status.UNMEASURED:
            return f"{head}>\n   <skipped message={_attribute(measured.reason)}/>\n  </testcase>"
        return f"{head}/>"
    # One failure a test case is all that most readers understand.
    message = failing[0].message + (f" (and {len(failing) - 1} more)" if len(failing) > 1 else "")
    text = "\n\n".join(map(_told, failing))
    return (
        f"{head}>\n   <failure type={_attribute(failing[0].rule)} message={_attribute(message)}>"
        f"{escape(_clean(text))}</failure>\n  </testcase>"
    )


def _told(issue: Issue) -> str:
    lines = [f"{issue.path}:{issue.line}: {issue.message}", f"    {issue.text.strip()}"]
    if issue.static is not None:
        lines += [f"  {hop.path}:{hop.line}: {hop.function} calls {hop.call}" for hop in issue.static.hops]
    if issue.measured is not None:
        lines.append(f"measured: {what_was_seen(issue.measured)}")
    lines += [f"{label}: {text}" for label, text in (("why", issue.why), ("fix", issue.advice)) if text]
    return "\n".join(lines)


def _error(reason: str) -> str:
    return (
        '  <testcase name="something could be told" classname="diag" time="0">\n'
        f'   <error type="could-not-tell" message={_attribute(reason)}/>\n  </testcase>'
    )


def _budget(name: str, met: bool, text: str) -> str:
    head = f'  <testcase name={_attribute("budget " + name)} classname="diag" time="0"'
    return (
        f"{head}/>"
        if met
        else f'{head}>\n   <failure type="budget" message={_attribute(text)}/>\n  </testcase>'
    )


def _attribute(text: str) -> str:
    return quoteattr(_clean(text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
