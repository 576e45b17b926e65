"""``Future.result()`` of a pool becomes ``await asyncio.wrap_future(future)``."""

from __future__ import annotations

import ast

from diag.remedies.calls import needs_parentheses, refuse_in_generator
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Site, calls_on_line
from diag.remedies.text import NotPossibleError, own_nodes

BY_HAND = (
    "Where the future is one of `concurrent.futures`, write `await asyncio.wrap_future(future)` in an "
    "`async def` (with `asyncio.wait_for` around it for a time limit)."
)


def finds(site: Site) -> ast.Call | None:
    """The ``.result()`` on a site's line."""
    return next(
        (
            one
            for one in calls_on_line(site)
            if isinstance(one.func, ast.Attribute) and one.func.attr == "result"
        ),
        None,
    )


def changes(rewrite: Rewrite, site: Site) -> tuple[str, tuple[str, ...]]:
    """Await the future."""
    source = site.source
    for call in calls_on_line(site):
        if not (isinstance(call.func, ast.Attribute) and call.func.attr == "result"):
            continue
        if not _of_a_pool(site, call.func.value):
            raise NotPossibleError(
                "that this is a future of concurrent.futures cannot be read from the function"
            )
        refuse_in_generator(source, call)
        asyncio = rewrite.module("asyncio")
        limit = next(iter([*call.args, *(one.value for one in call.keywords)]), None)
        future = f"{asyncio}.wrap_future({source.segment(call.func.value)})"
        text = f"{asyncio}.wait_for({future}, {source.segment(limit)})" if limit else future
        rewrite.replace_node(call, f"(await {text})" if needs_parentheses(source, call) else f"await {text}")
    return "asyncio.wrap_future", (
        "If the request is cancelled, so is the future; before, it was waited for.",
    )


def _of_a_pool(site: Site, future: ast.expr) -> bool:
    """Whether an expression is what a pool's ``submit`` gave."""
    if isinstance(future, ast.Call):
        return isinstance(future.func, ast.Attribute) and future.func.attr == "submit"
    if not isinstance(future, ast.Name):
        return False
    given = [
        node.value
        for node in own_nodes(site.function)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == future.id for target in node.targets)
    ]
    looped = _items_of(site, future.id)
    every = [*given, *looped]
    return bool(every) and all(isinstance(one, ast.Call) and _of_a_pool(site, one) for one in every)


def _items_of(site: Site, name: str) -> list[ast.expr]:
    """What a loop's variable takes: the elements of a list that was built in the function."""
    heads: list[tuple[ast.expr, ast.expr]] = [
        (node.target, node.iter)
        for node in own_nodes(site.function)
        if isinstance(node, ast.For | ast.comprehension)
    ]
    lists = [over.id for target, over in heads if isinstance(target, ast.Name) and target.id == name
             and isinstance(over, ast.Name)]  # fmt: skip
    return [
        node.value.elt
        for node in own_nodes(site.function)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.ListComp)
        and any(isinstance(target, ast.Name) and target.id in lists for target in node.targets)
    ]
