"""Blocks as stacks over time, for the viewers of other projects: which stack held a lane, from when to when.

A stack is seen at a moment, and stands for the stretch around it, up to the middle between it and its
neighbours (`diag.analysis.samples`). So every block is covered from its beginning to its end, and a stack's
weight is a duration, however often it was looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from diag.analysis.blocks import Block
from diag.analysis.case import Case
from diag.analysis.samples import of_block
from diag.analysis.source import Code
from diag.analysis.timeline import Held
from diag.recording import Frame, Lane

UNSEEN = Frame(path="", line=0, function="(no stack was taken)")
STARVED = Frame(path="", line=0, function="(waiting for a CPU: the machine ran something else)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of a block, and the stack that stands for it.

    Attributes:
        lane: whose time it is.
        scope: the route, or else the coroutine, that it was about.
        start_ns, end_ns: its wall time.
        frames: outermost first; `UNSEEN` alone where no stack is known, `STARVED` innermost where the
            machine did not run the thread.
        begins: True if a step of the lane begins with it.
    """

    lane: Lane
    scope: str
    start_ns: int
    end_ns: int
    frames: tuple[Frame, ...]
    begins: bool

    @property
    def duration_ns(self) -> int:
        """Its length."""
        return self.end_ns - self.start_ns


def held_blocks(case: Case) -> tuple[Block, ...]:
    """Every block, convoy and long request of a run, those of all lanes in order of their start."""
    found = case.found
    every = (*found.blocks, *found.convoys, *found.collected, *found.holds)
    return tuple(sorted(every, key=lambda block: (block.start_ns, block.lane.lane_id)))


def stretches(case: Case) -> tuple[tuple[Lane, tuple[Stretch, ...]], ...]:
    """Every block of a run as stretches in order of time, lane by lane; those of one lane never overlap."""
    lanes: dict[int, list[Stretch]] = {lane.lane_id: [] for lane in case.run.lanes}
    for block in held_blocks(case):
        lanes[block.lane.lane_id] += stretches_of(block, case.code)
    ordered = ((lane, sorted(lanes[lane.lane_id], key=lambda one: one.start_ns)) for lane in case.run.lanes)
    return tuple((lane, tuple(some)) for lane, some in ordered)


def stretches_of(block: Block, code: Code) -> Iterator[Stretch]:
    """One block as stretches that follow each other, and cover each of its steps."""
    samples = of_block(block, code)
    for one in block.held:
        mine = [sample for sample in samples if sample.held is one]
        if not mine:
            yield from _starving(one, one.step.start_ns, one.step.end_ns, one.run_queue_ns, (UNSEEN,))
        for sample in mine:
            frames = _shown(sample.stack.frames, code)
            yield from _starving(one, sample.start_ns, sample.end_ns, sample.run_queue_ns, frames)


@dataclass(frozen=True, slots=True)
class Edge:
    """A frame that begins or ends to hold a lane: what a flame chart is drawn from.

    Attributes:
        at_ns: when.
        opens: True if it begins.
        frame: which; frames close in the reverse order of their opening.
    """

    at_ns: int
    opens: bool
    frame: Frame


def edges(some: Iterable[Stretch]) -> Iterator[Edge]:
    """Stretches of one lane as frames that open and close; a frame stays open from one stack to the next.

    The outermost frame is the route or coroutine. Frames never stay open from one step to another.
    """
    stack: list[Frame] = []
    last_ns = 0
    for one in some:
        frames = (Frame(path="", line=0, function=one.scope or "(no request)"), *one.frames)
        same = 0
        if not one.begins and one.start_ns == last_ns:
            same = next(
                (n for n, (a, b) in enumerate(zip(stack, frames, strict=False)) if a != b), len(stack)
            )
        yield from (Edge(last_ns, False, frame) for frame in reversed(stack[same:]))
        yield from (Edge(one.start_ns, True, frame) for frame in frames[same:])
        stack[same:] = frames[same:]
        last_ns = one.end_ns
    yield from (Edge(last_ns, False, frame) for frame in reversed(stack))


def _starving(
    one: Held, start: int, end: int, run_queue_ns: int, frames: tuple[Frame, ...]
) -> Iterator[Stretch]:
    """A stretch, the part in which its thread was not run at its end: when it was is not known."""
    ran_until = max(start, end - run_queue_ns)
    for low, high, stack in ((start, ran_until, frames), (ran_until, end, (*frames, STARVED))):
        if high > low:
            begins = low == one.step.start_ns
            yield Stretch(
                lane=one.lane, scope=one.scope, start_ns=low, end_ns=high, frames=stack, begins=begins
            )


def _shown(frames: tuple[Frame, ...], code: Code) -> tuple[Frame, ...]:
    """A stack, outermost first, without diag's own frames, functions by their qualified names."""
    return tuple(
        Frame(
            path=frame.path,
            line=frame.line,
            function=code.function(frame.path, frame.line) or frame.function,
        )
        for frame in reversed(frames)
        if not code.is_diag(frame.path)
    )
