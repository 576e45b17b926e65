"""A check in Code Climate's format, which GitLab shows in merge requests.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import json
from typing import Any

from diag.checking.joining import what_was_seen
from diag.checking.result import CheckResult, Issue
from diag.finding import Severity

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}
_MEASURED = "critical"
"""What was seen to happen is worse than what may."""


def to_codeclimate(result: CheckResult) -> str:
    """New and known issues as one JSON list, ASCII; GitLab itself compares the lists of two branches."""
    return json.dumps([_issue(one) for one in (*result.issues, *result.known)], indent=1, ensure_ascii=True)


def _issue(issue: Issue) -> dict[str, Any]:
    measured = issue.measured is not None and issue.measured.severity is Severity.ERROR
    return {
        "type": "issue",
        "check_name": issue.rule,
        "description": f"{issue.message}.",
        "content": {"body": "\n\n".join(_body(issue))},
        "categories": ["Performance"],
        "severity": _MEASURED if measured else _SEVERITIES[issue.severity],
        "fingerprint": issue.fingerprint,
        "location": {
            "path": issue.path or "unknown",
            "lines": {"begin": max(1, issue.line), "end": max(1, issue.line, issue.end_line)},
        },
    }


def _body(issue: Issue) -> list[str]:
    parts = [text for text in (issue.why, issue.advice) if text]
    if issue.static is not None:
        parts += [f"{hop.path}:{hop.line} {hop.function} calls {hop.call}" for hop in issue.static.hops]
    if issue.measured is not None:
        parts.append(f"measured: {what_was_seen(issue.measured)}")
    return parts
