"""`yield`: a loop that computes in a coroutine lets others in every few milliseconds.

It costs nothing but the pauses, and the answer comes no sooner. What the loop works on must not be changed by
others meanwhile, which a machine cannot know.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from diag.remedies.case import Case
from diag.remedies.extraction import loop_around
from diag.remedies.sites import Host, Site
from diag.remedies.text import NotPossibleError
from diag.remedy import Move, Refusal, Remedy

NAME = "yield"

PAUSE_AFTER_S = "0.004"
"""Below half of the default threshold of 10 ms, and well above what a pass of the loop costs."""


def propose(case: Case) -> Iterator[Remedy | Refusal]:
    """A pause in the loop; nothing where the culprit is no loop of the coroutine's own."""
    site = case.site
    if (
        not (case.computes and case.on_loop)
        or site is None
        or not site.own
        or site.host is not Host.COROUTINE
    ):
        return
    loop = loop_around(site)
    if loop is None:
        return
    try:
        yield _with_pauses(case, site, loop)
    except NotPossibleError as reason:
        yield case.refused(
            NAME, reason, "Put `await asyncio.sleep(0)` into the loop, once in a few milliseconds."
        )


def _with_pauses(case: Case, site: Site, loop: ast.For | ast.While) -> Remedy:
    source = site.source
    body = loop.body[0]
    inner = _innermost(loop, site.line)
    body = inner.body[0]
    if body.lineno == inner.lineno:
        raise NotPossibleError("the loop is written on one line")
    rewrite = case.rewrite("the loop pauses every few milliseconds, and others run")
    asyncio, time = rewrite.module("asyncio"), rewrite.module("time")
    name = source.fresh("_resumed")
    outer = source.indent(loop)
    start = source.line_start(loop.lineno)
    rewrite.replace(start, start, f"{outer}{name} = {time}.monotonic()\n")
    inside = source.indent(body)
    at = source.line_start(body.lineno)
    pause = (
        f"{inside}if {time}.monotonic() - {name} > {PAUSE_AFTER_S}:\n"
        f"{inside}    await {asyncio}.sleep(0)\n"
        f"{inside}    {name} = {time}.monotonic()\n"
    )
    rewrite.replace(at, at, pause)
    return case.changed(
        NAME,
        rewrite,
        title="pauses in the loop",
        move=Move.SPLIT,
        why="between two of its passes the loop can serve others",
        caveats=(
            "Others run in the pauses: what the loop works on must not be theirs to change.",
            "Several such requests at a time each run for a few milliseconds in one pass of the loop.",
        ),
        safe=False,
    )


def _innermost(loop: ast.For | ast.While, line: int) -> ast.For | ast.While:
    """The innermost loop around a line: a pass of it is the shortest piece."""
    found = [
        node
        for node in ast.walk(loop)
        if isinstance(node, ast.For | ast.While) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(found, key=lambda node: node.lineno)
