"""Why a step held its lane: on the CPU, waiting, waiting for the GIL, or starved by the machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diag.analysis.timeline import Held
from diag.finding import Cause, CauseShare
from diag.recording import Stack, ThreadState

_WAIT_WORDS = frozenset(
    {
        "accept", "acquire", "communicate", "connect", "get", "getaddrinfo", "join", "poll", "read",
        "readinto", "readline", "recv", "recv_into", "result", "select", "send", "sendall", "sleep",
        "wait", "write",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """A stretch of time, split; the parts add up to its wall time.

    Attributes:
        cpu_ns: on the CPU, with or without the GIL.
        waiting_ns: off the CPU.
        gil_wait_ns: off the CPU while another thread held the GIL.
        run_queue_ns: runnable and not running.
    """

    cpu_ns: int = 0
    waiting_ns: int = 0
    gil_wait_ns: int = 0
    run_queue_ns: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            cpu_ns=self.cpu_ns + other.cpu_ns,
            waiting_ns=self.waiting_ns + other.waiting_ns,
            gil_wait_ns=self.gil_wait_ns + other.gil_wait_ns,
            run_queue_ns=self.run_queue_ns + other.run_queue_ns,
        )

    @property
    def own_ns(self) -> int:
        """All but the machine's part."""
        return self.cpu_ns + self.waiting_ns + self.gil_wait_ns

    @property
    def held_ns(self) -> int:
        """What the code of the lane itself is to blame for."""
        return self.cpu_ns + self.waiting_ns


def amounts(one: Held) -> Amounts:
    """Split a step's wall time.

    CPU and run-queue time are the thread's own counters. The rest, off the CPU, is divided by what the
    watcher saw. Where there is no CPU counter the watcher's looks divide all of it.
    """
    own = one.own_ns
    cpu = min(one.cpu_ns, own) if one.cpu_ns is not None else _cpu_by_looks(one, own)
    gil = _gil_wait_of(one, own - cpu)
    return Amounts(cpu_ns=cpu, gil_wait_ns=gil, waiting_ns=own - cpu - gil, run_queue_ns=one.run_queue_ns)


def total(parts: Iterable[Amounts]) -> Amounts:
    """The sum of some."""
    return sum(parts, Amounts())


def _count(one: Held, state: ThreadState) -> int:
    return sum(sample.state is state for sample in one.states)


def _cpu_by_looks(one: Held, own: int) -> int:
    if one.states:
        return own * _count(one, ThreadState.RUNNING) // len(one.states)
    seen = [stack.active for stack in one.spied if stack.active is not None]
    if seen:
        return own * sum(seen) // len(seen)
    return 0 if one.stacks and all(_leaf_waits(stack) for stack in one.stacks) else own


def _gil_wait_of(one: Held, off: int) -> int:
    waiting, gil = _count(one, ThreadState.WAITING), _count(one, ThreadState.GIL_WAIT)
    if waiting + gil:
        return off * gil // (waiting + gil)
    known = [stack for stack in one.spied if stack.active is not None]
    if known and not one.states:
        return off * sum(_waits_for_gil(stack) for stack in known) // len(known)
    return 0


def _waits_for_gil(stack: Stack) -> bool:
    """Idle, without the GIL, somebody else has it, and the innermost line is no wait of its own."""
    return not stack.active and not stack.owns_gil and bool(stack.gil_owner) and not _leaf_waits(stack)


def _leaf_waits(stack: Stack) -> bool:
    return bool(stack.frames) and stack.frames[0].function in _WAIT_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class GilKnowledge:
    """What was seen of the GIL while a culprit was on the CPU.

    Attributes:
        held: looks at which it held the GIL.
        free: looks at which it did not.
        bytecode: True if its stacks show that it runs Python code, which needs the GIL.
    """

    held: int = 0
    free: int = 0
    bytecode: bool = False


PROPORTIONAL_FROM = 4
"""From so many looks on the CPU time is divided as they say; of 40, 39 were right (measured), so that of a
few the majority is the better estimate."""


COMPUTES_SHARE = 0.2
"""Below this share of CPU time a culprit mostly waits, and a look that finds it on the CPU finds it going to
sleep or waking up: what it shows of the GIL is not what its computing does."""


def shares(split: Amounts, gil: GilKnowledge) -> tuple[CauseShare, ...]:
    """The split with its causes named, largest first, nothing of 0 ns."""
    computes = split.cpu_ns >= COMPUTES_SHARE * split.own_ns
    held, free = _divide_cpu(split.cpu_ns, gil) if computes else (0, 0)
    named = [
        (Cause.CPU_GIL, held),
        (Cause.CPU_NO_GIL, free),
        (Cause.CPU, split.cpu_ns - held - free),
        (Cause.WAITING, split.waiting_ns),
        (Cause.GIL_WAIT, split.gil_wait_ns),
        (Cause.RUN_QUEUE, split.run_queue_ns),
    ]
    found = [CauseShare(cause=cause, ns=ns) for cause, ns in named if ns > 0]
    return tuple(sorted(found, key=lambda share: -share.ns))


def _divide_cpu(cpu: int, gil: GilKnowledge) -> tuple[int, int]:
    looks = gil.held + gil.free
    if looks >= PROPORTIONAL_FROM:
        held = cpu * gil.held // looks
        return held, cpu - held
    if looks:
        return (cpu, 0) if gil.held >= gil.free else (0, cpu)
    return (cpu, 0) if gil.bytecode else (0, 0)


def main_cause(causes: Sequence[CauseShare]) -> Cause | None:
    """The largest share that is the code's own; the machine's part only if there is no other."""
    own = [share for share in causes if share.cause is not Cause.RUN_QUEUE]
    ranked = own or list(causes)
    if not ranked:
        return None
    cpu = (Cause.CPU, Cause.CPU_GIL, Cause.CPU_NO_GIL)
    on_cpu = [share for share in ranked if share.cause in cpu]
    best = max(ranked, key=lambda share: share.ns)
    if sum(share.ns for share in on_cpu) > best.ns:
        return max(on_cpu, key=lambda share: share.ns).cause
    return best.cause
