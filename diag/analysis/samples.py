"""Stacks as evidence: which stretch of a block each one stands for, and which of its lines count."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diag.analysis.blocks import Block
from diag.analysis.causes import amounts
from diag.analysis.source import FRAMEWORKS, Code, Line, package
from diag.analysis.timeline import Held
from diag.recording import Frame, Stack, StateSample, ThreadState

STATE_REACH_NS = 3_000_000
"""The watcher looks every 1 to 2 ms: a look further from a stack than this says nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """One stack of a block.

    Attributes:
        block: its block.
        held: its step.
        start_ns, end_ns: the stretch it stands for.
        chain: the lines that count, outermost first: the user's, or else the libraries'.
        user: True if they are the user's.
        waiting: True if its thread was off the CPU.
    """

    block: Block
    held: Held
    start_ns: int
    end_ns: int
    chain: tuple[Line, ...]
    user: bool
    waiting: bool

    @property
    def weight(self) -> int:
        """Nanoseconds it stands for."""
        return self.end_ns - self.start_ns

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
    mostly_off = split.waiting_ns + split.gil_wait_ns > split.cpu_ns
    moments = [_moment(stack, one) for stack, _ in pairs]
    cuts = [one.step.start_ns, *((a + b) // 2 for a, b in itertools.pairwise(moments))]
    for index, (_, (lines, user)) in enumerate(pairs):
        state = _state_at(one.states, moments[index])
        yield Sample(
            block=block,
            held=one,
            start_ns=cuts[index],
            end_ns=cuts[index + 1] if index + 1 < len(cuts) else one.step.end_ns,
            chain=lines,
            user=user,
            waiting=mostly_off if state is None else state is not ThreadState.RUNNING,
        )


def _moment(stack: Stack, one: Held) -> int:
    """When a stack was taken: between asking and knowing, and inside its step."""
    return min((stack.sent_ns + max(stack.sent_ns, stack.seen_ns)) // 2, one.step.end_ns)


def _state_at(states: Sequence[StateSample], at: int) -> ThreadState | None:
    index = bisect_left(states, at, key=lambda s: s.at_ns)
    near = [s for s in states[max(0, index - 1) : index + 1] if abs(s.at_ns - at) <= STATE_REACH_NS]
    return min(near, key=lambda s: abs(s.at_ns - at)).state if near else None


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
