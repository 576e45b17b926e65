"""What a failed test says, and the section at the end. Text of the tests' own is made harmless."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from diag.guarding.blocked import Blocked, Judgement
from diag.reports.text import clean
from diag.units import count, duration, plural

MOST_BLOCKS = 3
MOST_LISTED = 40
_MOST_CALLERS = 4

_REMARKS = {
    Judgement.STARVED: "the machine had no CPU for them (run-queue wait)",
    Judgement.GARBAGE: "of a garbage collection meanwhile",
    Judgement.OTHERS_STARVED: "the machine had no CPU for other threads that they waited for",
    Judgement.PAUSED: "the whole machine stood still meanwhile, or may have",
    Judgement.DEBUGGER: "of a debugger",
}


@dataclass(slots=True, kw_only=True)
class Sums:
    """What all processes of a test session add up to.

    Attributes:
        tests: that were watched.
        with_loop: of them, those that ran an event loop.
        steps: that were timed.
        canaries: sentences on the known blocks, one a process; "" for those that were found.
        notes: why something could not be seen.
    """

    tests: int = 0
    with_loop: int = 0
    steps: int = 0
    canaries: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __iadd__(self, other: Sums) -> Self:
        self.tests += other.tests
        self.with_loop += other.with_loop
        self.steps += other.steps
        self.canaries += other.canaries
        self.notes = tuple(dict.fromkeys((*self.notes, *other.notes)))
        return self


def failure(blocked: Sequence[Blocked]) -> str:
    """What a test fails with; the first line stands alone in summaries."""
    longest = max(blocked, key=lambda one: one.own_ns)
    parts = [_headline(longest)]
    parts += ["\n".join(_block(one)) for one in blocked[:MOST_BLOCKS]]
    if len(blocked) > MOST_BLOCKS:
        parts.append(f"and {plural(len(blocked) - MOST_BLOCKS, 'more block')} of this test")
    return "\n\n".join(parts)


def _headline(one: Blocked) -> str:
    where = f" at {clean(one.path)}:{one.line}" if one.path else f" in {clean(one.label)}"
    return f"Held the event loop for {duration(one.own_ns)}{where} (budget {duration(one.budget_ns)})"


def _block(one: Blocked) -> Iterator[str]:
    if one.path:
        yield f"{clean(one.path)}:{one.line}: in {clean(one.function)}"
        yield f"{one.line:>8} | {clean(one.text)}"
    else:
        yield f"{clean(one.label)}: no stack was taken in time, so that the line was not seen"
    yield f"  held : {duration(one.own_ns)}" + _beside(one)
    if one.causes:
        yield f"  cause: {one.causes}"
    if one.why:
        yield f"  why  : {one.why}"
    if one.via:
        yield f"  via  : {' > '.join(map(clean, one.via[-_MOST_CALLERS:]))}"
    if one.fixture:
        yield f"  when : {one.when}, in the fixture {clean(one.fixture)} ({one.scope} scope)"
    if one.advice:
        yield f"  fix  : {clean(one.advice)}"


def _beside(one: Blocked) -> str:
    """What was not counted."""
    parts = [
        f"{duration(ns)} {what}"
        for ns, what in ((one.run_queue_ns, "run-queue wait"), (one.gc_ns, "garbage collection"))
        if ns >= one.budget_ns // 10
    ]
    return f", besides {' and '.join(parts)}, which do not count" if parts else ""


def section(blocked: Sequence[Blocked], sums: Sums, budget_ns: int) -> Iterator[str]:
    """The lines of the section at the end."""
    yield _data(sums, budget_ns)
    yield from (f"note: {clean(note)}" for note in sums.notes)
    by: dict[str, list[Blocked]] = defaultdict(list)
    for one in blocked:
        by[one.judgement].append(one)
    failed = sorted(by[Judgement.BLOCKED], key=lambda one: -one.own_ns)
    yield from _listed("BLOCKED", failed)
    yield from _listed("ALLOWED", by[Judgement.ALLOWED])
    yield from _listed("SHARED FIXTURE, fails no test", by[Judgement.SHARED])
    yield from _listed("BEGAN BEFORE the test that it ended in, fails no test", by[Judgement.EARLIER])
    for kind, remark in _REMARKS.items():
        some = by[kind]
        if some:
            worst = max(some, key=lambda one: one.wall_ns)
            yield (
                f"not counted: {plural(len(some), 'step')} looked too long because {remark}; "
                f"the longest took {duration(worst.wall_ns)} in {clean(worst.test)}"
            )
    if not failed:
        yield "no test held its event loop for longer than its budget"


def _data(sums: Sums, budget_ns: int) -> str:
    lost = [one for one in sums.canaries if one]
    planted = len(sums.canaries)
    canary = f"canaries found: {planted - len(lost)} of {planted}" if planted else "no canary"
    if lost:
        canary += f" ({lost[0]}: blocks may have been missed)"
    return (
        f"data: {count(sums.with_loop)} of {plural(sums.tests, 'test')} ran an event loop; "
        f"{plural(sums.steps, 'step')} timed; budget {duration(budget_ns)}; {canary}"
    )


def _listed(title: str, some: Sequence[Blocked]) -> Iterator[str]:
    for one in some[:MOST_LISTED]:
        where = f"{one.path}:{one.line}" if one.path else one.label
        fixture = f" in the {one.scope} fixture {one.fixture}" if one.fixture else ""
        yield (
            f"{title} {duration(one.own_ns)} {clean(where)} | {clean(one.test)} ({one.when}{clean(fixture)})"
            + (f" | {one.causes}" if one.causes else "")
        )
    if len(some) > MOST_LISTED:
        yield f"{title}: {count(len(some) - MOST_LISTED)} more"


def count_by(blocked: Iterable[Blocked], kind: Judgement) -> int:
    """How many are of a kind."""
    return sum(one.judgement == kind for one in blocked)
