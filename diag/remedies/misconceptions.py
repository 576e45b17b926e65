"""`sleep-zero` and `async-wrapper`: what is often tried and does not help; measured, to be seen not to.

``await asyncio.sleep(0)`` in front of a blocking call lets others run once, before the loop is held as long
as ever. `async def` in front of a synchronous library makes a coroutine that blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

from diag.finding import Cause
from diag.remedies.calls import Carrier, carry
from diag.remedies.case import Case
from diag.remedies.sites import Host, Site, blocking_calls
from diag.remedies.text import NotPossibleError
from diag.remedies.workload_files import make_async
from diag.remedy import Move, Remedy

_WRAPPER = """
async def {name}(call, *arguments, **named):
    return call(*arguments, **named)
"""

NAMES = ("sleep-zero", "async-wrapper")


def propose(case: Case) -> Iterator[Remedy]:
    """Both, where they can be written; they are never recommended, so a failure to write them is none."""
    if not case.on_loop or case.site is None:
        return
    for make in (_sleep_zero, _async_wrapper):
        try:
            yield make(case, case.site)
        except NotPossibleError:
            continue


def _sleep_zero(case: Case, site: Site) -> Remedy:
    source = site.source
    rewrite = case.rewrite()
    if site.host is Host.WORKLOAD:
        make_async(rewrite, site.function)
    first = next(
        (one for one in site.function.body if one.lineno <= site.line <= (one.end_lineno or one.lineno)), None
    )
    if first is None or first.lineno == site.function.lineno:
        raise NotPossibleError("the function is written on one line")
    asyncio = rewrite.module("asyncio")
    at = source.line_start(first.lineno)
    rewrite.replace(at, at, f"{source.indent(first)}await {asyncio}.sleep(0)\n")
    return case.changed(
        "sleep-zero",
        rewrite,
        title="asyncio.sleep(0) before it",
        move=Move.SPLIT,
        why="others run once before the loop is held, and it is then held as long as ever",
        expected=False,
    )


def _async_wrapper(case: Case, site: Site) -> Remedy:
    if case.cause is not Cause.WAITING:
        raise NotPossibleError("only waiting is often taken for asynchronous")
    rewrite = case.rewrite()
    if site.host is Host.WORKLOAD:
        make_async(rewrite, site.function)
    else:
        calls = blocking_calls(site)
        name = rewrite.define_once("_awaitable", _WRAPPER)
        for call in calls:
            carry(rewrite, site, call, Carrier(opening=f"{name}("))
    return case.changed(
        "async-wrapper",
        rewrite,
        title="async def around it",
        move=Move.SPLIT,
        why="a coroutine that awaits nothing holds the loop like any function",
        expected=False,
    )
