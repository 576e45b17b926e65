"""`batch`: a convoy's steps run one after the other, with everybody else in between.

`gather` starts all of its coroutines at once. If these await nothing, that gains nothing: the loop runs all
of them before it looks at its sockets again. Taking turns costs no time, as there was nothing to overlap.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from diag.remedies.calls import needs_parentheses
from diag.remedies.case import Case
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Site
from diag.remedies.text import NotPossibleError, Source, awaits, dotted
from diag.remedy import Move, Refusal, Remedy

NAME = "batch"

_TURN = '''
{name}_lock = {asyncio}.Lock()


async def {name}(step):
    """Await one step while no other runs, then let everybody else run once."""
    async with {name}_lock:
        result = await step
        await {asyncio}.sleep(0)
    return result
'''


def propose(case: Case) -> Iterator[Remedy | Refusal]:
    """Turns in place of `gather`; nothing where the finding is no convoy."""
    site = case.site
    if case.finding.rule != "convoy" or not case.on_loop or site is None:
        return
    try:
        yield _in_turn(case, site)
    except NotPossibleError as reason:
        yield case.refused(
            NAME,
            reason,
            "Do one step after the other under an `asyncio.Lock`, and `await asyncio.sleep(0)` after each.",
        )


def _in_turn(case: Case, site: Site) -> Remedy:
    if awaits(site.function):
        raise NotPossibleError(
            f"{site.function.name} awaits in between, so its steps may overlap for a reason"
        )
    source = site.source
    gathers = list(_gathers(source, site.function.name))
    if len(gathers) != 1:
        raise NotPossibleError(
            f"the place that starts all the steps of {site.function.name} at once was not found"
        )
    gather, steps = gathers[0]
    rewrite = case.rewrite("the steps take turns, with everybody else in between")
    name = rewrite.define_once("_in_turn", _TURN, asyncio=rewrite.module("asyncio"))
    _replace(rewrite, source, gather, steps, name)
    return case.changed(
        NAME,
        rewrite,
        title="one step at a time",
        move=Move.SPLIT,
        why="between two steps the loop serves others; together they take as long as before",
        caveats=("All requests share the turns, and the loop that used them first owns them.",),
    )


def _gathers(source: Source, name: str) -> Iterator[tuple[ast.Await, ast.GeneratorExp | ast.ListComp]]:
    """``await asyncio.gather(*(step(...) for ...))`` of a function."""
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Await) and isinstance(node.value, ast.Call)):
            continue
        call = node.value
        starred = call.args[0] if len(call.args) == 1 else None
        if (
            source.resolved(call.func) != "asyncio.gather"
            or call.keywords
            or not isinstance(starred, ast.Starred)
        ):
            continue
        steps = starred.value
        made = steps.elt if isinstance(steps, ast.GeneratorExp | ast.ListComp) else None
        if isinstance(made, ast.Call) and dotted(made.func).rpartition(".")[2] == name:
            assert isinstance(steps, ast.GeneratorExp | ast.ListComp)
            yield node, steps


def _replace(
    rewrite: Rewrite, source: Source, gather: ast.Await, steps: ast.GeneratorExp | ast.ListComp, name: str
) -> None:
    """``await gather(*(f(x) for x in y))`` becomes ``[await in_turn(f(x)) for x in y]``."""
    source.segment(gather)
    inner = source.text[source.start(steps) + 1 : source.end(steps) - 1]
    start = source.start(steps) + 1
    element = source.segment(steps.elt)
    at = source.start(steps.elt) - start
    text = f"[{inner[:at]}await {name}({element}){inner[at + len(element) :]}]"
    assert not needs_parentheses(source, gather) or text.startswith("[")
    rewrite.replace(source.start(gather), source.end(gather), text)
