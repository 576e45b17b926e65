"""From evidence to the answer: which issues count, which are new, whether it passed. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diag.checking import budgets
from diag.checking.joining import checked_handlers, join
from diag.checking.options import CheckOptions
from diag.checking.result import CheckResult, Issue
from diag.checking.touched import Touched
from diag.finding import Confidence, Severity, Status, Verdict
from diag.static.finding import Analysis

RANK = {Confidence.LOW: 0, Confidence.MEDIUM: 1, Confidence.HIGH: 2}
UNREADABLE = frozenset({"syntax-error", "wrong-encoding", "unreadable-file", "too-deep"})
"""Problems that leave something unchecked."""


def conclude(
    options: CheckOptions,
    analysis: Analysis,
    verdicts: Sequence[Verdict] = (),
    *,
    known: frozenset[str] = frozenset(),
    touched: Touched | None = None,
) -> CheckResult:
    """The answer.

    Args:
        options: what was asked.
        analysis: what source says.
        verdicts: what runs say.
        known: fingerprints that the baseline holds.
        touched: what a change touches, None to look at everything.
    """
    every = budgets.within(join(analysis, verdicts, str(options.root)), options.budget)
    reached = [one for one in every if touched is None or touched.reaches(one)]
    counted = [one for one in reached if _counts(one, options)]
    new = tuple(one for one in counted if one.fingerprint not in known)
    found_known = tuple(one for one in counted if one.fingerprint in known)
    results = budgets.compare(verdicts, options.budget)
    failing = any(one.fails for one in new) or any(not one.met for one in results)
    reason = "" if failing or options.write_baseline else _cannot_tell(analysis, verdicts)
    return CheckResult(
        targets=options.targets,
        root=str(options.root),
        status=_status(failing=failing and options.write_baseline is None, reason=reason),
        reason=reason,
        issues=new,
        known=found_known,
        fixed=len(known - {one.fingerprint for one in every}),
        left_out=len(reached) - len(counted),
        untouched=len(every) - len(reached),
        scope=touched.words() if touched else "",
        handlers=checked_handlers(analysis, verdicts, every),
        budgets=results,
        analysis=analysis,
        verdicts=tuple(verdicts),
        problems=(*analysis.problems, *analysis.unused),
        baseline=str(options.write_baseline or options.baseline or ""),
        written=options.write_baseline is not None,
    )


def _counts(issue: Issue, options: CheckOptions) -> bool:
    """True if an issue is severe and sure enough to be told."""
    seen = issue.measured is not None and issue.measured.severity is Severity.ERROR
    sure = seen or RANK[issue.confidence] >= RANK[options.min_confidence]
    return issue.severity >= options.min_severity and sure


def _status(*, failing: bool, reason: str) -> Status:
    if failing:
        return Status.BLOCKED
    return Status.UNMEASURED if reason else Status.CLEAN


def _cannot_tell(analysis: Analysis, verdicts: Iterable[Verdict]) -> str:
    """Why nothing found does not mean that nothing is there; "" if it does."""
    some = tuple(verdicts)
    unread = [one for one in analysis.problems if one.slug in UNREADABLE]
    if not some and not analysis.files:
        return "there is no Python file to check"
    if unread:
        first = unread[0]
        more = f", and {len(unread) - 1} more" if len(unread) > 1 else ""
        return f"{first.path}:{first.line} could not be read: {first.message.rstrip('.')}{more}"
    if not some and not analysis.handlers:
        return "nothing in these files runs on an event loop, as far as can be told from source"
    failed = next((one for one in some if one.status is Status.UNMEASURED), None)
    return f"{failed.summary.target}: {failed.reason}" if failed else ""
