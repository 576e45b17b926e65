"""A check for programs: all that the terminal says, and the handlers that are clean, under stable keys.

Keys are the names of the values in `diag.checking.result`. Durations are nanoseconds. The text is ASCII.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from diag import __version__
from diag.checking.result import CheckResult, Issue
from diag.finding import Severity
from diag.reports.json import FORMAT


def check_to_json(result: CheckResult) -> str:
    """The check as one JSON object, indented, without a line end after it."""
    analysis = result.analysis
    document: dict[str, Any] = {
        "format": FORMAT,
        "diag_version": __version__,
        "exit_code": result.exit_code,
        "status": result.status.value,
        "reason": result.reason,
        "targets": result.targets,
        "root": result.root,
        "scope": result.scope,
        "baseline": result.baseline,
        "issues": [_issue(one) for one in result.issues],
        "known": [_issue(one) for one in result.known],
        "allowed": [_builtins(one) for one in analysis.allowed],
        "counts": {
            "fixed": result.fixed,
            "left_out": result.left_out,
            "untouched": result.untouched,
            "files": analysis.files,
            "lines": analysis.lines,
        },
        "handlers": [_builtins(one) for one in result.handlers],
        "budgets": [{**_builtins(one), "met": one.met} for one in result.budgets],
        "problems": [_builtins(one) for one in result.problems],
        "packages": {
            "analysed": analysis.packages,
            "summarised": analysis.summarised,
            "unknown": analysis.unknown,
        },
        "recordings": [verdict.recording for verdict in result.verdicts if verdict.recording],
    }
    return json.dumps(_finite(document), indent=2, ensure_ascii=True, allow_nan=False)


def _issue(issue: Issue) -> dict[str, Any]:
    found = {"evidence": issue.evidence.value, **_builtins(issue)}
    measured = found["measured"]
    if measured is not None:
        measured["also"] = [{"location": place, "percent": share} for place, share in measured["also"]]
    return _named(found)


def _builtins(value: object) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(value)
    return _named(found)


def _named(found: dict[str, Any]) -> dict[str, Any]:
    """Severities by their names, wherever they are."""
    for key, value in found.items():
        if key == "severity" and isinstance(value, int):
            found[key] = Severity(value).name.lower()
        elif isinstance(value, dict):
            _named(value)
    return found


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
