"""Published comparisons that can be run again: one file each, and what judges them.

    preset = get_preset("apachebench")
    ...                                   # its cells are run, into one recording
    comparison = compare_recording(recording)

Nothing here measures anything: a preset says what is to be run, and judges a recording of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace

from diag.analysis.comparison import Group, Name, compare, compare_groups, estimate_of, groups_of
from diag.analysis.trials import Trial
from diag.comparison import By, ClaimVerdict, Comparison, PublishedFigure
from diag.presets.apachebench import ApacheBench
from diag.presets.blocking_sleep import BlockingSleep
from diag.presets.evidence import Evidence
from diag.presets.h2load_container import H2loadContainer
from diag.presets.numpy_gather import NumpyGather
from diag.presets.words import Figure, Preset, PresetCell
from diag.recording import Recording

__all__ = [
    "PRESETS",
    "Preset",
    "PresetCell",
    "compare_recording",
    "evidence_of",
    "get_preset",
    "judge_claims",
    "to_meta",
]

PRESETS: tuple[Preset, ...] = (ApacheBench(), BlockingSleep(), NumpyGather(), H2loadContainer())


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        KeyError: there is none; its argument lists the names there are.
    """
    for preset in PRESETS:
        if preset.name == name:
            return preset
    raise KeyError(f"{name!r} is not one of {', '.join(p.name for p in PRESETS)}")


def to_meta(name: str, scale: float) -> str:
    """What `diag.recording.Meta.preset` holds."""
    return json.dumps({"name": name, "scale": scale})


def compare_recording(recording: Recording, by: By | None = None) -> Comparison:
    """Compare the cells of a recording; a preset's figures are put beside those published, its claims judged.

    Args:
        recording: of interleaved trials.
        by: what to rank by, None lets the load decide.
    """
    if not recording.meta.preset:
        return compare(recording, by)
    try:
        preset, scale = _preset_of(recording.meta.preset)
    except (LookupError, TypeError, ValueError):
        plain = compare(recording, by)
        note = f"This diag does not know the preset {recording.meta.preset}: its claims are not judged."
        return replace(plain, notes=(*plain.notes, note))
    return _compare_preset(recording, by, preset, scale)


def _preset_of(stored: str) -> tuple[Preset, float]:
    values = json.loads(stored)
    preset, scale = get_preset(str(values["name"])), float(values["scale"])
    if not math.isfinite(scale) or scale <= 0:
        raise ValueError(f"a preset cannot have the scale {scale}")
    return preset, scale


def _compare_preset(recording: Recording, by: By | None, preset: Preset, scale: float) -> Comparison:
    cells = preset.cells(scale)
    groups = groups_of(recording, {cell.key: Name(title=cell.contest, label=cell.label) for cell in cells})
    evidence = evidence_of(recording, groups, scale)
    return replace(
        compare_groups(recording, groups, by),
        targets=(f"--preset {preset.name}{'' if scale == 1 else f' --scale {scale:g}'}",),
        preset=preset.name,
        scale=scale,
        published=tuple(
            _beside(preset, cell, figure, value, evidence)
            for cell in cells
            for figure, value in cell.published
        ),
        claims=judge_claims(preset, evidence),
    )


def evidence_of(recording: Recording, groups: Sequence[Group], scale: float) -> Evidence:
    """What a preset's claims are judged by."""
    return Evidence(
        cells={one.cell.label: one for group in groups for one in group.cells},
        scale=scale,
        cores=recording.meta.machine.cores,
        seed=recording.meta.seed,
    )


def judge_claims(preset: Preset, evidence: Evidence) -> tuple[ClaimVerdict, ...]:
    """The claims of a preset, each held to its part of the error rate of all of them."""
    return tuple(preset.claims(replace(evidence, family=len(preset.claims(evidence)))))


def _beside(
    preset: Preset, cell: PresetCell, figure: Figure, published: float, evidence: Evidence
) -> PublishedFigure:
    trials = evidence.trials(cell.key)

    def value(trial: Trial) -> float:
        return {
            Figure.THROUGHPUT: trial.throughput,
            Figure.CLIENT_RATE: trial.throughput / cell.load.users,
            Figure.LATENCY: trial.p50,
            Figure.MEAN: trial.totals.mean_ns,
        }[figure]

    return PublishedFigure(
        contest=cell.contest,
        cell=cell.label,
        figure=figure.value,
        durations=figure.durations,
        published=published,
        measured=estimate_of([value(one) for one in trials], evidence.seed) if trials else None,
        generator_share=estimate_of([one.generator for one in trials], evidence.seed) if trials else None,
        remark=preset.remark(evidence.scale),
    )
