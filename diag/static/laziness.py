"""Whether the body of a generator runs where the generator is made, or later and elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from diag.static.ir import Call, Expr, Function

_ITERATE = frozenset(
    {
        "list", "tuple", "set", "frozenset", "dict", "sum", "max", "min", "sorted", "any", "all",
        "next", "enumerate", "zip", "map", "filter", "reversed", "join", "extend", "writelines",
        "update", "Counter", "deque", "reduce", "chain", "islice", "from_iterable",
        "enter_context", "contextmanager", "__iter__", "__enter__",
    }
)  # fmt: skip


def is_run(call: Call, function: Function) -> bool:
    """True unless a generator that this call makes is only handed on: ``StreamingResponse(rows())``.

    Args:
        call: makes the generator.
        function: holds the call.
    """
    index = next((place for place, one in enumerate(function.calls) if one is call), -1)
    uses = list(_uses(["c", index], function))
    names = [name for name, bound in function.bindings.items() if ["c", index] in bound]
    if not uses and not names:
        return True  # returned, or used in a way that is not looked at
    for name in names:
        uses.extend(_uses(name, function))
    return any(use in _ITERATE for use in uses)


def _uses(expr: Expr, function: Function) -> Iterator[str]:
    """Names of what a value is given to, or of its methods that are called."""
    for one in function.calls:
        callee = one.callee
        is_method = isinstance(callee, list) and callee[0] == "a"
        name = callee[2] if is_method else callee
        if not isinstance(name, str):
            continue
        given = (*one.args, *one.keywords.values())
        if expr in given or ["i", expr] in given or (is_method and callee[1] == expr):
            yield name
