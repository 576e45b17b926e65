"""The bottom of a page: command, versions, machine, limits, seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from diag import __version__, units
from diag.recording import Meta, Run
from diag.reports.html.model import Foot
from diag.reports.html.withheld import command
from diag.reports.html.words import short


def foot(meta: Meta, runs: Sequence[Run], *, recording: str, blind: Iterable[str]) -> Foot:
    """Where a page comes from.

    Args:
        meta: of the recording.
        runs: that it holds.
        recording: its path, "" if it was not kept.
        blind: sentences on what cannot be seen.
    """
    machine = meta.machine
    facts = [
        ("Command", command(meta.argv)),
        ("Target", meta.target),
        ("Recorded", meta.created_utc.replace("T", " ").replace("+00:00", " UTC")),
        ("Python", f"{machine.implementation} {machine.python}"),
        (
            "Machine",
            f"{units.plural(machine.cores, 'core')}, {units.size(machine.memory_bytes)}, {machine.platform}",
        ),
        ("Threshold", units.duration(meta.threshold_ns)),
        ("Limits", _limits(runs)),
        ("Seed", str(meta.seed)),
        ("Runs", _runs(runs)),
        ("diag", f"{__version__}; recorded by {meta.diag_version}, schema {meta.schema_version}"),
        ("Recording", recording or "not kept"),
    ]
    if not meta.finished:
        facts.append(("Note", "The recording was broken off: what had been written by then is shown."))
    return Foot(facts=tuple((title, short(text)) for title, text in facts if text), blind=tuple(blind))


def _limits(runs: Sequence[Run]) -> str:
    """What each run was limited to; how much of it was used differs from run to run."""
    found = [units.limits([replace(one, peak_bytes=0) for one in run.limits]) for run in runs]
    return "; ".join(dict.fromkeys(text for text in found if text)) or "none"


def _runs(runs: Sequence[Run]) -> str:
    labels = list(dict.fromkeys(run.cell.label for run in runs))
    shown = ", ".join(labels[:8]) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")
    return f"{len(runs)} ({shown})" if runs else "none"
