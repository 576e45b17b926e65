"""What went wrong with a cell's server, and what its limits came to, over all its trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from diag.recording import SERVER_SETTING, Incident, IncidentKind, Limit, LimitedResource, Recording, Run
from diag.units import plural


def incidents_of(runs: Sequence[Run]) -> tuple[str, ...]:
    """A sentence for each kind of incident: the first of its kind, and in how many trials there was one."""
    first: dict[IncidentKind, Incident] = {}
    trials: dict[IncidentKind, int] = {}
    for run in runs:
        for incident in run.incidents:
            first.setdefault(incident.kind, incident)
        for kind in {incident.kind for incident in run.incidents}:
            trials[kind] = trials.get(kind, 0) + 1
    return tuple(
        f"{incident.text} (In {trials[kind]} of {plural(len(runs), 'trial')}.)"
        if len(runs) > 1
        else incident.text
        for kind, incident in first.items()
    )


def limits_of(runs: Sequence[Run]) -> tuple[Limit, ...]:
    """What was in force: the highest peak, and all that was killed or held back."""
    merged: dict[LimitedResource, Limit] = {}
    for limit in (one for run in runs for one in run.limits):
        known = merged.get(limit.resource)
        merged[limit.resource] = limit if known is None else _added(known, limit)
    return tuple(merged.values())


def _added(first: Limit, second: Limit) -> Limit:
    return replace(
        first,
        cannot=first.cannot or second.cannot,
        peak_bytes=max(first.peak_bytes, second.peak_bytes),
        killed=first.killed + second.killed,
        held_back_ns=first.held_back_ns + second.held_back_ns,
    )


def cores_of(limits: Sequence[Limit], machine_cores: int) -> float:
    """How many cores the target could use."""
    limited = (one.amount / 1_000 for one in limits if one.resource is LimitedResource.CPU)
    return min((float(machine_cores), *limited))


def notes_of(recording: Recording) -> tuple[str, ...]:
    """What was measured less well, each once."""
    found = [one.text for run in recording.runs for one in run.degradations if one.slug != SERVER_SETTING]
    found += [one.cannot for run in recording.runs for one in run.limits if one.cannot]
    return tuple(dict.fromkeys(found))


def settings_of(recording: Recording) -> tuple[str, ...]:
    """How servers are set up otherwise than their users would expect, by server, each once."""
    found: dict[str, None] = {}
    for run in recording.runs:
        for one in run.degradations:
            if one.slug == SERVER_SETTING:
                found[f"{run.cell.server}: {one.text}"] = None
    return tuple(found)
