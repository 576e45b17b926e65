"""The blame matrix: culprit line × victim route, in request-milliseconds, with the worst examples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from diag import units
from diag.analysis.debts import Debt
from diag.finding import Finding
from diag.reports import sentences
from diag.reports.html.cards import heat
from diag.reports.html.model import Matrix, MatrixCell, Worst
from diag.reports.html.timeline import owner
from diag.reports.html.words import short

MOST_COLUMNS = 8
MOST_ROWS = 20
MOST_EXAMPLES = 5


def matrix(
    findings: Sequence[Finding], owed: Sequence[Sequence[Debt]], indices: Mapping[int, int]
) -> Matrix | None:
    """The matrix, None if nobody waited.

    Args:
        findings: with clean texts.
        owed: the debts of each.
        indices: of requests in the timeline.
    """
    rows = [number for number, finding in enumerate(findings) if finding.victims][:MOST_ROWS]
    totals: dict[str, int] = defaultdict(int)
    for number in rows:
        for group in findings[number].victims:
            totals[group.label] += group.total_ns
    if not totals:
        return None
    ranked = sorted(totals, key=lambda label: (-totals[label], label))
    columns = ranked[:MOST_COLUMNS]
    most = max(group.total_ns for number in rows for group in findings[number].victims)
    left = len(ranked) - len(columns)
    return Matrix(
        columns=tuple(columns),
        rows=tuple(_row(number, findings[number], owed[number], columns, most, indices) for number in rows),
        totals=tuple(amount(totals[label]) for label in columns),
        left_out=f"{units.plural(left, 'route')} with less delay left out" if left > 0 else "",
    )


def amount(ns: int) -> str:
    """Request-milliseconds, with a thousands separator and without a unit."""
    value = ns / 1_000_000
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _row(
    number: int,
    finding: Finding,
    owed: Sequence[Debt],
    columns: Sequence[str],
    most: int,
    indices: Mapping[int, int],
) -> tuple[str, str, tuple[MatrixCell, ...], str]:
    groups = {group.label: group for group in finding.victims}
    worst = _worst(owed, indices)
    cells = []
    for label in columns:
        group = groups.get(label)
        if group is None:
            cells.append(MatrixCell(text="", heat=0, count="nobody"))
            continue
        cells.append(
            MatrixCell(
                text=amount(group.total_ns),
                heat=heat(group.total_ns / most),
                count=units.plural(group.count, "time" if group.worst_request == 0 else "request"),
                worst=worst.get(label, ())[:MOST_EXAMPLES],
                finding=number,
                label=label,
            )
        )
    place = sentences.where(finding.location) if finding.location else "line not known"
    total = sum(group.total_ns for group in finding.victims)
    return place, finding.title, tuple(cells), amount(total)


def _worst(owed: Sequence[Debt], indices: Mapping[int, int]) -> dict[str, tuple[Worst, ...]]:
    """The most delayed requests of each route, with their delay by all blocks of the finding."""
    sums: dict[int, int] = defaultdict(int)
    labels: dict[int, str] = {}
    for debt in owed:
        key = owner(debt)
        sums[key] += debt.ns
        if debt.exchange is not None:
            labels[key] = short(debt.exchange.request.route)
        elif debt.wait is not None:
            labels[key] = short(debt.wait.label)
    by_label: dict[str, list[int]] = defaultdict(list)
    for key in sorted(sums, key=lambda key: -sums[key]):
        by_label[labels[key]].append(key)
    return {
        label: tuple(
            Worst(request=indices.get(key, -1), text=f"+{units.duration(sums[key])}")
            for key in keys[:MOST_EXAMPLES]
        )
        for label, keys in by_label.items()
    }
