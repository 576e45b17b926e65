"""Whether a verdict equals the ground truth that the workload states."""

from __future__ import annotations

import json
import os.path
from collections.abc import Sequence

from diag.analysis.causes import main_cause
from diag.finding import Cause, ExpectationResult, Finding, Severity

CONVOY = "convoy"
GIL_CONTENTION = "gil-contention"


def compare(text: str, findings: Sequence[Finding]) -> ExpectationResult | None:
    """Compare findings with an expectation.

    Everything that holds the loop counts: errors, convoys, and waiting for the GIL where that is expected.

    Args:
        text: the expectation as JSON, "" if there is none.
        findings: of the primary cell.

    Returns:
        None if there is no expectation, or none that can be read.
    """
    try:
        expected = json.loads(text) if text else None
    except ValueError:
        return None
    if not isinstance(expected, dict):
        return None
    blocks = expected.get("kind") == "blocks"
    gil = blocks and expected.get("cause") == Cause.GIL_WAIT.value
    relevant = [
        found
        for found in findings
        if found.severity is Severity.ERROR or found.rule == CONVOY or (gil and found.rule == GIL_CONTENTION)
    ]
    said = "; ".join(map(_words, relevant)) or "nothing"
    if not blocks:
        return ExpectationResult(met=not relevant, expected="nothing", found=said)
    return ExpectationResult(
        met=len(relevant) == 1 and _fits(expected, relevant[0]),
        expected=_expected_words(expected),
        found=said,
    )


def _fits(expected: dict[str, object], found: Finding) -> bool:
    place = found.location
    main = main_cause(found.causes)
    return (
        place is not None
        and main is not None
        and place.line == expected.get("line")
        and _same_file(place.absolute, str(expected.get("path", "")))
        and main.value == expected.get("cause")
        and (found.rule == CONVOY) is bool(expected.get(CONVOY, False))
    )


def _same_file(absolute: str, path: str) -> bool:
    """The same path, or the same end of it where the expectation gives a relative one."""
    if os.path.isabs(path):
        return os.path.normpath(absolute) == os.path.normpath(path)
    return ("/" + os.path.normpath(absolute)).endswith("/" + os.path.normpath(path))


def _expected_words(expected: dict[str, object]) -> str:
    kind = CONVOY if expected.get(CONVOY) else "block"
    cause = str(expected.get("cause", ""))
    words = next((one.words for one in Cause if one.value == cause), cause)
    file = os.path.basename(str(expected.get("path", "")))
    return f"{kind} at {file}:{expected.get('line')}, {words}"


def _words(found: Finding) -> str:
    kind = found.rule if found.rule in (CONVOY, GIL_CONTENTION) else "block"
    place = found.location
    where = f"{os.path.basename(place.path)}:{place.line}" if place else f"a line not seen ({found.title})"
    main = main_cause(found.causes)
    return f"{kind} at {where}, {main.words if main else 'cause unknown'}"
