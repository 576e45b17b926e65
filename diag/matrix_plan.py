"""Which cells a comparison is made of: those there are, those that were chosen, and a plan for each trial."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from diag.comparing import CompareOptions
from diag.errors import UsageError
from diag.inspection import Inspection, WorkloadInfo
from diag.load.locust_master import is_remote
from diag.matrix import combinations
from diag.plan import LOCUST, LoadShape, ServePlan, ServerOptions
from diag.planning import plan_app, plan_workloads
from diag.servers import SERVERS, get_server
from diag.targets import AppTarget, WorkloadTarget
from diag.units import plural

MOST_BY_DEFAULT = 8
"""Cells without ``--select``: what can be waited for, and read in one table."""

STRATEGIES_BY_DEFAULT = 4
"""Of these, so that other frameworks and servers find room."""

MOST_REQUESTS = 2_000
"""Of a trial with more, only sums are kept: a fast server would fill the disk."""

REMOTE = "The servers listened on all addresses of this machine, since the Locust master is on another one."
WARM_UP_SHARE = 0.2
LONGEST_WARM_UP_NS = 1_000_000_000

START_AND_STOP_NS = 3_000_000_000
"""What a trial takes beside its load, about: importing, surveying, stopping, and writing down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One cell that may be measured.

    Attributes:
        target: what the user typed, parsed.
        inspection: what it turned out to be.
        workload: what is executed, None for an app.
        framework, server, loop, strategy: names, "" where there is none.
        reason: why it cannot be measured here, "" if it can.
    """

    target: AppTarget | WorkloadTarget
    inspection: Inspection
    workload: WorkloadInfo | None
    framework: str
    server: str
    loop: str
    strategy: str
    reason: str

    @property
    def values(self) -> dict[str, str]:
        """What a selection looks at."""
        return {
            "framework": self.framework,
            "server": self.server,
            "loop": self.loop,
            "strategy": self.strategy,
            "workload": self.workload.name if self.workload else "",
            "target": self.target.text,
        }

    @property
    def label(self) -> str:
        """All of it, in one line."""
        loop = f"({self.loop})" if self.loop else ""
        return " ".join(part for part in (self.framework, self.server, loop, self.strategy) if part)


def candidates(
    target: AppTarget | WorkloadTarget, inspection: Inspection, options: CompareOptions
) -> Iterator[Candidate]:
    """Every cell of a target, those that cannot be measured here with the reason."""
    if isinstance(target, AppTarget):
        yield from _of_app(target, inspection, options)
        return
    for workload in inspection.workloads:
        for one in combinations(workload):
            yield Candidate(
                target=target,
                inspection=inspection,
                workload=workload,
                framework=one.framework,
                server=one.server,
                loop=one.loop,
                strategy=one.strategy,
                reason=one.reason or _unavailable(one.server, one.loop, options),
            )


def _of_app(target: AppTarget, inspection: Inspection, options: CompareOptions) -> Iterator[Candidate]:
    for server in SERVERS:
        speaks = inspection.interface in server.interfaces
        mismatch = f"{server.name} does not serve {inspection.interface.upper()} applications"
        for loop in server.loops or ("",):
            yield Candidate(
                target=target,
                inspection=inspection,
                workload=None,
                framework=inspection.framework,
                server=server.name,
                loop=loop,
                strategy="",
                reason=_unavailable(server.name, loop, options) if speaks else mismatch,
            )


def _unavailable(server: str, loop: str, options: CompareOptions) -> str:
    asked = ServerOptions(
        server=server, loop=loop or "asyncio", workers=options.base.workers, threads=options.base.threads
    )
    return get_server(server).unavailable(asked) or ""


def choose(every: Sequence[Candidate], options: CompareOptions) -> tuple[Candidate, ...]:
    """Those that fit a selection; without one, a few that differ from each other most.

    Raises:
        UsageError: nothing fits, or nothing that fits can be measured here.
    """
    if not options.select:
        return _default([one for one in every if not one.reason])
    wanted = [one for one in every if any(selection.fits(one.values) for selection in options.select)]
    chosen = tuple(one for one in wanted if not one.reason)
    if chosen:
        return chosen
    texts = ", ".join(selection.text for selection in options.select)
    reasons = list(dict.fromkeys(one.reason for one in wanted))[:3]
    raise UsageError(
        f"No cell can be measured that fits --select {texts}",
        cause=f"{'; '.join(reasons)}." if reasons else "There is no cell with these names.",
        next_step=f"See all cells: diag compare {' '.join(options.targets)} --list",
        slug="no-cell",
    )


def _default(available: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Of each workload, and of the apps together: some strategies, every framework, then further servers."""
    chosen: list[Candidate] = []
    groups: dict[str, list[Candidate]] = {}
    for one in available:
        groups.setdefault(
            one.values["workload"] and f"{one.target.text} {one.values['workload']}", []
        ).append(one)
    for group in groups.values():
        picked: list[Candidate] = []
        _pick(group, ("target", "strategy"), picked, STRATEGIES_BY_DEFAULT)
        for names in (("target", "framework"), ("target", "server"), ("target", "loop")):
            _pick(group, names, picked, MOST_BY_DEFAULT)
        chosen += picked
    return tuple(chosen)


def _pick(group: Iterable[Candidate], names: tuple[str, ...], picked: list[Candidate], most: int) -> None:
    """Add the first cell of each value that none of those picked has, up to `most` in all."""
    seen = {tuple(one.values[name] for name in names) for one in picked}
    for one in group:
        key = tuple(one.values[name] for name in names)
        if key not in seen and len(picked) < most:
            seen.add(key)
            picked.append(one)


def plan_of(one: Candidate, options: CompareOptions) -> ServePlan:
    """The plan of a cell's first trial.

    Raises:
        UsageError: an option does not fit the cell.
    """
    base = replace(
        options.base,
        target=one.target.text,
        server=one.server,
        loop=one.loop,
        duration_ns=options.duration_ns,
        threads=options.base.threads,
    )
    if isinstance(one.target, AppTarget):
        plan = plan_app(one.target, one.inspection, base)
    else:
        assert one.workload is not None
        of_cell = replace(base, framework=one.framework, strategies=(one.strategy,))
        (plan,) = plan_workloads(one.target, (one.workload,), of_cell)
    alone = options.total is not None or bool(options.generator)
    streams = plan.streams[:1] if alone else plan.streams
    load = streams[0].words if streams else ""
    if options.total is not None:
        load += f", {plural(options.total, 'request')}"
    if not options.keep_alive:
        load += ", a connection each"
    if options.http != "1.1":
        load += f", HTTP/{options.http}"
    if options.generator:
        load += f", by {options.generator}"
    remote = options.generator == LOCUST and is_remote(options.master)
    return replace(
        plan,
        listen="0.0.0.0" if remote else "",  # noqa: S104  # its workers are on other machines
        notes=(*plan.notes, REMOTE) if remote else plan.notes,
        cell=replace(plan.cell, label=one.label, load=load),
        streams=streams,
        shape=LoadShape(
            total=options.total,
            keep_alive=options.keep_alive,
            http=options.http,
            warm_up_ns=warm_up_ns(options),
            generator=options.generator,
            master=options.master if options.generator == LOCUST else "",
            most_requests=MOST_REQUESTS,
        ),
    )


def warm_up_ns(options: CompareOptions) -> int:
    """How long each trial warms up."""
    return min(LONGEST_WARM_UP_NS, round(WARM_UP_SHARE * options.duration_ns))


def schedule(plans: Sequence[ServePlan], trials: int, seed: int) -> Iterator[ServePlan]:
    """Every cell once a trial, each trial in an order of its own: what drifts meets all cells alike."""
    for trial in range(1, trials + 1):
        order = list(plans)
        random.Random(f"{seed} {trial}").shuffle(order)  # noqa: S311  # an order, not a secret
        for plan in order:
            yield replace(plan, trial=trial, seed=seed + trial)


def estimate_ns(cells: int, options: CompareOptions) -> int:
    """How long a comparison takes, about; a total counts as if it took the usual duration."""
    return cells * options.trials * (options.duration_ns + warm_up_ns(options) + START_AND_STOP_NS)
