"""Which cells a comparison is made of: the user's own, or a preset's; nothing here measures anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diag.errors import UsageError
from diag.frameworks.inspect import inspect_target
from diag.matrix_plan import Candidate, candidates, choose, estimate_ns, plan_of
from diag.preset_plan import PresetCandidate, choose_of_preset, plan_of_preset, preset_cells
from diag.progress import Progress, Silent
from diag.targets import AppTarget, Target, WorkloadTarget, parse_target
from diag.units import duration, plural

if TYPE_CHECKING:
    from diag.comparing import CompareOptions
    from diag.plan import ServePlan


def cells(options: CompareOptions, progress: Progress | None = None) -> tuple[Candidate, ...]:
    """Every cell of some targets, those that cannot be measured here with the reason.

    Raises:
        DiagError: a target cannot be read or imported, or is neither a workload file nor an app.
    """
    shown = progress or Silent()
    found: list[Candidate] = []
    for text in dict.fromkeys(options.targets):
        target = parse_target(text, factory=options.base.factory, cwd=options.base.cwd)
        if not isinstance(target, AppTarget | WorkloadTarget):
            raise UsageError(
                f"{text} cannot be compared",
                cause="A comparison serves workload files and apps; scripts and recordings are explained.",
                next_step=f"Try: diag explain {text}",
                slug="not-comparable",
            )
        shown.stage(f"importing {text}")
        inspection = inspect_target(target, timeout_s=min(options.base.timeout_ns / 1e9, 60.0))
        found += candidates(target, inspection, options)
    return tuple(found)


def preset_list(options: CompareOptions, progress: Progress | None = None) -> tuple[PresetCandidate, ...]:
    """Every cell of a preset, those that cannot be measured here with the reason."""
    return preset_cells(options, progress or Silent())


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineup:
    """What a comparison is made of: plans, how long a trial of each takes, about, and what is said before."""

    plans: tuple[ServePlan, ...]
    expected_ns: tuple[int, ...]
    targets: tuple[Target, ...]
    announcement: str


def lineup(options: CompareOptions, progress: Progress) -> Lineup:
    """The cells that are chosen, with their plans.

    Raises:
        DiagError: nothing can be measured, or the options do not fit.
    """
    return _of_preset(options, progress) if options.preset else _of_cells(options, progress)


def _of_cells(options: CompareOptions, progress: Progress) -> Lineup:
    chosen = choose(cells(options, progress), options)
    each = f"{options.total:,} requests" if options.total else duration(options.duration_ns)
    took = duration(estimate_ns(len(chosen), options))
    cells_, trials = plural(len(chosen), "cell"), plural(options.trials, "trial")
    return Lineup(
        plans=tuple(plan_of(one, options) for one in chosen),
        expected_ns=(estimate_ns(1, options) // options.trials,) * len(chosen),
        targets=tuple(one.target for one in chosen),
        announcement=f"{cells_}, {trials} of {each} each, interleaved: about {took}",
    )


def _of_preset(options: CompareOptions, progress: Progress) -> Lineup:
    every = preset_cells(options, progress)
    chosen = choose_of_preset(every, options)
    for one in every:
        if one.candidate.reason:
            progress.note(f"not measured: {one.cell.key}: {one.candidate.reason}")
    expected = tuple(one.expected_ns for one in chosen)
    cells_, trials = plural(len(chosen), "cell"), plural(options.trials, "trial")
    took = duration(options.trials * sum(expected))
    settings = "at the published settings" if options.scale == 1 else f"at scale {options.scale:g}"
    shorter = "" if options.scale < 1 else "; --scale 0.2 makes it shorter"
    return Lineup(
        plans=tuple(plan_of_preset(one, options) for one in chosen),
        expected_ns=expected,
        targets=tuple(one.candidate.target for one in chosen),
        announcement=f"{settings}, {cells_}, {trials} each, interleaved: about {took}{shorter}",
    )
