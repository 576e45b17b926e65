"""``threading.Lock``, ``Event`` and ``queue.Queue`` become asyncio's, where coroutines alone use them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from diag.remedies.calls import needs_parentheses, refuse_in_generator
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Site, calls_on_line
from diag.remedies.text import NotPossibleError, Source, dotted, own_nodes

BY_HAND = (
    "Where all who use it run on one loop, use the class of the same name in `asyncio`, and await it: "
    "`async with lock:`, `await queue.get()`, `await event.wait()`. Where a thread uses it too, wait in "
    "a thread: `await asyncio.to_thread(...)`."
)

_KINDS = {
    "threading.Lock": "Lock",
    "threading.Semaphore": "Semaphore",
    "threading.Event": "Event",
    "queue.Queue": "Queue",
    "queue.LifoQueue": "LifoQueue",
    "queue.PriorityQueue": "PriorityQueue",
    "threading.RLock": "",
    "threading.Condition": "",
    "threading.BoundedSemaphore": "BoundedSemaphore",
}
_AWAITED = {"acquire", "wait", "get", "put", "join"}
_PLAIN = {
    "release", "locked", "set", "clear", "is_set", "get_nowait", "put_nowait", "task_done", "qsize", "empty",
    "full",
}  # fmt: skip


def finds(site: Site) -> ast.AST | None:
    """The ``with lock:``, ``queue.get()`` and their like on a site's line."""
    made = _made(site.source)
    for node in own_nodes(site.function):
        if isinstance(node, ast.With) and node.lineno == site.line:
            items = [item for item in node.items if dotted(item.context_expr) in made]
            if items:
                return node
    for call in calls_on_line(site):
        owner = isinstance(call.func, ast.Attribute) and dotted(call.func.value)
        if isinstance(call.func, ast.Attribute) and owner in made and call.func.attr in _AWAITED:
            return call
    return None


def _made(source: Source) -> dict[str, tuple[str, ast.Call]]:
    """Module-level names bound to one of the classes: its name, and the call that made it."""
    found: dict[str, tuple[str, ast.Call]] = {}
    for statement in source.tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Call):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            kind = source.resolved(statement.value.func)
            if kind in _KINDS and len(targets) == 1 and isinstance(targets[0], ast.Name):
                found[targets[0].id] = (kind, statement.value)
    return found


def changes(rewrite: Rewrite, site: Site) -> tuple[str, tuple[str, ...]]:
    """Make it asyncio's, and await it wherever it waits."""
    source = site.source
    node = finds(site)
    owner = node.items[0].context_expr if isinstance(node, ast.With) else getattr(node, "func").value  # noqa: B009
    name = dotted(owner)
    kind, made = _made(source)[name]
    if not _KINDS[kind]:
        raise NotPossibleError(f"{kind} belongs to a thread, and asyncio has no class like it")
    if made.keywords or (made.args and not kind.startswith("queue")):
        raise NotPossibleError(f"{name} is made with arguments that asyncio's class may take otherwise")
    for use in _uses(source, name):
        _change_use(rewrite, source, use)
    asyncio = rewrite.module("asyncio")
    rewrite.replace_node(made.func, f"{asyncio}.{_KINDS[kind]}")
    return f"asyncio.{_KINDS[kind]}", (
        f"{name} may then be used by coroutines of one loop only; look at other files that import it.",
    )


def _uses(source: Source, name: str) -> Iterator[ast.Name]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            yield node


def _change_use(rewrite: Rewrite, source: Source, use: ast.Name) -> None:
    scopes = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    around = next((one for one in source.ancestors(use) if isinstance(one, scopes)), None)
    if not isinstance(around, ast.AsyncFunctionDef) and around is not rewrite.function:
        raise NotPossibleError(f"line {use.lineno} uses {use.id} outside of any coroutine, so a thread may")
    parent = source.parent(use)
    if isinstance(parent, ast.withitem):
        block = source.parent(parent)
        assert isinstance(block, ast.With | ast.AsyncWith)
        if len(block.items) > 1 or isinstance(block, ast.AsyncWith):
            raise NotPossibleError(f"line {use.lineno} takes {use.id} together with something else")
        rewrite.replace(source.start(block), source.start(block), "async ")
        return
    call = source.parent(parent) if parent is not None else None
    if not (isinstance(parent, ast.Attribute) and isinstance(call, ast.Call) and call.func is parent):
        raise NotPossibleError(f"line {use.lineno} hands {use.id} to something else")
    if parent.attr in _PLAIN:
        return
    if parent.attr not in _AWAITED or call.keywords or (call.args and parent.attr != "put"):
        raise NotPossibleError(
            f"line {use.lineno} calls {use.id}.{parent.attr} in a way that asyncio's class does not take"
        )
    refuse_in_generator(source, call)
    wrap = needs_parentheses(source, call)
    source.segment(call)
    rewrite.replace(source.start(call), source.start(call), "(await " if wrap else "await ")
    rewrite.replace(source.end(call), source.end(call), ")" if wrap else "")
