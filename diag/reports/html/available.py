"""Loop availability: the worst window of each length, and the distributions of steps and waits."""

from __future__ import annotations

from diag import units
from diag.analysis.availability import busy_stretches, distribution, worst_windows
from diag.analysis.case import Case
from diag.reports.html.charts import Availability, Ridges
from diag.reports.html.compared import axis_of, ridge
from diag.reports.html.figures import LogAxis, below, curve

_NAMED_NS = (10_000_000, 100_000_000, 1_000_000_000)


def availability(case: Case) -> Availability | None:
    """How available the worst lane was, None where no step could be seen."""
    if not case.run.lanes:
        return None
    windows = worst_windows(busy_stretches(case), case.timeline.window)
    if not windows:
        return None
    axis = LogAxis.around(one.length_ns for one in windows)
    named = [
        min(windows, key=lambda one: abs(one.length_ns - wanted))
        for wanted in _NAMED_NS
        if wanted <= windows[-1].length_ns
    ]
    samples = [
        (units.duration(one.length_ns), units.whole_percent(one.share)) for one in (*named, windows[-1])
    ]
    samples[-1] = ("the whole time", samples[-1][1])
    return Availability(
        axis=axis,
        line=curve(windows, axis),
        area=below(windows, axis),
        samples=tuple(dict.fromkeys(samples)),
        ridges=_steps(case),
        note=_note(case),
    )


def _steps(case: Case) -> Ridges | None:
    held = [one for one in case.timeline.held if not one.canary]
    steps = distribution(one.wall_ns for one in held)
    lag = distribution(
        held.step.end_ns - max(waiter.since_ns, 0)
        for held in held
        for waiter in held.step.waiters
        if 0 < waiter.since_ns < held.step.end_ns
    )
    rows = [
        ("step length", steps, "how long a step held its lane"),
        ("lag", lag, "from ready to run, behind a step"),
    ]
    shown = [(label, found, note) for label, found, note in rows if found is not None]
    if not shown:
        return None
    axis = axis_of(found for _, found, _ in shown)
    return Ridges(
        title="Steps and waits",
        lead="Steps of 1 ms and longer, and how long others were ready while one ran.",
        axis=axis,
        ridges=tuple(ridge(label, found, axis, note=note) for label, found, note in shown),
    )


def _note(case: Case) -> str:
    steps = sum(total.steps for total in case.run.totals)
    recorded = len(case.timeline.held)
    short = max(0, steps - recorded)
    if not steps:
        return ""
    return f"{units.count(short)} of {units.plural(steps, 'step')} took less than 1 ms and are only counted."
