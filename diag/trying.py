"""Tries remedies: the ring from a diagnosis back to the runner.

    try_remedies(Path("shop.diag"), verdict, plan, options, progress)

appends the trials to the recording; `diag.proof.judge_remedies` then says what they came to. The user's files
are read by nobody here and written by nobody at all: what is changed is what the target's processes load.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from diag import proving
from diag.analysis.case import Case, examine
from diag.analysis.replay import Arrival, Change, Scene, Work, predict
from diag.errors import DiagError, UsageError
from diag.finding import Cause, Location
from diag.progress import Counted
from diag.proof.trials import Target, latencies, undecided
from diag.recording import Proposed
from diag.remedies import NAMES, propose
from diag.remedies.setting import setting_of
from diag.remedy import Move, Proposal, Remedy
from diag.runner import Runner
from diag.store import RecordingWriter, read_recording
from diag.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diag.finding import Finding, Verdict
    from diag.plan import ServePlan, StreamPlan
    from diag.progress import Progress
    from diag.proving import Culprit
    from diag.recording import Recording


def check_names(names: Iterable[str]) -> None:
    """Refuse names of remedies that do not exist.

    Raises:
        UsageError: one does not.
    """
    for name in names:
        if name not in NAMES:
            raise UsageError(
                f"There is no remedy {name!r}",
                cause=f"They are {', '.join(NAMES)}.",
                next_step="Leave --remedies out, and diag chooses.",
                slug="no-remedy",
            )


def proposals(recording: Recording, verdict: Verdict) -> tuple[tuple[Culprit, Proposal], ...]:
    """What could be tried against each culprit of a verdict."""
    setting = setting_of(recording)
    return tuple((one, propose([one.finding], setting)) for one in proving.culprits(verdict))


def try_remedies(
    path: Path,
    verdict: Verdict,
    plan: ServePlan,
    names: Sequence[str],
    progress: Progress,
    *,
    most_trials: int = 0,
) -> None:
    """Try what is proposed against a verdict's culprits, and append it to the recording.

    Args:
        path: of the recording, which is finished.
        verdict: on it.
        plan: that its first run was made by.
        names: of the remedies to try, () for diag's own choice.
        progress: told what is going on, with the time left.
        most_trials: of each remedy, where diag's own choice does not do.

    Raises:
        KeyboardInterrupt: the user stopped it; what was tried until then is in the recording.
    """
    recording = read_recording(path)
    found = proposals(recording, verdict)
    with RecordingWriter(path, None) as writer:
        for culprit, proposal in found[: proving.MOST_CULPRITS]:
            _Trying(recording, plan, writer, progress).against(culprit, proposal, names, most_trials)
        for culprit, _ in found[proving.MOST_CULPRITS :]:
            writer.add_proposed(_left_for_later(culprit))


def _left_for_later(culprit: Culprit) -> tuple[Proposed, ...]:
    target = Target(
        culprit=_location(culprit.finding),
        route=culprit.finding.title,
        routes=tuple(sorted(culprit.routes)),
        load="",
    )
    sentence = "Nothing was tried against it yet: mend the others first."
    return (
        Proposed(culprit=culprit.number, kind="culprit", value=msgspec.json.encode(target).decode()),
        Proposed(culprit=culprit.number, kind="not-tried", value=sentence),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Trying:
    """The trials against the culprits of one recording."""

    recording: Recording
    plan: ServePlan
    writer: RecordingWriter
    progress: Progress

    def against(self, culprit: Culprit, proposal: Proposal, names: Sequence[str], most_trials: int) -> None:
        """Try what is proposed against one culprit."""
        remedies, others = proving.choose(proposal.remedies, names)
        first = proving.original(self.plan, self.recording.runs[0], culprit)
        alone = proving.innocent_alone(first, culprit)
        count = most_trials or proving.trials(len(remedies))
        runs = (len(remedies) + 1) * count + (alone is not None)
        counted = Counted(self.progress, runs, runs * (proving.TRIAL_NS + proving.OVERHEAD_NS))
        runner = Runner(self.writer, counted, known_sources=self.recording.sources)
        target = Target(
            culprit=_location(culprit.finding),
            route=culprit.finding.title,
            routes=tuple(sorted(culprit.routes)),
            load=" + ".join(f"{one.words} on {_routes(one)}" for one in first.streams),
        )
        if remedies and alone is not None:
            target = self._seen_alone(alone, target, runner, counted)
        self._write_down(culprit, target, proposal, remedies, others)
        if remedies:
            self._run(first, remedies, count, target, runner, counted)

    def _run(
        self,
        first: ServePlan,
        remedies: Sequence[Remedy],
        count: int,
        target: Target,
        runner: Runner,
        counted: Counted,
    ) -> None:
        """All trials, interleaved; a remedy that could not be served once is not tried again.

        Where noise hides what a remedy does there are more trials than planned.
        """
        plans = [_labelled(proving.remedied(first, one), one.name) for one in remedies]
        failed: set[str] = set()
        seed = self.recording.meta.seed
        number = first.attempt.culprit if first.attempt else 0
        rounds = proving.schedule(_labelled(first, "as written"), plans, count + proving.MORE_TRIALS, seed)
        hopeful = {one.id for one in remedies if one.expected}
        for place, plan in enumerate(rounds):
            done, begun = divmod(place, len(plans) + 1)
            if not begun and done >= count:
                seen = read_recording(self.writer.path)
                if not undecided(seen, number, target, hopeful - failed):
                    break
            key = plan.attempt.remedy if plan.attempt else ""
            if key not in failed:
                try:
                    runner.serve(plan)
                except DiagError:  # its reason is in the recording
                    failed.add(key)
            counted.done()

    def _seen_alone(self, alone: ServePlan, target: Target, runner: Runner, counted: Counted) -> Target:
        """What innocent requests take when nothing holds them up."""
        try:
            run_id = runner.serve(_labelled(alone, "innocent requests alone"))
        except DiagError:  # its reason is in the recording; then nothing can be predicted
            return target
        finally:
            counted.done()
        run = next(one for one in read_recording(self.writer.path).runs if one.run_id == run_id)
        return dataclasses.replace(target, alone_ns=tuple(latencies(run, target)))

    def _write_down(
        self,
        culprit: Culprit,
        target: Target,
        proposal: Proposal,
        remedies: Sequence[Remedy],
        others: Sequence[str],
    ) -> None:
        """What is tried is in the recording before it is, with what is predicted of it."""
        case = examine(self.recording, self.recording.runs[0])
        scene = scene_of(case, culprit, target)
        rows = [("culprit", msgspec.json.encode(target), 0)]
        rows += [("remedy", msgspec.json.encode(one), prediction(scene, one)) for one in remedies]
        rows += [("refusal", msgspec.json.encode(one), 0) for one in proposal.refusals]
        if others:
            sentence = f"Not tried: {', '.join(others)} (--remedies {','.join(others)})."
            rows.append(("not-tried", sentence.encode(), 0))
        self.writer.add_proposed(
            Proposed(culprit=culprit.number, kind=kind, value=value.decode(), predicted_ns=predicted)
            for kind, value, predicted in rows
        )


def _labelled(plan: ServePlan, label: str) -> ServePlan:
    return dataclasses.replace(plan, cell=dataclasses.replace(plan.cell, label=label))


def _routes(stream: StreamPlan) -> str:
    routes = dict.fromkeys(request.route for request in stream.requests)
    return next(iter(routes)) if len(routes) == 1 else plural(len(routes), "route")


def _location(finding: Finding) -> Location:
    assert finding.location is not None
    return finding.location


# What is predicted ----------------------------------------------------------------------------------------

_WORK = {
    Cause.CPU_GIL: Work.GIL,
    Cause.CPU: Work.GIL,
    Cause.GIL_WAIT: Work.GIL,
    Cause.CPU_NO_GIL: Work.CPU,
    Cause.WAITING: Work.WAIT,
}


def scene_of(case: Case, culprit: Culprit, target: Target) -> Scene:
    """What a recorded run gives to be replayed.

    Args:
        case: the run, analysed.
        culprit: what is to be remedied.
        target: with what innocent requests take alone.
    """
    finding = culprit.finding
    main = next((one.cause for one in finding.causes if one.cause in _WORK), Cause.WAITING)
    start = case.run.load_started_ns
    kept = [
        (one.intended_ns - start, one.route in culprit.routes)
        for one in case.run.requests
        if 0 <= one.intended_ns - start < proving.TRIAL_NS and one.route not in culprit.left_out
    ]
    asked = sum(one.route in culprit.routes for one in case.run.requests if one.intended_ns >= start)
    blocks = [one for one in finding.blocks if one.end_ns > start]
    each = max(1.0, len(blocks) / asked) if asked else 1.0
    held, own = sum(one.end_ns - one.start_ns for one in blocks), sum(one.own_ns for one in blocks)
    return Scene(
        arrivals=tuple(Arrival(at_ns=at, culprit=own) for at, own in sorted(kept)),
        holds_ns=tuple(round(each * (one.end_ns - one.start_ns)) for one in blocks),
        rest_ns=0,
        stretch=max(1.0, held / own) if own else 1.0,
        alone_ns=target.alone_ns or _alone(case, culprit),
        work=_WORK[main],
        cores=case.meta.machine.cores,
    )


def _alone(case: Case, culprit: Culprit) -> tuple[int, ...]:
    """Where no request is innocent: what the culprit's took alone, without their blocks."""
    longest = max((one.own_ns for one in culprit.finding.blocks), default=0)
    before = [one for one in case.run.requests if one.intended_ns < case.run.load_started_ns]
    return tuple(max(500_000, one.done_ns - one.sent_ns - longest) for one in before)


def prediction(scene: Scene, remedy: Remedy) -> int:
    """The victims' 99th percentile to be expected of a remedy, 0 if that cannot be told."""
    if remedy.server is None:
        whole = not remedy.expected and remedy.move not in (Move.THREAD, Move.PROCESS)
        return predict(scene, Change(move=remedy.move, pool=remedy.pool, whole=whole))
    threads = 0 if "gevent" in remedy.server.server else max(1, remedy.server.threads)
    change = Change(move=Move.SERVER, workers=remedy.server.workers, threads=threads)
    return predict(scene, change)
