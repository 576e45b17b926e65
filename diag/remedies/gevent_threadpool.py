"""`gevent-threadpool`: on gevent's hub, what blocks in C goes to a thread, and the greenlet waits."""

from __future__ import annotations

from collections.abc import Iterator

from diag.remedies.affinity import thread_bound
from diag.remedies.calls import Carrier, carry
from diag.remedies.case import Case
from diag.remedies.sites import Host, blocking_calls, described
from diag.remedies.text import NotPossibleError
from diag.remedy import Move, Refusal, Remedy

NAME = "gevent-threadpool"

THREADS = 10
"""gevent's default size of the hub's pool (`GEVENT_THREADPOOL`)."""


def propose(case: Case) -> Iterator[Remedy | Refusal]:
    """The call in the hub's pool; nothing outside of gevent."""
    site = case.site
    if case.setting.loop != "gevent" or site is None or site.host is not Host.GREENLET:
        return
    expected = not case.computes
    try:
        bound = thread_bound(case)
        if bound:
            raise NotPossibleError(bound)
        rewrite = case.rewrite()
        opening = f"{rewrite.module('gevent')}.get_hub().threadpool.spawn("
        calls = blocking_calls(site)
        for call in calls:
            carry(rewrite, site, call, Carrier(opening=opening, awaited=False, closing=".get()"))
        yield case.changed(
            NAME,
            rewrite,
            title=f"{described(calls[0])} in gevent's threadpool",
            move=Move.THREAD,
            pool=THREADS,
            why="while a thread does it, the hub runs other greenlets"
            if expected
            else "a thread holds the same GIL as the hub",
            caveats=(
                "What the call works on is now used in a real thread, where gevent's locks do not work.",
            ),
            expected=expected,
        )
    except NotPossibleError as reason:
        yield case.refused(
            NAME, reason, "Call what blocks so: `gevent.get_hub().threadpool.apply(function, (arguments,))`."
        )
