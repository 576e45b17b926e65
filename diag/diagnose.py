"""The library's sentences: explain, check, compare. The one place that knows both measuring and thinking."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

import diag
from diag import limits
from diag.checking.baseline import read_baseline, write_baseline
from diag.checking.conclude import conclude
from diag.checking.sources import plan_check, read_source
from diag.checking.touched import touched_since
from diag.driving import refusal
from diag.errors import DiagError, UsageError
from diag.finding import Status
from diag.frameworks.inspect import inspect_target
from diag.lineup import Lineup, lineup
from diag.matrix_plan import schedule
from diag.planning import expectation_of, plan_app, plan_script, plan_workloads
from diag.presets import compare_recording, to_meta
from diag.progress import Counted, Progress, Silent
from diag.proof import judge_remedies
from diag.recording import Machine, Meta
from diag.rules import judge
from diag.runner import Runner
from diag.store import SCHEMA_VERSION, RecordingWriter, read_recording
from diag.store.folder import default_path, prune
from diag.targets import AppTarget, RecordingTarget, ScriptTarget, Target, WorkloadTarget, parse_target, roots
from diag.trying import check_names, proposals, try_remedies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from diag.checking.options import CheckOptions
    from diag.checking.result import CheckResult
    from diag.comparing import CompareOptions
    from diag.comparison import Comparison
    from diag.finding import Verdict
    from diag.plan import ServePlan
    from diag.remedy import Tried
    from diag.settings import ExplainOptions


class Interrupted(DiagError):
    """The user stopped the run; what was seen until then is in the recording.

    Attributes:
        recording: where it is.
    """

    slug = "interrupted"
    exit_code = 130

    def __init__(self, recording: Path, command: str = "explain") -> None:
        super().__init__(
            "Interrupted",
            cause="What was measured until then is kept.",
            next_step=f"Try: diag {command} {recording}",
        )
        self.recording = recording


def explain(options: ExplainOptions, progress: Progress | None = None) -> Verdict:
    """Run a target, watch it, and say where its loop was blocked, why, and who paid.

    Args:
        options: the target and how to run it; `ExplainOptions.output` must name a file.
        progress: told what is going on.

    Returns:
        The verdict; its recording is at `options.output`.

    Raises:
        DiagError: the target cannot be read, started or driven, or the options do not fit.
    """
    return explain_and_try(dataclasses.replace(options, verify=False), progress).verdict


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A diagnosis, and what was tried against what it found.

    Attributes:
        verdict: the diagnosis.
        tried: by culprit.
        interrupted: True if the user stopped the trials; the diagnosis is complete.
    """

    verdict: Verdict
    tried: tuple[Tried, ...] = ()
    interrupted: bool = False


def explain_and_try(
    options: ExplainOptions,
    progress: Progress | None = None,
    told: Callable[[Verdict], None] | None = None,
) -> Explained:
    """Explain a target, and then run the same arrivals again with each remedy that could help.

    Args:
        options: as for `explain`; without `ExplainOptions.verify` nothing is tried.
        progress: told what is going on.
        told: called with the diagnosis before remedies are tried; not at all if none are.

    Raises:
        DiagError: as `explain` does; what goes wrong in a trial is that remedy's failure.
    """
    shown = progress or Silent()
    limits.check(options.cpus)
    check_names(options.remedies)
    target = parse_target(options.target, args=options.args, factory=options.factory, cwd=options.cwd)
    if isinstance(target, RecordingTarget):
        recording = read_recording(target.file)
        verdict = dataclasses.replace(judge(recording), recording=target.file)
        return Explained(verdict=verdict, tried=judge_remedies(recording))
    prepared = _prepare(target, options, shown)
    path = options.output or Path(f"diag-{int(time.time())}.diag")
    writer = RecordingWriter(path, _meta(target, options, prepared.expectation))
    try:
        with writer:
            runner = Runner(writer, shown)
            prepared.actions[0](runner)
            found = _worth_trying(path, prepared, options, shown)
            if found is None:
                _carry_out(prepared.actions[1:], runner)
    except KeyboardInterrupt:
        raise Interrupted(path) from None
    except DiagError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    shown.stage("judging")
    verdict = dataclasses.replace(found or judge(read_recording(path)), recording=str(path))
    if found is None or prepared.plan is None:
        return Explained(verdict=verdict)
    return _tried(path, verdict, prepared.plan, options, shown, told)


def _worth_trying(
    path: Path, prepared: _Prepared, options: ExplainOptions, progress: Progress
) -> Verdict | None:
    """The verdict on the first run, if there is something to try, or to change by hand, against it."""
    if not options.verify or prepared.plan is None or len(options.strategies) > 1:
        return None
    progress.stage("judging")
    recording = read_recording(path)
    verdict = judge(recording)
    worth = verdict.status is Status.BLOCKED
    found = proposals(recording, verdict) if worth else ()
    return verdict if any(one.remedies or one.refusals for _, one in found) else None


def _tried(
    path: Path,
    verdict: Verdict,
    plan: ServePlan,
    options: ExplainOptions,
    progress: Progress,
    told: Callable[[Verdict], None] | None,
) -> Explained:
    """Try remedies; an interrupt ends the trials, and keeps the diagnosis."""
    interrupted = False
    try:
        progress.stage("")
        if told is not None:
            told(verdict)
        try_remedies(path, verdict, plan, options.remedies, progress)
    except KeyboardInterrupt:
        interrupted = True
    progress.stage("judging remedies")
    return Explained(verdict=verdict, tried=judge_remedies(read_recording(path)), interrupted=interrupted)


def check(options: CheckOptions, progress: Progress | None = None) -> CheckResult:
    """Find what blocks an event loop: from source, and by running what is an app.

    Args:
        options: what to check and how.
        progress: told what is going on.

    Raises:
        DiagError: a target cannot be read or run, or the options do not fit.
    """
    shown = progress or Silent()
    plan = plan_check(options)
    touched = touched_since(options.diff, options.explain.cwd) if options.diff else None
    compares = options.baseline is not None and options.write_baseline is None
    known = read_baseline(options.baseline) if options.baseline and compares else frozenset()
    shown.stage("reading source")
    analysis = read_source(plan, options)
    verdicts = []
    for run in plan.runs:
        path = run.output or default_path(run.target)
        path.parent.mkdir(parents=True, exist_ok=True)
        verdicts.append(explain(dataclasses.replace(run, output=path), shown))
        if run.output is None:
            prune(path.parent)
    result = conclude(options, analysis, verdicts, known=known, touched=touched)
    if options.write_baseline is not None:
        write_baseline(options.write_baseline, (*result.issues, *result.known))
    return result


def compare(options: CompareOptions, progress: Progress | None = None) -> Comparison:
    """Run targets in the chosen cells, interleaved and repeated, and say which is best, and why.

    Args:
        options: what to run and how; `base.output` names the recording's file.
        progress: told what is going on, with the time left.

    Raises:
        DiagError: nothing can be measured, or the options do not fit.
    """
    shown = progress or Silent()
    work = lineup(options, shown)
    for plan in work.plans:
        limits.check(plan.cpus)
        reason = refusal(plan)
        if reason is not None:
            raise UsageError(
                f"{options.generator} cannot make this load",
                cause=f"{reason[0].upper()}{reason[1:]}.",
                next_step="Change the load as it says, or leave --generator out.",
                slug="generator-refuses",
            )
    shown.note(work.announcement)
    expected = options.trials * sum(work.expected_ns)
    counted = Counted(shown, len(work.plans) * options.trials, expected)
    path = options.base.output or Path(f"diag-{int(time.time())}.diag")
    try:
        with RecordingWriter(path, _comparison_meta(work.targets, options)) as writer:
            _run_trials(work, options, Runner(writer, counted), counted)
    except KeyboardInterrupt:
        raise Interrupted(path, "report") from None
    shown.stage("comparing")
    return dataclasses.replace(compare_recording(read_recording(path), options.by), recording=str(path))


GIVE_UP_AFTER = 2
"""Failures of a cell in a row, after which it is not tried again: it will not start the third time either."""


def _run_trials(work: Lineup, options: CompareOptions, runner: Runner, counted: Counted) -> None:
    failures: dict[str, int] = {}
    expected = {repr(plan.cell): ns for plan, ns in zip(work.plans, work.expected_ns, strict=True)}
    for plan in schedule(work.plans, options.trials, options.base.seed):
        key = repr(plan.cell)
        if failures.get(key, 0) < GIVE_UP_AFTER:
            try:
                runner.serve(plan)
                failures[key] = 0
            except DiagError:  # its reason is in the recording
                failures[key] = failures.get(key, 0) + 1
        counted.done(expected[key])


def _comparison_meta(targets: Sequence[Target], options: CompareOptions) -> Meta:
    meta = _meta(targets[0], options.base, "")
    every = {root for one in targets for root in roots(one)}
    return dataclasses.replace(
        meta,
        target=" ".join(options.targets),
        target_kind="comparison",
        roots=tuple(sorted(every)),
        preset=to_meta(options.preset, options.scale) if options.preset else "",
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """What is to be done, what the workload promises, and the first run's plan if it serves an app."""

    actions: tuple[Callable[[Runner], object], ...]
    expectation: str = ""
    plan: ServePlan | None = None


def _prepare(
    target: AppTarget | WorkloadTarget | ScriptTarget, options: ExplainOptions, progress: Progress
) -> _Prepared:
    if isinstance(target, ScriptTarget):
        script = plan_script(target, options)
        return _Prepared(actions=(lambda runner: runner.script(script),))
    progress.stage(f"importing {options.target}")
    inspection = inspect_target(target, timeout_s=min(options.timeout_ns / 1e9, 60.0))
    if isinstance(target, AppTarget):
        plan = plan_app(target, inspection, options)
        return _Prepared(actions=_serving([plan]), plan=plan)
    plans = plan_workloads(target, inspection.workloads, options)
    return _Prepared(actions=_serving(plans), expectation=expectation_of(inspection.workloads), plan=plans[0])


def _serving(plans: Sequence[ServePlan]) -> tuple[Callable[[Runner], object], ...]:
    def serve(plan: ServePlan) -> Callable[[Runner], object]:
        return lambda runner: runner.serve(plan)

    return tuple(serve(plan) for plan in plans)


def _carry_out(actions: Sequence[Callable[[Runner], object]], runner: Runner) -> None:
    """Runs beside the first, which had to succeed; one that fails is a row without figures."""
    for action in actions:
        with contextlib.suppress(DiagError):
            action(runner)


def _meta(target: Target, options: ExplainOptions, expectation: str) -> Meta:
    return Meta(
        schema_version=SCHEMA_VERSION,
        diag_version=diag.__version__,
        argv=tuple(sys.argv),
        target=options.target,
        target_kind=target.kind,
        roots=roots(target),
        created_utc=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seed=options.seed,
        threshold_ns=options.threshold_ns,
        machine=Machine(
            python=platform.python_version(),
            implementation=platform.python_implementation(),
            platform=platform.platform(),
            cores=len(os.sched_getaffinity(0)),
            memory_bytes=psutil.virtual_memory().total,
        ),
        expectation=expectation,
    )
