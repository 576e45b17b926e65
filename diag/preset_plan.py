"""The cells of a published comparison, as they can be run on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from diag.comparing import CompareOptions
from diag.errors import UsageError
from diag.frameworks.inspect import inspect_target
from diag.inspection import Inspection
from diag.matrix import Combination, combinations
from diag.matrix_plan import START_AND_STOP_NS, Candidate, plan_of
from diag.plan import ServePlan, ServerOptions
from diag.presets import PresetCell, get_preset
from diag.progress import Progress
from diag.servers import get_server
from diag.targets import WorkloadTarget, parse_target
from diag.units import memory

_HERE = Path(__file__).parent
_IMPORT_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetCandidate:
    """One cell of a preset, and what it is on this machine.

    Attributes:
        cell: as the preset has it.
        candidate: as the matrix has it, with the reason if it cannot be measured here.
    """

    cell: PresetCell
    candidate: Candidate

    @property
    def expected_ns(self) -> int:
        """How long a trial takes, about."""
        return self.cell.load.expected_ns + START_AND_STOP_NS


def preset_cells(options: CompareOptions, progress: Progress) -> tuple[PresetCandidate, ...]:
    """Every cell of the preset that is asked for, those that cannot be measured here with the reason.

    Raises:
        DiagError: a workload that it serves cannot be imported.
    """
    return tuple(_candidates(get_preset(options.preset).cells(options.scale), progress))


def _candidates(cells: Sequence[PresetCell], progress: Progress) -> Iterator[PresetCandidate]:
    inspected: dict[str, tuple[WorkloadTarget, Inspection, dict[tuple[str, ...], Combination]]] = {}
    for cell in cells:
        text = f"{cell.file}:{cell.function}"
        if text not in inspected:
            progress.stage(f"importing {cell.file}")
            target = parse_target(text, cwd=_folder(cell.file))
            assert isinstance(target, WorkloadTarget)
            inspection = inspect_target(target, timeout_s=_IMPORT_TIMEOUT_S)
            inspected[text] = target, inspection, {
                (one.framework, one.server, one.loop, one.strategy): one
                for one in combinations(inspection.workloads[0])
            }  # fmt: skip
        target, inspection, found = inspected[text]
        tried = [
            Candidate(
                target=target,
                inspection=inspection,
                workload=inspection.workloads[0],
                framework=cell.framework,
                server=cell.server,
                loop=loop,
                strategy=cell.strategy,
                reason=found[cell.framework, cell.server, loop, cell.strategy].reason
                or _unavailable(cell, loop),
            )
            for loop in cell.loops or ("",)
        ]
        yield PresetCandidate(cell=cell, candidate=next((o for o in tried if not o.reason), tried[-1]))


def _unavailable(cell: PresetCell, loop: str) -> str:
    asked = ServerOptions(
        server=cell.server, loop=loop or "asyncio", workers=cell.workers, threads=cell.threads
    )
    return get_server(cell.server).unavailable(asked) or ""


def _folder(file: str) -> Path:
    """What a shipped file's name is relative to: a checkout's top, where diag runs from one.

    Never the current folder, which may have a file of that name that is another.
    """
    return _HERE.parent if (_HERE.parent / file).exists() else _HERE


def choose_of_preset(
    every: Sequence[PresetCandidate], options: CompareOptions
) -> tuple[PresetCandidate, ...]:
    """Those that can be measured here, and that a selection fits if there is one.

    Raises:
        UsageError: there is none, or they need more memory than is free.
    """
    wanted = [
        one
        for one in every
        if not options.select or any(selection.fits(one.candidate.values) for selection in options.select)
    ]
    chosen = tuple(one for one in wanted if not one.candidate.reason)
    if not chosen:
        reasons = list(dict.fromkeys(one.candidate.reason for one in wanted))
        raise UsageError(
            f"No cell of the preset {options.preset} can be measured",
            cause=f"{'; '.join(reasons)}." if reasons else "No cell has the names that --select gives.",
            next_step=f"See its cells: diag compare --preset {options.preset} --list",
            slug="no-cell",
        )
    needed, free = max(one.cell.needs_bytes for one in chosen), psutil.virtual_memory().available
    if needed > free:
        fits = options.scale * (free / needed) ** 0.5 * 0.9  # the need grows with the square of the scale
        raise UsageError(
            f"The preset {options.preset} needs about {memory(needed)} of memory; {memory(free)} are free",
            cause="With less, the machine would swap, or the kernel would kill somebody.",
            next_step=f"Try: diag compare --preset {options.preset} --scale {max(0.01, fits):.2g}",
            slug="not-enough-memory",
        )
    return chosen


def plan_of_preset(one: PresetCandidate, options: CompareOptions) -> ServePlan:
    """The plan of a cell's first trial."""
    cell, load = one.cell, one.cell.load
    base = replace(
        options.base,
        users=load.users,
        workers=cell.workers,
        threads=cell.threads,
        params=cell.params,
        timeout_ns=load.timeout_ns,
        cpus=cell.cpus,
        memory_bytes=cell.memory_bytes,
    )
    of_cell = replace(
        options,
        base=base,
        total=load.total,
        duration_ns=load.duration_ns,
        keep_alive=load.keep_alive,
        http=load.http,
    )
    plan = plan_of(one.candidate, of_cell)
    # Those who published a number of requests warmed nothing up: what comes first is in their figures.
    warm_up = 0 if load.total else plan.shape.warm_up_ns
    return replace(
        plan,
        cell=replace(plan.cell, label=cell.key),
        server=replace(plan.server, extra=cell.arguments),
        cwd=Path(os.path.dirname(one.candidate.target.place.file)),
        shape=replace(plan.shape, warm_up_ns=warm_up, surveyed=load.surveyed),
    )
