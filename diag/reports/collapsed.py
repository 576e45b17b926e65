"""What held the lanes as collapsed stacks: a line for each, ``outer;inner 123``, weights in nanoseconds.

This is what flamegraph.pl, inferno, speedscope and others read. A weight is wall time for which the stack
held its lane: a duration, not a number of samples. The outermost frame is the run, the next one the route.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from diag.analysis.stretches import stretches
from diag.recording import Frame, Recording
from diag.reports.exported import cases_of, frame_name, run_name, text


def pieces(recording: Recording) -> Iterator[str]:
    """The file's lines, each stack of each run once, in the order of their text."""
    names: dict[Frame, str] = {}
    for case in cases_of(recording):
        weights: Counter[tuple[str, ...]] = Counter()
        root = _plain(run_name(case.run, recording))
        for _, some in stretches(case):
            for one in some:
                for frame in one.frames:
                    if frame not in names:
                        names[frame] = _plain(frame_name(frame, case.code))
                scope = _plain(text(one.scope) or "(no request)")
                weights[root, scope, *(names[frame] for frame in one.frames)] += one.duration_ns
        for stack, weight in sorted(weights.items()):
            yield f"{';'.join(stack)} {weight}\n"


def _plain(name: str) -> str:
    """A name without the signs that the format uses: a semicolon would make two frames of it."""
    return name.replace(";", ",")
