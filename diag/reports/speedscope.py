"""What held the lanes, for https://www.speedscope.app: one profile a lane of a run, in its own file format.

Profiles are *evented*: frames open and close at the times at which they were seen to, so that its time order
shows when loops were blocked, and the sums of its other views are wall time. Time in which nothing was
blocked has no frames.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from diag import __version__
from diag.analysis.case import Case
from diag.analysis.stretches import Stretch, edges, stretches
from diag.recording import Frame, Lane, Recording
from diag.reports.exported import cases_of, lane_name, path_of, run_name, text

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def pieces(recording: Recording) -> Iterator[str]:
    """The file's text, piece by piece; the table of frames comes last, when all are known."""
    frames: dict[Frame, int] = {}
    title = text(f"diag: {recording.meta.target}")
    head = {"$schema": SCHEMA, "exporter": f"diag {__version__}", "name": title}
    yield json.dumps(head)[:-1] + ', "profiles": ['
    first = True
    code = None
    for case in cases_of(recording):
        code = case.code
        for lane, some in stretches(case):
            if some:
                yield "\n" if first else ",\n"
                yield from _profile(recording, case, lane, some, frames)
                first = False
    if first:  # speedscope takes no file without a profile
        yield json.dumps(_empty())
    table = [
        {"name": text(frame.function)}
        | ({"file": path_of(frame, code), "line": frame.line} if frame.path and code else {})
        for frame in frames
    ]
    yield '\n], "shared": {"frames": ' + json.dumps(table) + "}}\n"


def _profile(
    recording: Recording, case: Case, lane: Lane, some: Iterable[Stretch], frames: dict[Frame, int]
) -> Iterator[str]:
    known = tuple(some)
    origin = min(case.run.started_ns, known[0].start_ns)
    end = max(case.timeline.window[1], known[-1].end_ns)
    head = {
        "type": "evented",
        "name": f"{run_name(case.run, recording)}: {lane_name(lane)}",
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": end - origin,
    }
    yield json.dumps(head)[:-1] + ', "events": ['
    separator = ""
    for edge in edges(known):
        index = frames.setdefault(edge.frame, len(frames))
        kind = "O" if edge.opens else "C"
        yield f'{separator}{{"type":"{kind}","frame":{index},"at":{edge.at_ns - origin}}}'
        separator = ","
    yield "]}"


def _empty() -> dict[str, object]:
    return {
        "type": "evented",
        "name": "nothing was blocked",
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": 0,
        "events": [],
    }
