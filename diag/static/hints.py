"""What an annotation says its values are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.static.ir import Expr
from diag.static.model import Alias, ClassInfo, Coro, Ext, FunctionInfo, Holds, Inst, Obj, Value, Values

if TYPE_CHECKING:
    from diag.static.infer import Inference

_CHOICES = frozenset(
    {"Optional", "Union", "Annotated", "Final", "ClassVar", "Required", "NotRequired", "Mapped"}
)
_HOLDERS = frozenset(
    {
        "list", "List", "set", "Set", "frozenset", "FrozenSet", "tuple", "Tuple", "Sequence",
        "MutableSequence", "Iterable", "Iterator", "Collection", "deque", "Deque", "Generator",
        "AsyncGenerator", "AsyncIterator", "AsyncIterable", "AbstractContextManager",
        "ContextManager", "AsyncContextManager", "AbstractAsyncContextManager",
    }
)  # fmt: skip
_MAPPINGS = frozenset(
    {"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict", "DefaultDict"}
)
_AWAITABLES = frozenset({"Awaitable", "Coroutine", "Future", "Task"})
_NOTHING = frozenset(
    {"Any", "object", "None", "Callable", "Literal", "TypeVar", "str", "int", "float", "bool", "bytes"}
)
_TYPING = ("typing.", "typing_extensions.", "collections.abc.", "collections.", "contextlib.", "types.")
_PARAMETERS = ("fastapi.Depends", "fastapi.Security", "fastapi.params.Depends")


def instances(inference: Inference, expr: Expr, scope: FunctionInfo) -> Values:
    """Instances of what an annotation names."""
    if expr is None:
        return ()
    if isinstance(expr, list):
        if expr[0] == "s":
            return _subscripted(inference, expr, scope)
        if expr[0] == "b":
            return inference.union(instances(inference, one, scope) for one in expr[1:])
        if expr[0] == "k":
            return ()
    found: list[Values] = [instance(inference, one, scope) for one in inference.values(expr, scope)]
    return inference.union(found)


def instance(inference: Inference, value: Value, scope: FunctionInfo) -> Values:
    """Instances of a type."""
    if isinstance(value, ClassInfo):
        return (Inst(value),)
    if isinstance(value, Ext):
        last = value.name.rpartition(".")[2]
        if last == "Self" and scope.owner is not None:
            return (Inst(scope.owner),)
        if last in _NOTHING or (value.name.startswith(_TYPING) and last not in ("IO", "BinaryIO", "TextIO")):
            return ()
        return (Obj(inference.knowledge.canonical(value.name)),)
    if isinstance(value, Alias):
        return instances(inference, value.expr, value.scope)
    return ()


def _subscripted(inference: Inference, expr: Expr, scope: FunctionInfo) -> Values:
    base, inner = expr[1], expr[2]
    parts = inner[1] if isinstance(inner, list) and inner[0] == "l" else [inner]
    last = base[2] if isinstance(base, list) and base[0] == "a" else base
    if not isinstance(last, str) or not parts:
        return ()
    if last == "Annotated":
        plain = instances(inference, parts[0], scope)
        given = [_dependency(inference, one, scope) for one in parts[1:]]
        return inference.union([*given, plain])
    if last in _CHOICES:
        return inference.union(instances(inference, one, scope) for one in parts)
    if last in ("tuple", "Tuple") and len(parts) > 1:
        return (Holds(tuple(instances(inference, one, scope) for one in parts)),)
    if last in _HOLDERS:
        return (Holds((instances(inference, parts[0], scope),)),)
    if last in _MAPPINGS:
        return (Holds((instances(inference, parts[-1], scope),)),)
    if last in _AWAITABLES:
        return (Coro(instances(inference, parts[-1], scope)),)
    if last in ("type", "Type"):
        return inference.values(parts[0], scope)
    if last in _NOTHING:
        return ()
    return instances(inference, base, scope)


def _dependency(inference: Inference, expr: Expr, scope: FunctionInfo) -> Values:
    """What ``Depends(get_db)`` within ``Annotated`` gives."""
    return inference.values(expr, scope) if isinstance(expr, list) and expr[0] == "c" else ()


def from_text(inference: Inference, text: str) -> Values:
    """An instance of a type as summaries name it, such as ``requests.Session`` or ``list[pathlib.Path]``."""
    if text.startswith("list["):
        return (Holds((from_text(inference, text[5:-1]),)),)
    if text.startswith("type["):
        return (Ext(text[5:-1]),)
    if text.startswith("await["):
        return (Coro(from_text(inference, text[6:-1])),)
    return (Obj(text),) if text and text != "None" else ()
