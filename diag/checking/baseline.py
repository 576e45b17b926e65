"""The baseline: issues that were there before, so that only new ones fail. A JSON file to be committed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from diag.checking.result import Issue
from diag.errors import UsageError

FORMAT = 1


def read_baseline(path: Path) -> frozenset[str]:
    """The fingerprints that a baseline holds.

    Raises:
        UsageError: it is not there, or is no baseline.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"The baseline {path} cannot be read: {error.strerror}",
            cause="It is written once, committed, and compared with from then on.",
            next_step=f"Write it: diag check ... --write-baseline {path}",
            slug="no-baseline",
        ) from error
    except ValueError as error:
        raise _not_a_baseline(path) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _not_a_baseline(path)
    issues = document.get("issues")
    if not isinstance(issues, list) or not all(
        isinstance(one, dict) and "fingerprint" in one for one in issues
    ):
        raise _not_a_baseline(path)
    return frozenset(str(one["fingerprint"]) for one in issues)


def _not_a_baseline(path: Path) -> UsageError:
    return UsageError(
        f"{path} is no baseline of this version of diag",
        cause="It was written by something else, or edited by hand.",
        next_step=f"Write it anew: diag check ... --write-baseline {path}",
        slug="no-baseline",
    )


def write_baseline(path: Path, issues: Iterable[Issue]) -> None:
    """Write the baseline; equal issues give an equal file, without line numbers, so that it seldom changes.

    Raises:
        UsageError: it cannot be written.
    """
    entries = sorted(
        {
            (one.path, one.function, one.rule, one.text, one.fingerprint): {
                "fingerprint": one.fingerprint,
                "rule": one.rule,
                "path": one.path,
                "function": one.function,
                "text": one.text,
            }
            for one in issues
        }.items()
    )
    document = {"format": FORMAT, "issues": [entry for _, entry in entries]}
    try:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"The baseline {path} cannot be written: {error.strerror}",
            cause="The folder is not there, or may not be written to.",
            next_step="Name another file.",
            slug="baseline-unwritable",
        ) from error
