"""What may not be moved to another thread: objects that belong to the one that made them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from diag.remedies.case import Case
from diag.remedies.sites import Host, Site
from diag.remedies.text import Function, Source, own_nodes

_LOOP_ONLY = frozenset(
    {
        "asyncio.create_task", "asyncio.ensure_future", "asyncio.get_running_loop", "asyncio.get_event_loop",
        "asyncio.current_task", "asyncio.Future", "asyncio.timeout", "anyio.create_task_group",
    }
)  # fmt: skip
_MAIN_ONLY = frozenset({"signal.signal", "signal.setitimer", "asyncio.run"})
_LOCAL = frozenset({"threading.local", "threading.current_thread", "threading.get_ident"})
_CONNECTIONS = (
    ".execute", ".executemany", ".executescript", ".fetchall", ".fetchone", ".fetchmany", ".commit",
    ".cursor",
)  # fmt: skip


def thread_bound(case: Case) -> str:
    """Why what blocks has to stay in its thread, "" if nothing speaks against another one."""
    site = case.site
    if site is None:
        return ""
    for name, line in _entered_calls(case, site):
        if name in _LOOP_ONLY:
            return f"line {line} calls {name}, which belongs to the loop's own thread"
        if name in _MAIN_ONLY:
            return f"line {line} calls {name}, which works in the main thread only"
        if name in _LOCAL:
            return f"line {line} asks which thread it is in ({name})"
    if site.host is not Host.WORKLOAD and _uses_foreign_sqlite(site):
        return (
            "the sqlite3 connection was made in the loop's thread, and sqlite3 lets no other use it "
            "(unless made with check_same_thread=False)"
        )
    return ""


def _entered_calls(case: Case, site: Site) -> Iterator[tuple[str, int]]:
    """Calls of the user's synchronous functions that would move, by name and line."""
    for source, function in _moved(case, site):
        for node in own_nodes(function):
            if isinstance(node, ast.Call):
                yield source.resolved(node.func), node.lineno


def _moved(case: Case, site: Site) -> Iterable[tuple[Source, Function]]:
    frames = (*case.finding.path, case.culprit)
    for frame in frames:
        source = case.sources.get(frame.absolute)
        function = source.function_at(frame.line) if source else None
        if source and function and (function is not site.function or site.host is Host.WORKLOAD):
            yield source, function


def _uses_foreign_sqlite(site: Site) -> bool:
    """Whether the call works on a connection that the coroutine (or its module) made itself."""
    source = site.source
    if site.callee or not any(name.startswith("sqlite3") for name in source.origins.values()):
        return False
    used = any(
        isinstance(node, ast.Call)
        and node.lineno <= site.line <= (node.end_lineno or node.lineno)
        and isinstance(node.func, ast.Attribute)
        and f".{node.func.attr}" in _CONNECTIONS
        for node in own_nodes(site.function)
    )
    inside = {id(node) for one in _with_around(site) for node in ast.walk(one)}
    made = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and source.resolved(node.func) == "sqlite3.connect"
        and id(node) not in inside
    ]
    free = [node for node in made if any(k.arg == "check_same_thread" for k in node.keywords)]
    return used and len(made) > len(free)


def _with_around(site: Site) -> Iterator[ast.With]:
    """Blocks that hold the line, and the making of what it uses: they move as a whole."""
    for node in own_nodes(site.function):
        if isinstance(node, ast.With) and node.lineno <= site.line <= (node.end_lineno or node.lineno):
            yield node
