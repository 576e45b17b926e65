"""A `with lock:` in a coroutine whose lock a thread may hold: it is taken in a thread, and released here."""

from __future__ import annotations

import ast

from diag.remedies.calls import Carrier
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Site
from diag.remedies.text import NotPossibleError, Source, dotted, own_nodes

CANCELLED = "If the request is cancelled while it waits for the lock, nobody is left to release it."

_RELEASED_BY_ANYONE = frozenset({"threading.Lock", "threading.Semaphore", "threading.BoundedSemaphore"})


def lock_block(site: Site) -> ast.With | None:
    """The `with` block of one plain name that begins on the site's own line."""
    for node in own_nodes(site.function):
        if isinstance(node, ast.With) and node.lineno == site.line and len(node.items) == 1:
            item = node.items[0]
            if dotted(item.context_expr) and item.optional_vars is None:
                return node
    return None


def take_in_thread(rewrite: Rewrite, block: ast.With, carrier: Carrier) -> str:
    """Take a block's lock in a thread, release it at the block's end, and give its name.

    Raises:
        NotPossibleError: it is no lock that another thread than the one that took it may release.
    """
    source = rewrite.source
    lock = dotted(block.items[0].context_expr)
    kind = _made_as(source, lock)
    if kind not in _RELEASED_BY_ANYONE:
        what = f"is a {kind}" if kind else "may be a lock"
        raise NotPossibleError(f"{lock} {what} that only the thread which took it can release")
    if block.body[0].lineno == block.lineno:
        raise NotPossibleError("the block is written on one line")
    indent = source.indent(block)
    colon = source.text.index(":", source.end(block.items[0].context_expr))
    start = source.start(block)
    rewrite.replace(start, colon + 1, f"await {carrier.opening}{lock}.acquire)\n{indent}try:")
    end = source.line_start((block.end_lineno or block.lineno) + 1)
    ending = "" if source.text[end - 1 : end] == "\n" else "\n"
    rewrite.replace(end, end, f"{ending}{indent}finally:\n{indent}    {lock}.release()\n")
    return lock


def _made_as(source: Source, name: str) -> str:
    """The class that the file makes a name of, "" if it does not."""
    last = name.rpartition(".")[2]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(dotted(one).rpartition(".")[2] == last for one in targets):
                return source.resolved(node.value.func)
    return ""
