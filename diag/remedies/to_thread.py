"""`to-thread`: the outermost blocking call seen from the coroutine is made in a thread, and awaited.

Fits whatever waits, and what computes without the GIL. A thread that computes with the GIL still takes turns
with the loop, so there it is tried only to show that.
"""

from __future__ import annotations

from collections.abc import Iterator

from diag.finding import Cause
from diag.remedies.affinity import thread_bound
from diag.remedies.calls import Carrier, carry
from diag.remedies.case import Case
from diag.remedies.extraction import connection_block, extract, loop_around
from diag.remedies.locks import CANCELLED, lock_block, take_in_thread
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Host, Site, blocking_calls, calls_on_line, described
from diag.remedies.text import NotPossibleError
from diag.remedies.workload_files import delegate
from diag.remedy import Move, Refusal, Remedy

NAME = "to-thread"

_WHY = {
    Cause.WAITING: "a thread can wait as well as the loop's own, and the loop serves others meanwhile",
    Cause.CPU_NO_GIL: "without the GIL, a thread computes beside the loop",
    Cause.GIL_WAIT: "a thread can wait for the GIL as well as the loop's own",
}
_SAME_GIL = (
    "a thread holds the same GIL: the loop gets its turn only every 5 ms, or not at all inside one C call"
)
_SHARED = "What the call works on is now used in another thread, while other requests may run."
_CALLBACK = (
    "Let the callback hand the work on: `loop.run_in_executor(None, function, ...)`, or start a task that "
    "awaits `asyncio.to_thread(function, ...)`."
)


def propose(case: Case) -> Iterator[Remedy | Refusal]:
    """The call in a thread, or why a machine should not write it."""
    if not case.on_loop or case.finding.rule == "convoy":
        return
    if case.site is None:
        yield case.refused(
            NAME, "no coroutine of yours leads to this line: the loop calls it back", _CALLBACK
        )
        return
    expected = not case.computes
    try:
        yield _in_thread(case, case.site, expected=expected)
    except NotPossibleError as reason:
        yield case.refused(
            NAME,
            reason,
            f"Put what blocks into a function of its own, and call that: "
            f"`result = await asyncio.to_thread(that_function, ...)` in {case.site.function.name}.",
        )


def _in_thread(case: Case, site: Site, *, expected: bool) -> Remedy:
    bound = thread_bound(case)
    if bound:
        raise NotPossibleError(bound)
    rewrite = case.rewrite("the blocking call is made in a thread, and awaited" if expected else "")
    library, opening = _library(rewrite)
    caveats: tuple[str, ...] = (_SHARED,)
    block = lock_block(site) if case.cause is Cause.WAITING and site.own else None
    if site.host is Host.WORKLOAD:
        delegate(rewrite, site.function, f"{opening}{{}})", keywords=library == "asyncio")
        title = f"{site.function.name}() in a thread"
    elif block is not None and not list(calls_on_line(site)):
        lock = take_in_thread(rewrite, block, Carrier(opening=opening))
        title, caveats = f"{lock}.acquire() in a thread", (CANCELLED,)
    else:
        carrier = Carrier(opening=opening, keywords=library == "asyncio")
        title = f"{_move(rewrite, site, carrier, loops=case.cause is not Cause.WAITING)} in a thread"
    return case.changed(
        NAME,
        rewrite,
        title=title,
        move=Move.THREAD,
        pool=case.threads(library),
        why=_WHY.get(case.cause, _SAME_GIL),
        caveats=caveats,
        expected=expected,
    )


def _move(rewrite: Rewrite, site: Site, carrier: Carrier, *, loops: bool) -> str:
    """Move the call, a block with its connection, or a loop that computes; what was moved, in words."""
    piece = (connection_block(site) or (loop_around(site) if loops else None)) if site.own else None
    if piece is not None:
        name = extract(
            rewrite, site, piece, lambda f, names: f"await {carrier.opening}{', '.join([f, *names])})"
        )
        return f"{name}()"
    calls = blocking_calls(site)
    for call in calls:
        carry(rewrite, site, call, carrier)
    return described(calls[0])


def _library(rewrite: Rewrite) -> tuple[str, str]:
    """What the file runs its threads with: anyio's if it uses anyio and not asyncio."""
    origins = set(rewrite.source.origins.values())
    heads = {one.partition(".")[0] for one in origins}
    if "trio" in heads:
        raise NotPossibleError("the file uses trio, and diag has measured an asyncio loop")
    if "anyio" in heads and "asyncio" not in heads:
        return "anyio", f"{rewrite.module('anyio.to_thread')}.run_sync("
    return "asyncio", f"{rewrite.module('asyncio')}.to_thread("
