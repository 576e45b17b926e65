"""A verdict for programs: everything that the terminal says, under stable keys.

Keys are the names of the values in `diag.finding`; `docs/reference/json.md` lists them. Durations are
nanoseconds. The text is ASCII, so that nothing from the target can do harm where it is printed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from diag import __version__
from diag.change import Change
from diag.comparison import Comparison
from diag.finding import Severity, Verdict
from diag.remedy import Tried

# Raised when a key changes its meaning or goes; new keys may come at any time.
FORMAT = 1


def to_json(verdict: Verdict, tried: Sequence[Tried] = ()) -> str:
    """The verdict as one JSON object, indented, without a line end after it.

    Args:
        verdict: to be told.
        tried: what was tried against its culprits; changed files are given by their diffs.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "diag_version": __version__,
        "exit_code": verdict.exit_code,
    }
    document |= msgspec.to_builtins(verdict)
    for finding in document["findings"]:
        _named(finding)
    for cell in document["cells"]:
        cell["throughput"] = _finite(cell["throughput"])
        cell["blocked_share"] = _finite(cell["blocked_share"])
    share = document["quality"]["run_queue_share"]
    document["quality"]["run_queue_share"] = None if share is None else _finite(share)
    document["tried"] = [_all_finite(msgspec.to_builtins(_without_texts(one))) for one in tried]
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)


def _without_texts(one: Tried) -> Tried:
    results = tuple(replace(result, remedy=replace(result.remedy, edits=())) for result in one.results)
    return replace(one, results=results)


def comparison_to_json(comparison: Comparison) -> str:
    """A comparison as one JSON object, indented, without a line end after it; what is infinite is null."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "diag_version": __version__,
        "exit_code": comparison.exit_code,
    }
    document |= msgspec.to_builtins(comparison)
    return json.dumps(_all_finite(document), indent=2, ensure_ascii=True, allow_nan=False)


def change_to_json(change: Change) -> str:
    """What became of two recordings as one JSON object, indented, without a line end after it."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "diag_version": __version__,
        "exit_code": change.exit_code,
    }
    document |= msgspec.to_builtins(change)
    for one in document["findings"]:
        for finding in (one["before"], one["after"]):
            if finding is not None:
                _named(finding)
    return json.dumps(_all_finite(document), indent=2, ensure_ascii=True, allow_nan=False)


def _named(finding: dict[str, Any]) -> None:
    """Numbers and pairs of a finding under names."""
    finding["severity"] = Severity(finding["severity"]).name.lower()
    finding["also"] = [{"location": place, "percent": share} for place, share in finding["also"]]


def _all_finite(value: Any) -> Any:
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, dict):
        return {key: _all_finite(item) for key, item in value.items()}
    return [_all_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
