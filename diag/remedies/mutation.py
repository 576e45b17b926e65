"""What a piece of code changes in place, as far as its text shows: lost where it works on copies."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from diag.remedies.text import Function, NotPossibleError, dotted, own_nodes

_MUTATORS = frozenset(
    {
        "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft",
        "put", "remove", "reverse", "send", "setdefault", "sort", "update", "write", "writelines", "writerow",
    }
)  # fmt: skip
_CONTAINERS = frozenset(
    {"list", "dict", "set", "bytearray", "Counter", "defaultdict", "OrderedDict", "deque"}
)


def mutated(piece: ast.AST) -> set[str]:
    """Names whose objects a piece changes in place, as far as its text shows."""
    names: set[str] = set()
    for node in ast.walk(piece):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            names.add(_root(node))
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _MUTATORS
        ):
            names.add(_root(node.func))
    return names - {""}


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def changed_here(function: Function, piece: ast.AST, names: Sequence[str]) -> list[str]:
    """Arguments that a piece changes in place, and that can be given back: the function made them itself.

    Raises:
        NotPossibleError: it changes one that others may hold too.
    """
    changed = [name for name in names if name in mutated(piece)]
    for name in changed:
        if not _made_here(function, name):
            raise NotPossibleError(f"it changes {name}, and would change a copy of it")
    return changed


def _made_here(function: Function, name: str) -> bool:
    """Whether every value that a function gives a name is a container of its own making."""
    values = [
        node.value
        for node in own_nodes(function)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and any(isinstance(one, ast.Name) and one.id == name for one in _targets(node))
    ]
    return bool(values) and all(
        isinstance(one, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
        or (isinstance(one, ast.Call) and dotted(one.func).rpartition(".")[2] in _CONTAINERS)
        for one in values
    )


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]
