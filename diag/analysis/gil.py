"""Whether a culprit's computing holds the GIL: what py-spy saw of it, or what its stacks prove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from diag.analysis.blocks import Block
from diag.analysis.causes import GilKnowledge
from diag.analysis.samples import Sample, chain_of, spied_of
from diag.analysis.source import Code, Line
from diag.analysis.timeline import Held

SECOND_LINE_SHARE = 0.15
"""A line with a smaller share of the samples may be chance."""


def knowledge(blocks: Iterable[Block], samples: Sequence[Sample], code: Code) -> GilKnowledge:
    """What is known of the GIL over all blocks of a culprit.

    py-spy looks at most about four times a second, so that most blocks have no look of their own; the looks
    at other blocks of the same culprit speak for them.

    Args:
        blocks: the culprit's.
        samples: the stacks that made it the culprit; none where its line was not seen.
        code: source text.
    """
    lines = {(sample.leaf.path, sample.leaf.line) for sample in samples}
    functions = {(sample.leaf.path, sample.leaf.function) for sample in samples}
    held = free = 0
    for stack in (stack for block in blocks for one in block.held for stack in spied_of(one, code)):
        if not stack.active or stack.owns_gil is None:
            continue
        leaf = next(iter(chain_of(stack.frames, code)[0][-1:]), None)
        if not samples or (
            leaf and ((leaf.path, leaf.line) in lines or (leaf.path, leaf.function) in functions)
        ):
            held += stack.owns_gil
            free += not stack.owns_gil
    return GilKnowledge(held=held, free=free, bytecode=_runs_bytecode(samples, code))


def _runs_bytecode(samples: Sequence[Sample], code: Code) -> bool:
    """True if a loop that only counts is seen at its head as well as in its body, and calls nothing there.

    The head of such a loop takes some ten nanoseconds: when it has a good share of the time, the passes are
    as short, and the interpreter itself is at work, which holds the GIL. Other lines prove nothing: an
    array's product is one operator and may let the GIL go, and a database cursor's loop waits at its head.
    """
    weights: Counter[Line] = Counter()
    for sample in samples:
        weights[sample.leaf] += sample.weight
    hot = [line for line, weight in weights.items() if weight >= SECOND_LINE_SHARE * sum(weights.values())]
    heads = [line for line in hot if code.counts(line.path, line.line)]
    body = [line for line in hot if line not in heads]
    return bool(heads and body) and not any(code.calls(line.path, line.line) for line in body)


def owner(held: Iterable[Held], code: Code) -> Line | None:
    """The line that most often had the GIL while some steps waited for it, None if none was seen."""
    seen: Counter[Line] = Counter()
    for stack in (stack for one in held for stack in one.spied):
        chain = chain_of(stack.gil_owner, code)[0] if stack.gil_owner and not stack.owns_gil else ()
        if chain:
            seen[chain[-1]] += 1
    return max(seen, key=lambda line: (seen[line], line), default=None)
