"""A check as SARIF 2.1.0, for code scanning on GitHub, GitLab, Azure DevOps and in editors.

The specification: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. Of its many ways to
say a thing those were taken that GitHub reads: rules with help, one location a result, code flows for the way
to what blocks, fingerprints, and suppressions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from diag import __version__
from diag.checking.joining import what_was_seen
from diag.checking.result import CheckResult, Issue
from diag.finding import Confidence, Severity
from diag.static.finding import Hop, Problem, StaticFinding

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "diag/v1"
_ROOT = "%SRCROOT%"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PRECISION = {Confidence.HIGH: "high", Confidence.MEDIUM: "medium", Confidence.LOW: "low"}

_ONE_AT_A_TIME = (
    "An event loop does one thing at a time. Meanwhile no other request on it is read, served or answered."
)
RULES = {
    "blocking-wait": (
        "A call that waits runs on the event loop",
        f"{_ONE_AT_A_TIME} Await its asynchronous counterpart, or hand it to a thread (asyncio.to_thread).",
    ),
    "blocking-compute": (
        "A long computation runs on the event loop",
        f"{_ONE_AT_A_TIME} Hand it to a process, or to a thread if it lets the GIL go.",
    ),
    "blocked-loop": ("The event loop was held", f"diag ran the handlers, and saw it. {_ONE_AT_A_TIME}"),
    "convoy": (
        "Many short steps held the event loop together",
        "diag ran the handlers, and saw many steps in one pass of the loop: together they are long.",
    ),
    "held-worker": (
        "A synchronous worker was held",
        "diag ran the handlers, and saw this line hold a worker while others waited for it.",
    ),
    "gil-contention": (
        "The event loop waited for the GIL",
        "diag ran the handlers, and saw the loop's thread wait while another thread held the GIL.",
    ),
}


def to_sarif(result: CheckResult) -> str:
    """The check as one SARIF log with one run, indented, ASCII, without a line end after it."""
    shown = [*result.issues, *result.known]
    used = [name for name in RULES if any(one.rule == name for one in shown)]
    used += sorted({one.rule.value for one in result.analysis.allowed} - set(used))
    compares = bool(result.baseline) and not result.written
    results = [_result(one, used, "new" if compares else "") for one in result.issues]
    results += [_result(one, used, "unchanged" if compares else "") for one in result.known]
    results += [_allowed(one, used) for one in result.analysis.allowed]
    run = {
        "tool": {
            "driver": {
                "name": "diag",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(name) for name in used],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(result)],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=True)


def _rule(name: str) -> dict[str, Any]:
    short, full = RULES[name]
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": short},
        "fullDescription": {"text": full},
        "help": {"text": full, "markdown": full},
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "tags": ["performance", "concurrency"],
            "precision": "high",
            "problem.severity": "error",
        },
    }


def _invocation(result: CheckResult) -> dict[str, Any]:
    found: dict[str, Any] = {
        "executionSuccessful": result.exit_code != 2,
        "exitCode": result.exit_code,
        "toolExecutionNotifications": [_notification(one) for one in result.problems],
    }
    if result.reason:
        found["exitCodeDescription"] = result.reason
        found["toolExecutionNotifications"].append({"level": "error", "message": {"text": result.reason}})
    return found


def _notification(problem: Problem) -> dict[str, Any]:
    found: dict[str, Any] = {
        "level": "warning",
        "message": {"text": problem.message or problem.slug},
        "descriptor": {"id": problem.slug},
    }
    if problem.path:
        found["locations"] = [{"physicalLocation": _file(problem.path) | _region(problem.line)}]
    return found


def _result(issue: Issue, rules: list[str], state: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": issue.rule,
        "ruleIndex": rules.index(issue.rule),
        "level": _LEVELS[issue.severity],
        "message": {"text": _message(issue)},
        "locations": [_location(issue)] if issue.path else [],
        "partialFingerprints": {FINGERPRINT: issue.fingerprint},
        "properties": {
            "evidence": issue.evidence.value,
            "confidence": issue.confidence.value,
            "precision": _PRECISION[issue.confidence],
            "handler": issue.handler,
        },
    }
    if issue.static is not None and len(issue.static.hops) > 1:
        found["codeFlows"] = [_flow(issue.static.hops)]
    if state:
        found["baselineState"] = state
    return found


def _message(issue: Issue) -> str:
    parts = [f"{issue.message}."]
    if issue.static is not None and issue.measured is not None:
        parts.append(f"Measured: it {what_was_seen(issue.measured)}.")
    parts += [f"{text[0].upper()}{text[1:].rstrip('.')}." for text in (issue.why, issue.advice) if text]
    return " ".join(parts)


def _location(issue: Issue) -> dict[str, Any]:
    region = _region(
        issue.line, issue.column, issue.end_line if issue.column else 0, issue.end_column, text=issue.text
    )
    found: dict[str, Any] = {"physicalLocation": _file(issue.path) | region}
    if issue.function:
        found["logicalLocations"] = [{"fullyQualifiedName": issue.function, "kind": "function"}]
    return found


def _allowed(static: StaticFinding, rules: list[str]) -> dict[str, Any]:
    """A call that a comment allows: there, and suppressed."""
    place = static.location
    region = _region(place.line, place.column, place.end_line, place.end_column, text=place.text)
    return {
        "ruleId": static.rule.value,
        "ruleIndex": rules.index(static.rule.value),
        "level": _LEVELS[static.severity],
        "message": {"text": f"{place.call} is allowed by a comment."},
        "locations": [{"physicalLocation": _file(place.path) | region}],
        "partialFingerprints": {FINGERPRINT: static.fingerprint},
        "suppressions": [{"kind": "inSource"}],
    }


def _flow(hops: Iterable[Hop]) -> dict[str, Any]:
    locations = [
        {
            "location": {
                "physicalLocation": _file(hop.path)
                | _region(hop.line, hop.column, hop.end_line, hop.end_column, text=hop.text),
                "message": {"text": f"{hop.function} calls {hop.call}"},
            },
            "nestingLevel": depth,
        }
        for depth, hop in enumerate(hops)
    ]
    return {"threadFlows": [{"locations": locations}]}


def _file(path: str) -> dict[str, Any]:
    """A relative path is relative to the repository; one outside of it is a file on this machine."""
    if path.startswith("/"):
        return {"artifactLocation": {"uri": f"file://{_quoted(path)}"}}
    return {"artifactLocation": {"uri": _quoted(path), "uriBaseId": _ROOT}}


def _quoted(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape"))


def _region(
    line: int, column: int = 0, end_line: int = 0, end_column: int = 0, *, text: str = ""
) -> dict[str, Any]:
    """A region; {} where no line is known. An end before the beginning is left out."""
    if line < 1:
        return {}
    region: dict[str, Any] = {"startLine": line}
    if column >= 1:
        region["startColumn"] = column
        if (end_line, end_column) > (line, column):
            region |= {"endLine": end_line, "endColumn": end_column}
    if text:
        region["snippet"] = {"text": text}
    return {"region": region}
