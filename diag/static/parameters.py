"""What a function's parameters can be: by annotation, by default, and by what its callers give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.static import hints
from diag.static.ir import Call, Param, Trait
from diag.static.model import Bound, ClassInfo, FunctionInfo, Holds, Inst, Partial, Value, Values

if TYPE_CHECKING:
    from diag.static.infer import Inference

MOST_CALLERS = 40  # of a function; more rarely add a type


def values(inference: Inference, function: FunctionInfo, place: int) -> Values:
    """What the parameter at this place can be."""
    param = function.ir.params[place]
    owner = function.owner
    traits = function.ir.traits
    if place == 0 and owner is not None and not traits & Trait.STATIC:
        is_class = traits & Trait.CLASS or function.ir.name in (
            "__new__",
            "__init_subclass__",
            "__class_getitem__",
        )
        return (owner,) if is_class else (Inst(owner),)
    scope = function.scope
    found = []
    if param.default is not None:
        found.append(inference.values(param.default, scope))
    if param.annotation is not None:
        named = hints.instances(inference, param.annotation, scope)
        if param.star:
            return (Holds((named,)),)
        found.append(named)
    plain = inference.union(found)
    if function.module.own and not param.star and all(_is_plain(one) for one in plain):
        return inference.union([plain, _given(inference, function, place, param)])
    return plain


def _is_plain(value: Value) -> bool:
    """True for what says nothing about which calls block; a class of the project may have subclasses."""
    if isinstance(value, Inst):
        return any(
            one.ir.traits & Trait.ABSTRACT for one in value.cls.module.functions if one.owner is value.cls
        )
    return getattr(value, "type", None) == "str"


def _given(inference: Inference, function: FunctionInfo, place: int, param: Param) -> Values:
    """What the project's calls of the function give for a parameter."""
    owner = function.owner
    name = owner.ir.name if owner is not None and function.ir.name == "__init__" else function.ir.name
    found: list[Values] = []
    for caller, call in inference.world.callers.get(name, ())[:MOST_CALLERS]:
        shift = _shift(inference, function, caller, call)
        if shift is None:
            continue
        if param.name in call.keywords:
            found.append(inference.values(call.keywords[param.name], caller))
        elif not param.keyword and 0 <= place - shift < len(call.args):
            found.append(inference.values(call.args[place - shift], caller))
    return inference.union(found)


def _shift(inference: Inference, function: FunctionInfo, caller: FunctionInfo, call: Call) -> int | None:
    """How many parameters the call gives without an argument; None if it calls something else."""
    for value in inference.values(call.callee, caller):
        inner = value.inner if isinstance(value, Partial) else value
        if inner is function:
            return 0
        if isinstance(inner, Bound) and inner.function is function:
            return 1
        if isinstance(inner, ClassInfo) and function.owner is not None and function.ir.name == "__init__":
            return 1
    return None
