"""What a call gives, what a `with` binds, and what iterating gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from diag.static import hints, members
from diag.static.ir import Call, Trait
from diag.static.model import (
    Bound,
    ClassInfo,
    Coro,
    Ext,
    FunctionInfo,
    Handed,
    Holds,
    Inst,
    Obj,
    Partial,
    Super,
    Value,
    Values,
)

if TYPE_CHECKING:
    from diag.static.infer import Inference


def of_call(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    """What a call gives."""
    callee = call.callee
    if isinstance(callee, list) and callee[0] == "a" and callee[2] in _BY_METHOD:
        special = _BY_METHOD[callee[2]](inference, call, scope)
        if special:
            return special
    return inference.union(called(inference, one, call, scope) for one in inference.values(callee, scope))


def called(inference: Inference, value: Value, call: Call, scope: FunctionInfo) -> Values:
    """What calling a value gives."""
    match value:
        case FunctionInfo():
            known = None if value.module.own else _BY_NAME.get(value.name)
            return inference.results(value) if known is None else known(inference, call, scope)
        case Bound():
            return inference.results(value.function)
        case ClassInfo():
            return (Inst(value),)
        case Ext():
            special = _BY_NAME.get(value.name) or _BY_NAME.get(value.name.rpartition(".")[2])
            if special is not None and _is_special(value.name):
                return special(inference, call, scope)
            return of_external(inference, value.name, call, scope)
        case Partial():
            inner = value.inner
            return (
                item(inference, inner) if isinstance(inner, Holds) else called(inference, inner, call, scope)
            )
        case Handed():
            inner_values = called(inference, value.inner, call, scope)
            return (Coro(inference.awaited(inner_values)),)
        case Inst():
            found = members.method(inference, value.cls, "__call__")
            return inference.results(found) if isinstance(found, FunctionInfo) else ()
        case Obj():
            given = inference.knowledge.returns(f"{value.type}.__call__")
            return hints.from_text(inference, given)
        case _:
            return ()


def of_external(inference: Inference, name: str, call: Call, scope: FunctionInfo) -> Values:
    """What a function or class that is known by its name only gives."""
    knowledge = inference.knowledge
    given = knowledge.returns(name)
    if given.startswith(
        "kw:"
    ):  # a class that is given by keyword, such as `sessionmaker(class_=AsyncSession)`
        keyword, _, given = given[3:].partition("|")
        classes = inference.values(call.keywords.get(keyword), scope)
        made = inference.union(hints.instance(inference, one, scope) for one in classes)
        if made:
            return (Partial(Holds((made,))),)
    if given:
        return hints.from_text(inference, given)
    last = name.rpartition(".")[2]
    if last.lstrip("_")[:1].isupper() or knowledge.is_class(name):
        return (Obj(knowledge.canonical(name)),)
    return (Obj(f"{name}()"),)


def of_function(inference: Inference, function: FunctionInfo) -> Values:
    """What a function gives: by annotation, and by what it returns or yields."""
    ir = function.ir
    found: list[Values] = []
    if ir.yields:
        found.append((Holds((inference.union(inference.values(one, function) for one in ir.yields),)),))
    if ir.annotation is not None:
        found.append(hints.instances(inference, ir.annotation, function.scope))
    if not ir.yields:
        found.extend(inference.values(one, function) for one in ir.results)
    values = inference.union(found)
    if ir.traits & Trait.ASYNC and not ir.yields:
        return (Coro(inference.awaited(values)),)
    return values


def entered(inference: Inference, values: Values, *, waits: bool) -> Values:
    """What ``with value as …`` binds."""
    found: list[Values] = []
    for one in inference.awaited(values) if waits else values:
        match one:
            case Holds():
                found.append(item(inference, one))
            case Inst():
                method = members.method(inference, one.cls, "__aenter__" if waits else "__enter__")
                given = inference.results(method) if isinstance(method, FunctionInfo) else ()
                found.append(inference.awaited(given) or (one,))
            case Obj():
                text = inference.knowledge.returns(f"{one.type}.{'__aenter__' if waits else '__enter__'}")
                found.append(hints.from_text(inference, text) or (one,))
            case _:
                continue
    return inference.union(found)


def item(inference: Inference, value: Value) -> Values:
    """What iterating over a value, or taking one of its items, gives."""
    match value:
        case Holds():
            return inference.union(value.parts)
        case Obj():
            knowledge = inference.knowledge
            text = knowledge.returns(f"{value.type}.__iter__") or knowledge.returns(
                f"{value.type}.__getitem__"
            )
            return hints.from_text(inference, text)
        case Inst():
            for name in ("__getitem__", "__iter__", "__next__", "__anext__"):
                found = members.method(inference, value.cls, name)
                if isinstance(found, FunctionInfo):
                    given = inference.awaited(inference.results(found))
                    return (
                        given
                        if name != "__iter__"
                        else inference.union(
                            one.parts[0] for one in given if isinstance(one, Holds) and one.parts
                        )
                    )
            return ()
        case Coro():
            return inference.elements(value.values)
        case _:
            return ()


# calls that give what they are given


def _first(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    return inference.values(call.args[0], scope) if call.args else ()


def _element(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    return inference.elements(_first(inference, call, scope))


def _enumerated(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    return (Holds(((Holds(((), _element(inference, call, scope))),),)),)


def _zipped(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    return (Holds(((Holds(tuple(inference.elements(inference.values(a, scope)) for a in call.args)),),)),)


def _partial(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    return tuple(Partial(one) for one in _first(inference, call, scope))


def _handed(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    return tuple(Handed(one) for one in _first(inference, call, scope)) or (Handed(Ext("?")),)


def _holding(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    return (Holds((_first(inference, call, scope),)),)


def _gathered(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    parts = tuple(inference.awaited(inference.values(one, scope)) for one in call.args)
    return (Coro((Holds(parts),)),)


def _in_thread(place: int) -> Callable[[Inference, Call, FunctionInfo], Values]:
    def given(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
        if len(call.args) <= place:
            return ()
        functions = inference.values(call.args[place], scope)
        found = inference.union(called(inference, one, call, scope) for one in functions)
        return (Coro(inference.awaited(found)),)

    return given


def _factory(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    """``field(default_factory=list)``, ``Depends(get_db)``: what calling that gives."""
    expr = call.args[0] if call.args else None
    for name in ("default_factory", "factory", "dependency"):
        expr = call.keywords.get(name, expr)
    found = inference.union(called(inference, one, call, scope) for one in inference.values(expr, scope))
    found = found or inference.values(call.keywords.get("default"), scope)
    opened = [
        one.parts[0] if isinstance(one, Holds) and one.parts else (one,) for one in inference.awaited(found)
    ]
    return inference.union(opened)


def _super(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    del inference, call
    here = scope
    while here.owner is None and here.index:
        here = here.scope
    return () if here.owner is None else (Super(here.owner),)


def _getattr(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    name = call.args[1] if len(call.args) > 1 else None
    if isinstance(name, list) and name[0] == "k" and isinstance(name[1], str):
        found = inference.union(inference.attribute(one, name[1]) for one in _first(inference, call, scope))
        return found or members.stored(inference, ["a", call.args[0], name[1]], scope)
    return ()


def _cast(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    return hints.instances(inference, call.args[0], scope) if call.args else ()


def _module(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    name = call.args[0] if call.args else None
    if (
        isinstance(name, list)
        and name[0] == "k"
        and isinstance(name[1], str)
        and name[1][:1] not in ("", ".")
    ):
        found = inference.world.imported(name[1], scope.module)
        return () if found is None else (found,)
    return ()


def _entered_now(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    return entered(inference, _first(inference, call, scope), waits=False)


def _entered_later(inference: Inference, call: Call, scope: FunctionInfo) -> Values:
    return (Coro(entered(inference, _first(inference, call, scope), waits=True)),)


_Special = Callable[["Inference", Call, FunctionInfo], Values]
_BY_NAME: dict[str, _Special] = {
    **dict.fromkeys(("iter", "list", "tuple", "set", "sorted", "reversed", "frozenset", "copy.copy"), _first),
    **dict.fromkeys(("copy.deepcopy", "asyncio.shield", "asyncio.wait_for", "asyncio.create_task"), _first),
    **dict.fromkeys(("asyncio.ensure_future", "weakref.proxy", "werkzeug.local.LocalProxy"), _first),
    **dict.fromkeys(("instructor.patch", "instructor.from_openai", "instructor.from_anthropic"), _first),
    **dict.fromkeys(("next", "max", "min", "random.choice", "anext"), _element),
    **dict.fromkeys(("contextlib.closing", "contextlib.nullcontext", "contextlib.aclosing"), _holding),
    **dict.fromkeys(("dataclasses.field", "attr.ib", "attrs.field", "pydantic.Field"), _factory),
    **dict.fromkeys(("fastapi.Depends", "fastapi.Security", "fastapi.params.Depends"), _factory),
    **dict.fromkeys(("fastapi.param_functions.Depends", "fastapi.param_functions.Security"), _factory),
    **dict.fromkeys(("pydantic.fields.Field", "attr._next_gen.field"), _factory),
    **dict.fromkeys(("asyncio.to_thread", "starlette.concurrency.run_in_threadpool"), _in_thread(0)),
    **dict.fromkeys(("anyio.to_thread.run_sync", "fastapi.concurrency.run_in_threadpool"), _in_thread(0)),
    **dict.fromkeys(("asgiref.sync.sync_to_async", "channels.db.database_sync_to_async"), _handed),
    "asyncer.asyncify": _handed,
    "enumerate": _enumerated,
    "zip": _zipped,
    "functools.partial": _partial,
    "asyncio.gather": _gathered,
    "super": _super,
    "getattr": _getattr,
    "typing.cast": _cast,
    "importlib.import_module": _module,
}
_BY_METHOD: dict[str, _Special] = {
    "run_in_executor": _in_thread(1),
    "enter_context": _entered_now,
    "enter_async_context": _entered_later,
}


def _is_special(name: str) -> bool:
    return name in _BY_NAME
