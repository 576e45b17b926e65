"""Budgets: how long a block may be, and how long those wait that are to blame for nothing. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from diag.checking.result import BudgetResult, Issue
from diag.errors import UsageError
from diag.finding import Severity, Status, Verdict
from diag.units import parse_duration

NAMES = ("block", "victim-p99")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What was asked for.

    Attributes:
        block_ns: how long a block may be, None if any that reaches the threshold fails.
        victim_p99_ns: the 99th percentile of requests that block nothing themselves, None if any will do.
    """

    block_ns: int | None = None
    victim_p99_ns: int | None = None

    def __bool__(self) -> bool:
        """True if anything was asked for."""
        return self.block_ns is not None or self.victim_p99_ns is not None


def parse_budget(text: str) -> Budget:
    """From ``block=50ms,victim-p99=100ms``.

    Raises:
        UsageError: a name is unknown, or a value is no duration above 0.
    """
    values: dict[str, int] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, value = part.partition("=")
        try:
            ns = parse_duration(value)
        except ValueError:
            ns = 0
        if name.strip() not in NAMES or ns <= 0:
            raise UsageError(
                f"The budget {part!r} is not understood",
                cause=f"It must be one of {', '.join(NAMES)}, with a time that has a unit.",
                next_step="Try: --budget 'block=50ms,victim-p99=100ms'",
                slug="bad-budget",
            )
        values[name.strip()] = ns
    return Budget(block_ns=values.get("block"), victim_p99_ns=values.get("victim-p99"))


def within(issues: Iterable[Issue], budget: Budget) -> tuple[Issue, ...]:
    """Issues that only the run shows do not fail while they stay within the budget for blocks."""
    if budget.block_ns is None:
        return tuple(issues)
    return tuple(
        replace(one, fails=False)
        if one.measured is not None and one.static is None and one.measured.max_ns <= budget.block_ns
        else one
        for one in issues
    )


def compare(verdicts: Iterable[Verdict], budget: Budget) -> tuple[BudgetResult, ...]:
    """What was measured against what was asked for; nothing where nothing was run."""
    some = tuple(verdicts)
    if not some:
        return ()
    results = []
    if budget.block_ns is not None:
        blocks = [
            (
                one.max_ns,
                f"{one.title}" + (f" at {one.location.path}:{one.location.line}" if one.location else ""),
            )
            for verdict in some
            for one in verdict.findings
            if one.severity is Severity.ERROR
        ]
        found, where = max(blocks, default=(0, ""))
        results.append(BudgetResult(name="block", limit_ns=budget.block_ns, found_ns=found, where=where))
    if budget.victim_p99_ns is not None:
        found, where = max((_victims(verdict) for verdict in some), default=(0, ""))
        results.append(
            BudgetResult(name="victim-p99", limit_ns=budget.victim_p99_ns, found_ns=found, where=where)
        )
    return tuple(results)


def _victims(verdict: Verdict) -> tuple[int, str]:
    """The 99th percentile of the innocent: the probe stream's, or the worst of routes that block nothing."""
    probes = [
        (cell.victim_p99_ns, cell.label) for cell in verdict.cells if cell.primary and cell.victim_p99_ns
    ]
    innocent = [
        (one.p99_ns, one.route) for one in verdict.handlers if one.status is Status.CLEAN and one.requests
    ]
    return max([*probes, *innocent], default=(0, ""))
