"""What the exports to other projects' viewers share: the names of runs, lanes and frames."""

from __future__ import annotations

import re

from diag.analysis.case import Case, examine
from diag.analysis.source import Code, Line
from diag.recording import Frame, Lane, LaneKind, Recording, Run
from diag.reports.text import clean, cut

# Of an installed package's file the part that names the package, of the standard library's the module.
_INSTALLED = re.compile(r"^.*/(?:site-packages|dist-packages|lib/python\d[^/]*)/")
_LONGEST_NAME = 200


def cases_of(recording: Recording) -> tuple[Case, ...]:
    """Every run of a recording, analysed, those that failed included."""
    code = Code.of(recording)
    return tuple(examine(recording, run, code) for run in recording.runs)


def run_name(run: Run, recording: Recording) -> str:
    """What tells a run from the others of its recording: its strategy, or its cell, and its trial."""
    cell = run.cell
    name = cell.label if recording.meta.target_kind == "comparison" else cell.strategy or cell.label
    several = any(one is not run and one.cell == cell for one in recording.runs)
    return text(f"{name}, trial {run.trial}" if several else name)


def lane_name(lane: Lane) -> str:
    """What a lane is, and which."""
    kind = "worker" if lane.kind is LaneKind.WORKER_THREAD else f"{lane.kind.value} loop"
    return f"{kind}, thread {lane.tid} of process {lane.pid}"


def path_of(frame: Frame, code: Code) -> str:
    """A frame's file, short: below the target's root, or from its package on."""
    place = code.location(Line(frame.path, frame.line, frame.function)).path
    return text(_INSTALLED.sub("", place))


def frame_name(frame: Frame, code: Code) -> str:
    """A frame in one text: ``report (shop/report.py:88)``."""
    name = text(frame.function)
    return f"{name} ({path_of(frame, code)}:{frame.line})" if frame.path else name


def text(anything: str) -> str:
    """A text of the target's, harmless and of a bearable length."""
    return cut(clean(anything), _LONGEST_NAME)
