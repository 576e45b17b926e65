"""`def-handler`: an `async def` handler that awaits nothing becomes a `def`, which runs in a thread."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from diag.remedies.affinity import thread_bound
from diag.remedies.case import ANYIO_THREADS, Case
from diag.remedies.sites import Host, Site
from diag.remedies.text import NotPossibleError, Source, awaits, dotted
from diag.remedy import Move, Refusal, Remedy

NAME = "def-handler"

_THREADED = frozenset({"fastapi", "starlette"})
"""Frameworks (as `diag.frameworks` calls them) that call `def` endpoints in a pool of threads."""

_METHODS = frozenset(
    {
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "head",
        "options",
        "trace",
        "route",
        "api_route",
        "exception_handler",
    }
)
_TAKERS = frozenset({"Depends", "Security", "Route", "add_api_route", "add_route", "api_route"})
_LOOP_THINGS = frozenset({"asyncio", "anyio"})


def propose(case: Case) -> Iterator[Remedy | Refusal]:
    """The handler without `async`, or why not; nothing where the function is no handler."""
    site = case.site
    if not case.on_loop or site is None or site.host is not Host.COROUTINE or case.finding.rule == "convoy":
        return
    if case.setting.framework not in _THREADED or not _is_endpoint(site):
        return
    try:
        yield _without_async(case, site)
    except NotPossibleError as reason:
        yield case.refused(
            NAME,
            reason,
            f"Split {site.function.name} into an `async def` for what awaits and a `def` for what blocks.",
        )


def _without_async(case: Case, site: Site) -> Remedy:
    function, source = site.function, site.source
    if awaits(function):
        raise NotPossibleError(f"{function.name} awaits or yields, so it has to stay an `async def`")
    called = _plain_calls(source, function.name)
    if called:
        raise NotPossibleError(f"line {called[0].lineno} awaits {function.name}, which a `def` cannot be")
    used = _loop_use(site)
    if used or thread_bound(case):
        raise NotPossibleError(used or thread_bound(case))
    rewrite = case.rewrite()
    start = source.start(function)
    rewrite.replace(start, source.text.index("def", start), "")
    expected = not case.computes
    why = "the framework calls a `def` handler in one of its threads"
    return case.changed(
        NAME,
        rewrite,
        title="def instead of async def",
        move=Move.THREAD,
        pool=ANYIO_THREADS,
        why=why if expected else f"{why}, which hold the same GIL",
        caveats=(
            f"All `def` handlers and dependencies share {ANYIO_THREADS} threads, and run at the same time.",
        ),
        expected=expected,
    )


def _is_endpoint(site: Site) -> bool:
    """A function that the framework calls itself: by a decorator, or handed to `Depends` or `Route`."""
    for decorator in site.function.decorator_list:
        name = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if name.rpartition(".")[2] in _METHODS and "." in name:
            return True
    return any(
        isinstance(node, ast.Call)
        and dotted(node.func).rpartition(".")[2] in _TAKERS
        and any(
            dotted(value) == site.function.name for value in (*node.args, *(k.value for k in node.keywords))
        )
        for node in ast.walk(site.source.tree)
    )


def _plain_calls(source: Source, name: str) -> list[ast.Call]:
    return [
        node for node in ast.walk(source.tree) if isinstance(node, ast.Call) and dotted(node.func) == name
    ]


def _loop_use(site: Site) -> str:
    """What the function does that needs the loop's own thread."""
    for node in ast.walk(site.function):
        if isinstance(node, ast.Call):
            name = site.source.resolved(node.func)
            if name.partition(".")[0] in _LOOP_THINGS:
                return f"line {node.lineno} calls {name}, which belongs to the loop's own thread"
    return ""
