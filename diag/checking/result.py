"""What a check says: issues with their evidence, the handlers they are in, and whether the check passed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from diag.finding import Confidence, Finding, HandlerResult, Severity, Status, Verdict
from diag.static.finding import Analysis, Problem, StaticFinding


class Evidence(StrEnum):
    """How an issue is known."""

    STATIC = "static"
    MEASURED = "measured"
    BOTH = "static and measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One line that can hold, or was seen to hold, the event loop.

    Attributes:
        rule: ``blocking-wait`` or ``blocking-compute`` where source shows it, else the measured one's.
        fingerprint: stable against changes of lines above it; unique within a check.
        severity, confidence: separate; what was measured makes both high.
        handler: the route or function that reaches it.
        path: relative to the root, with forward slashes.
        absolute: the file itself.
        line, column, end_line, end_column: from 1; the columns are 0 where only the line is known.
        function: qualified name of the function that holds the line.
        text: the line itself.
        message: one sentence.
        why, advice: one sentence each, "" where there is none.
        static: what source shows, None if nothing.
        measured: what was seen, None if nothing was.
        fails: True if it makes the check fail.
    """

    rule: str
    fingerprint: str
    severity: Severity
    confidence: Confidence
    handler: str
    path: str
    absolute: str
    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    function: str = ""
    text: str = ""
    message: str = ""
    why: str = ""
    advice: str = ""
    static: StaticFinding | None = None
    measured: Finding | None = None
    fails: bool = True

    @property
    def evidence(self) -> Evidence:
        """How it is known."""
        if self.static is not None and self.measured is not None:
            return Evidence.BOTH
        return Evidence.STATIC if self.measured is None else Evidence.MEASURED

    @property
    def known_by(self) -> str:
        """The same in words."""
        return self.evidence.value


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedHandler:
    """A function that runs on the loop, or a route that was driven.

    Attributes:
        title: its route where there is one, else its name.
        kind: what makes it run on the loop, such as ``endpoint``; "" if only the run knows it.
        path, line: of its ``def``; "" and 0 if only the run knows it.
        issues: fingerprints of the issues in it.
        measured: what the run says of it, None if it was not driven.
    """

    title: str
    kind: str = ""
    path: str = ""
    line: int = 0
    issues: tuple[str, ...] = ()
    measured: HandlerResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetResult:
    """One budget, and what was measured.

    Attributes:
        name: ``block`` or ``victim-p99``.
        limit_ns, found_ns: both durations.
        where: what took as long.
    """

    name: str
    limit_ns: int
    found_ns: int
    where: str

    @property
    def met(self) -> bool:
        """True if nothing took longer."""
        return self.found_ns <= self.limit_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The answer of `diag check`.

    Attributes:
        targets: as typed.
        root: folder that paths are relative to.
        status: clean, blocked (something fails) or unmeasured (it could not be told).
        reason: why it could not be told.
        issues: those that count, most severe first; the new ones only, if there is a baseline.
        known: those that the baseline holds.
        fixed: how many of the baseline's are no longer found.
        left_out: issues below the least severity or confidence.
        untouched: issues that a change neither touches nor reaches.
        scope: what a change touches, in words; "" without ``--diff``.
        handlers: every function on the loop, and every route that was driven.
        budgets: measured against what was asked.
        analysis: what source says, complete.
        verdicts: what runs say, one a target that was run.
        problems: files that could not be read, allowances without effect.
        baseline: path of the baseline used or written, "" for none.
        written: True if the baseline was written instead of being compared with.
    """

    targets: tuple[str, ...]
    root: str
    status: Status
    reason: str = ""
    issues: tuple[Issue, ...] = ()
    known: tuple[Issue, ...] = ()
    fixed: int = 0
    left_out: int = 0
    untouched: int = 0
    scope: str = ""
    handlers: tuple[CheckedHandler, ...] = ()
    budgets: tuple[BudgetResult, ...] = ()
    analysis: Analysis
    verdicts: tuple[Verdict, ...] = ()
    problems: tuple[Problem, ...] = ()
    baseline: str = ""
    written: bool = False

    @property
    def exit_code(self) -> int:
        """0 clean, 1 something fails, 2 could not tell."""
        return {Status.CLEAN: 0, Status.BLOCKED: 1, Status.UNMEASURED: 2}[self.status]
