"""Stacks as evidence: which stretch of a block each one stands for, and which of its lines count."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from diag.analysis.blocks import Block
from diag.analysis.causes import amounts
from diag.analysis.source import FRAMEWORKS, Code, Line, package
from diag.analysis.timeline import Held
from diag.recording import Frame, Stack, StateSample, ThreadState


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """One stack of a block.

    Attributes:
        block: its block.
        held: its step.
        stack: as it was recorded.
        start_ns, end_ns: the stretch it stands for.
        chain: the lines that count, outermost first: the user's, or else the libraries'.
        user: True if they are the user's.
        run_queue_ns: how long it was runnable and did not run meanwhile.
        cpu_ns: how long it was on the CPU meanwhile.
        moment: when the stack was taken.
    """

    block: Block
    held: Held
    stack: Stack
    start_ns: int
    end_ns: int
    chain: tuple[Line, ...]
    user: bool
    run_queue_ns: int
    cpu_ns: int
    moment: int

    @property
    def weight(self) -> int:
        """Nanoseconds it stands for, without run-queue wait."""
        return self.end_ns - self.start_ns - self.run_queue_ns

    @property
    def off_ns(self) -> int:
        """How long it was off the CPU meanwhile, waiting."""
        return self.weight - self.cpu_ns

    @property
    def leaf(self) -> Line:
        """The line where it was."""
        return self.chain[-1]


def of_block(block: Block, code: Code) -> tuple[Sample, ...]:
    """The samples of a block; together they stand for the whole of each step that has any."""
    return tuple(sample for one in block.held for sample in _of_step(block, one, code))


def _of_step(block: Block, one: Held, code: Code) -> Iterable[Sample]:
    stacks = one.stacks or tuple(s for s in one.spied if s.sent_ns >= one.step.start_ns)
    pairs = [(stack, chain) for stack in stacks if (chain := chain_of(stack.frames, code))[0]]
    split = amounts(one)
    moments = [_moment(stack, one) for stack, _ in pairs]
    # Between two stacks of different lines the change may have been anywhere: the middle is the mean.
    cuts = [one.step.start_ns, *((a + b) // 2 for a, b in pairwise(moments)), one.step.end_ns]
    for moment, (start, end), (stack, (lines, user)) in zip(moments, pairwise(cuts), pairs, strict=False):
        queue = min(stretch_of(one.states, start, end, _run_queue) or 0, end - start)
        own = end - start - queue
        cpu = _cpu_in(one.states, start, end, own)
        yield Sample(
            block=block,
            held=one,
            stack=stack,
            start_ns=start,
            end_ns=end,
            chain=lines,
            user=user,
            run_queue_ns=queue,
            cpu_ns=own * split.cpu_ns // (split.own_ns or 1) if cpu is None else min(cpu, own),
            moment=moment,
        )


def _moment(stack: Stack, one: Held) -> int:
    """When a stack was taken: between asking and knowing, and inside its step."""
    return min((stack.sent_ns + max(stack.sent_ns, stack.seen_ns)) // 2, one.step.end_ns)


def _cpu(state: StateSample) -> int | None:
    return state.cpu_ns


def _run_queue(state: StateSample) -> int | None:
    return state.run_queue_ns


KNOWN_SHARE = 0.5
"""The counters must be known for this share of a stretch to speak for it."""


def stretch_of(
    states: Sequence[StateSample], start: int, end: int, value: Callable[[StateSample], int | None]
) -> int | None:
    """How much a cumulative counter rose in a stretch, between looks by linear interpolation.

    None where it is known for too little of the stretch; from the known part to the whole by proportion.
    """
    known = [(state.at_ns, count) for state in states if (count := value(state)) is not None]
    if len(known) < 2:
        return None
    low, high = max(start, known[0][0]), min(end, known[-1][0])
    if high - low < KNOWN_SHARE * (end - start) or high <= low:
        return None
    rise = _interpolated(known, high) - _interpolated(known, low)
    return round(max(0.0, rise) * (end - start) / (high - low))


def _interpolated(known: Sequence[tuple[int, int]], at: int) -> float:
    index = bisect_right(known, at, key=lambda pair: pair[0]) - 1
    if index >= len(known) - 1:
        return known[-1][1]
    (before, low), (after, high) = known[index], known[index + 1]
    return low + (high - low) * (at - before) / max(1, after - before)


def _cpu_in(states: Sequence[StateSample], start: int, end: int, own: int) -> int | None:
    """CPU time in a stretch of which `own` ns are not run-queue wait, None if nothing is known of it.

    The counter decides. What looks found the thread doing is used where there is none: it is biased, as the
    signal that fetches a stack wakes a thread that waits.
    """
    cpu = stretch_of(states, start, end, _cpu)
    if cpu is not None:
        return cpu
    inside = [state for state in states if start <= state.at_ns <= end]
    running = sum(state.state is ThreadState.RUNNING for state in inside)
    return own * (2 * running >= len(inside)) if inside else None


def chain_of(frames: Sequence[Frame], code: Code) -> tuple[tuple[Line, ...], bool]:
    """The lines of a stack that count, outermost first, and whether they are the user's.

    Recursion is cut out, so that a function that calls itself stands there once, with its innermost line.
    """
    user = [frame for frame in reversed(frames) if code.is_user(frame.path)]
    if user:
        return _without_cycles(code.line(frame) for frame in user), True
    library = [frame for frame in reversed(frames) if package(frame.path) not in ("", "diag")]
    outside = [frame for frame in library if package(frame.path) not in FRAMEWORKS]
    # What a framework calls directly is what the user can name; what that calls in turn is its own affair.
    chosen = outside[:1] or library
    if not chosen:  # the standard library alone, below diag's own frames
        chosen = [
            frame for frame in frames if not frame.path.startswith("<") and not code.is_diag(frame.path)
        ][:1]
    return _without_cycles(code.line(frame) for frame in chosen), False


def _without_cycles(lines: Iterable[Line]) -> tuple[Line, ...]:
    chain: list[Line] = []
    for line in lines:
        known = [(one.path, one.function) for one in chain]
        if (line.path, line.function) in known:
            del chain[known.index((line.path, line.function)) :]
        chain.append(line)
    return tuple(chain)


def spied_of(one: Held, code: Code) -> tuple[Stack, ...]:
    """py-spy's stacks that are of this step for certain.

    Those asked for and seen inside it are. One asked for before it began (py-spy's start takes longer than
    most steps) is accepted if a stack by signal of the same step shows the same line.
    """
    leaves = {chain[-1] for stack in one.stacks if (chain := chain_of(stack.frames, code)[0])}

    def certain(stack: Stack) -> bool:
        if stack.sent_ns >= one.step.start_ns:
            return True
        chain = chain_of(stack.frames, code)[0]
        return bool(chain) and chain[-1] in leaves

    return tuple(stack for stack in one.spied if certain(stack))
