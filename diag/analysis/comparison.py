"""From a recording of interleaved trials to the answer: figures, differences, ranks, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from diag.analysis.answers import answer
from diag.analysis.labels import common_of, label_of, varying_of
from diag.analysis.paired import Ratio, holm_rates, ratio_of
from diag.analysis.source import Code
from diag.analysis.statistics import bootstrap_interval, median
from diag.analysis.trials import NOTABLE_SHARE, Trial, off, read_trial, reasons
from diag.analysis.trouble import cores_of, incidents_of, limits_of, notes_of, settings_of
from diag.comparison import By, CellFigures, Comparison, Contest, Difference, Estimate
from diag.recording import Cell, Limit, Recording, Run
from diag.units import limits, percent

FAR_OFF = 0.15
"""A trial this far from the median, and outside of twice the interval around it, makes a cell unstable."""

_VALUES: dict[By, Callable[[Trial], float]] = {
    By.THROUGHPUT: lambda trial: trial.throughput,
    By.P99: lambda trial: float(trial.p99),
    By.VICTIMS: lambda trial: float(trial.victim_p99),
    By.CPU: lambda trial: float(trial.cpu),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """A cell with its trials.

    Attributes:
        cell: that was executed.
        label: what tells it from the others of its contest.
        trials: those that gave figures.
        failures: why the others gave none.
        incidents: what its server did and should not have done.
        limits: on its processes.
    """

    cell: Cell
    label: str
    trials: tuple[Trial, ...]
    failures: tuple[str, ...]
    incidents: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()

    def values(self, by: By) -> dict[int, float]:
        """What it is ranked by, by number of trial."""
        return {trial.number: _VALUES[by](trial) for trial in self.trials}

    @property
    def bound(self) -> bool:
        """True if the load generator was the limit in most trials."""
        return 2 * sum(trial.bound for trial in self.trials) > len(self.trials)

    @property
    def bound_words(self) -> str:
        """How the load generator was the limit, in a clause."""
        used, waited = (
            median([getattr(trial, name) for trial in self.trials])
            for name in ("generator", "generator_waited")
        )
        beside = f" and waited for one {percent(waited)} of the time" if waited >= NOTABLE_SHARE else ""
        load = f"it used {percent(used)} of its core{beside}"
        return f"the load generator was the limit, not the server: {load}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Cells that do the same work.

    Attributes:
        title: the workload, or what the apps are asked.
        varying: dimensions in which they differ.
        cells: with their trials.
    """

    title: str
    varying: tuple[str, ...]
    cells: tuple[Measured, ...]


def compare(recording: Recording, by: By | None = None) -> Comparison:
    """Say which cells of a recording differ, which is best, and why.

    Args:
        recording: of interleaved trials, complete or not.
        by: what to rank by; None ranks closed loads by throughput, and open ones, whose throughput is
            given, by the 99th percentile of their latency.
    """
    return compare_groups(recording, groups_of(recording), by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """How somebody calls a cell: its group's title, and its label in it."""

    title: str
    label: str


def groups_of(recording: Recording, names: Mapping[str, Name] | None = None) -> tuple[Group, ...]:
    """The cells of a recording with their trials, those together that do the same work.

    Args:
        recording: of interleaved trials.
        names: by the label of the cells in the recording, in the order wanted, where somebody has named them;
            cells that are not among them are left out. None lets target, workload and dimensions decide.
    """
    code = Code.of(recording)
    runs: dict[Cell, list[Run]] = {}
    for run in recording.runs:
        runs.setdefault(run.cell, []).append(run)
    groups: dict[str, list[Cell]] = {}
    if names is None:
        for cell in runs:
            groups.setdefault(f"{cell.target} {cell.workload}" if cell.workload else "", []).append(cell)
    else:
        by_label = {cell.label: cell for cell in runs}
        for key, name in names.items():
            if key in by_label:
                groups.setdefault(name.title, []).append(by_label[key])

    def group(key: str, cells: Sequence[Cell]) -> Group:
        varying = varying_of(cells)
        labels = [names[cell.label].label if names else label_of(cell, varying) for cell in cells]
        return Group(
            title=key if names else cells[0].workload or "the same requests",
            varying=varying,
            cells=tuple(
                _measured(recording, code, cell, runs[cell], label)
                for cell, label in zip(cells, labels, strict=True)
            ),
        )

    return tuple(group(key, cells) for key, cells in groups.items())


def compare_groups(recording: Recording, groups: Sequence[Group], by: By | None = None) -> Comparison:
    """See `compare`, of cells that were read and grouped already."""
    machine = recording.meta.machine
    cells = [one.cell for group in groups for one in group.cells]
    return Comparison(
        targets=tuple(sorted({cell.target for cell in cells}, key=recording.meta.target.find)),
        contests=tuple(_contest(group, recording, by) for group in groups),
        trials=max((run.trial for run in recording.runs), default=0),
        duration_ns=max((run.ended_ns for run in recording.runs), default=0)
        - min((run.started_ns for run in recording.runs), default=0),
        seed=recording.meta.seed,
        python=f"{machine.implementation} {machine.python}",
        cores=machine.cores,
        finished=recording.meta.finished,
        notes=notes_of(recording),
        settings=settings_of(recording),
    )


# Figures --------------------------------------------------------------------------------------------------


def _measured(recording: Recording, code: Code, cell: Cell, runs: Sequence[Run], label: str) -> Measured:
    read = [read_trial(recording, run, code) for run in runs]
    return Measured(
        cell=cell,
        label=label,
        trials=tuple(one for one in read if isinstance(one, Trial)),
        failures=tuple(one for one in read if isinstance(one, str)),
        incidents=incidents_of(runs),
        limits=limits_of(runs),
    )


def _figures(one: Measured, seed: int, cores: int) -> CellFigures:
    cell = one.cell
    names = ("target", "framework", "server", "loop", "strategy", "workload", "workers", "threads", "load")
    figures = CellFigures(
        label=one.label,
        recorded_as=cell.label,
        trials=len(one.trials),
        failure=one.failures[0] if one.failures else "",
        incidents=one.incidents,
        limits=one.limits,
        **{name: getattr(cell, name) for name in names},
    )
    if not one.trials:
        return replace(figures, unranked=figures.failure or "it was not measured")
    middle = _middle(one.trials)

    def estimate(value: Callable[[Trial], float]) -> Estimate:
        return estimate_of([value(trial) for trial in one.trials], seed)

    def known(value: Callable[[Trial], float]) -> Estimate | None:
        return estimate(value) if any(value(trial) > 0 for trial in one.trials) else None

    throughput = estimate(lambda trial: trial.throughput)
    unstable = _is_unstable(throughput)
    return replace(
        figures,
        answered=sum(trial.totals.answered for trial in one.trials),
        failed=sum(trial.totals.failed for trial in one.trials),
        timeouts=sum(trial.totals.timeouts for trial in one.trials),
        warmed_up=sum(trial.warmed_up for trial in one.trials),
        throughput=throughput,
        p50_ns=known(lambda trial: trial.p50),
        p99_ns=known(lambda trial: trial.p99),
        victim_p99_ns=known(lambda trial: trial.victim_p99),
        blocked_share=estimate(lambda trial: trial.blocked),
        cpu_ns_per_request=known(lambda trial: trial.cpu),
        memory_bytes=known(lambda trial: trial.memory),
        connect_p50_ns=known(lambda trial: trial.connect_p50),
        connect_p99_ns=known(lambda trial: trial.connect_p99),
        generator_share=estimate(lambda trial: trial.generator),
        generator_bound=one.bound,
        unranked=one.bound_words if one.bound else "",
        unstable=unstable,
        unstable_reason=off(_farthest(one.trials, middle), middle) if unstable else "",
        reasons=tuple(
            reasons(
                middle,
                workers=cell.workers,
                cores=cores_of(one.limits, cores),
                loop=bool(cell.loop),
            )
        ),
        median_trial=middle.median_trial(),
    )


def estimate_of(values: Sequence[float], seed: int) -> Estimate:
    """The median of some trials with its bootstrap interval."""
    low, high = bootstrap_interval(values, seed=seed)
    return Estimate(value=median(values), low=low, high=high, trials=tuple(values))


def _is_unstable(figure: Estimate) -> bool:
    """True if a trial lies where neither the interval nor ordinary noise puts it."""
    reach = max(FAR_OFF * figure.value, figure.value - figure.low, figure.high - figure.value)
    far = max((abs(value - figure.value) for value in figure.trials), default=0.0)
    wide = figure.high - figure.low > 2 * FAR_OFF * figure.value
    return far > reach or (wide and len(figure.trials) > 1)


def _middle(trials: Sequence[Trial]) -> Trial:
    ordered = sorted(trials, key=lambda trial: (trial.throughput, trial.number))
    return ordered[(len(ordered) - 1) // 2]


def _farthest(trials: Sequence[Trial], middle: Trial) -> Trial:
    return max(trials, key=lambda trial: abs(trial.throughput - middle.throughput))


# Differences and ranks ------------------------------------------------------------------------------------


def _contest(group: Group, recording: Recording, by: By | None) -> Contest:
    measured, first = group.cells, group.cells[0].cell
    used = by or (By.P99 if first.load.startswith("open") else By.THROUGHPUT)
    machine = recording.meta.machine
    figures = {one.label: _figures(one, recording.meta.seed, machine.cores) for one in measured}
    ranked = [one for one in measured if not figures[one.label].unranked and _is_comparable(one, used)]
    ranked.sort(key=lambda one: median(list(one.values(used).values())), reverse=used.more_is_better)
    differences = differences_of([(one.label, one.values(used)) for one in ranked])
    ranks = ranks_of([one.label for one in ranked], differences)
    cells = [replace(figures[one.label], rank=ranks[one.label]) for one in ranked]
    rest = [figures[one.label] for one in measured if one.label not in ranks]
    cells += [
        one if one.unranked else replace(one, unranked=f"its {used.words} is not known") for one in rest
    ]
    contest = Contest(
        title=group.title,
        by=used,
        common=", ".join(filter(None, (common_of(first, group.varying), limits_words(measured)))),
        cells=tuple(cells),
        differences=differences,
        verdict=(),
        why=(),
    )
    verdict, why = answer(contest)
    return replace(contest, verdict=verdict, why=why)


def limits_words(measured: Sequence[Measured]) -> str:
    """What all cells were limited to, "" if they were not, or not alike."""
    found = {
        tuple(replace(limit, peak_bytes=0, killed=0, held_back_ns=0) for limit in one.limits)
        for one in measured
    }
    return limits(next(iter(found))) if len(found) == 1 else ""


def _is_comparable(one: Measured, by: By) -> bool:
    return all(value > 0 for value in one.values(by).values())


def differences_of(cells: Sequence[tuple[str, dict[int, float]]]) -> tuple[Difference, ...]:
    """Every pair of cells, compared on the trials that both have.

    Args:
        cells: label and value by number of trial, best first.
    """
    pairs = [(first, second, _paired(first[1], second[1])) for first, second in combinations(cells, 2)]
    rates = holm_rates([ratio_of(*values).p_value for _, _, values in pairs])
    return tuple(
        _difference(first[0], second[0], ratio_of(*values, rate), rate)
        for (first, second, values), rate in zip(pairs, rates, strict=True)
    )


def _paired(first: dict[int, float], second: dict[int, float]) -> tuple[list[float], list[float]]:
    common = sorted(first.keys() & second.keys())
    return [first[number] for number in common], [second[number] for number in common]


def _difference(first: str, second: str, found: Ratio, rate: float) -> Difference:
    return Difference(
        first=first,
        second=second,
        ratio=found.ratio,
        low=found.low,
        high=found.high,
        seen=found.p_value < rate,
        trials=found.pairs,
    )


def ranks_of(labels: Sequence[str], differences: Sequence[Difference]) -> dict[str, int]:
    """Groups, best first: one begins with a cell that differs from the first of the group before."""
    seen = {(one.first, one.second) for one in differences if one.seen}
    ranks: dict[str, int] = {}
    leader, rank = "", 0
    for label in labels:
        if not leader or (leader, label) in seen:
            leader, rank = label, rank + 1
        ranks[label] = rank
    return ranks
