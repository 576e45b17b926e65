"""`native`: a call that waits gives way to its awaitable counterpart, where the change is mechanical."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from diag.finding import Cause
from diag.remedies import native_dns, native_future, native_http, native_sleep, native_subprocess, native_sync
from diag.remedies.case import Case
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Host, Site
from diag.remedies.text import NotPossibleError
from diag.remedies.workload_files import await_twin, make_async, twin
from diag.remedy import Move, Refusal, Remedy

NAME = "native"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One family of calls with a counterpart.

    Attributes:
        finds: the node on the site's line to change, None if the line holds no such call.
        changes: makes the change and says what came of it: a title and its caveats.
        by_hand: what to write, where a machine should not.
    """

    finds: Callable[[Site], ast.AST | None]
    changes: Callable[[Rewrite, Site], tuple[str, tuple[str, ...]]]
    by_hand: str


_KINDS = tuple(
    _Kind(finds=module.finds, changes=module.changes, by_hand=module.BY_HAND)
    for module in (native_sleep, native_http, native_subprocess, native_dns, native_future, native_sync)
)


def propose(case: Case) -> Iterator[Remedy | Refusal]:
    """The awaited form of what waits, or how to write it by hand; nothing if there is none."""
    site = case.site
    if case.cause is not Cause.WAITING or not case.on_loop or site is None:
        return
    if site.host is Host.WORKLOAD and (native := twin(site.source, site.function)):
        yield _with_twin(case, site, native)
        return
    last = _culprits_own(case, site)
    kind = next((one for one in _KINDS if one.finds(last)), None)
    if kind is None:
        return
    try:
        if not site.own:
            raise NotPossibleError(
                f"{last.function.name} is a plain function, and would have to become an `async def`"
            )
        yield _changed(case, site, kind)
    except NotPossibleError as reason:
        yield case.refused(NAME, reason, kind.by_hand)


def _culprits_own(case: Case, site: Site) -> Site:
    """The culprit's own line and function, which may be a helper that the coroutine calls."""
    source = case.sources.get(case.culprit.absolute)
    function = source.function_at(case.culprit.line) if source else None
    if site.own or source is None or function is None:
        return site
    return Site(host=site.host, source=source, function=function, line=case.culprit.line)


def _with_twin(case: Case, site: Site, native: ast.AsyncFunctionDef) -> Remedy | Refusal:
    try:
        rewrite = case.rewrite("its native form is awaited")
        await_twin(rewrite, site.function, native)
        return _remedy(case, rewrite, f"await {native.name}()", ())
    except NotPossibleError as reason:
        return case.refused(NAME, reason, f"Await {native.name}() where {site.function.name}() is called.")


def _changed(case: Case, site: Site, kind: _Kind) -> Remedy:
    rewrite = case.rewrite("what waited is awaited")
    if site.host is Host.WORKLOAD:
        make_async(rewrite, site.function)
    title, caveats = kind.changes(rewrite, site)
    return _remedy(case, rewrite, title, caveats)


def _remedy(case: Case, rewrite: Rewrite, title: str, caveats: tuple[str, ...]) -> Remedy:
    return case.changed(
        NAME,
        rewrite,
        title=title,
        move=Move.AWAIT,
        why="what is awaited takes as long, and holds neither the loop nor a thread",
        caveats=caveats,
    )
