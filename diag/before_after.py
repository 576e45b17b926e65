"""The library's sentence on two recordings: whether a change made it better."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from diag.analysis.changes import compare
from diag.analysis.comparability import Judged
from diag.change import Change
from diag.rules import judge
from diag.store import read_recording


def change_between(before: Path, after: Path) -> Change:
    """Say what a change did, of a recording from before it and one from after it.

    Args:
        before: the recording of the code as it was.
        after: the recording of the code as it is.

    Raises:
        DiagError: one of them cannot be read.
    """
    recordings = [read_recording(path) for path in (before, after)]
    largest = max(one.meta.threshold_ns for one in recordings)
    halves = []
    for path, one in zip((before, after), recordings, strict=True):
        verdict = judge(dataclasses.replace(one, meta=dataclasses.replace(one.meta, threshold_ns=largest)))
        halves.append(Judged(recording=one, verdict=dataclasses.replace(verdict, recording=str(path))))
    return compare(*halves)
