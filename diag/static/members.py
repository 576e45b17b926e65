"""What an attribute of a value can be: methods, what is assigned through `self`, and what summaries say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from diag.static import hints
from diag.static.ir import Expr, Trait
from diag.static.model import (
    Bound,
    ClassInfo,
    Coro,
    Ext,
    FunctionInfo,
    Handed,
    Holds,
    Inst,
    ModuleInfo,
    Namespace,
    Obj,
    Partial,
    Super,
    Value,
    Values,
)

if TYPE_CHECKING:
    from diag.static.infer import Inference

_MOST_BASES = 40
_LOOSE = frozenset(
    {"app", "state", "request", "ctx", "context", "g", "bot", "config_entry", "hass", "settings"}
)
"""Where frameworks let programs keep what they need: ``request.app.state.db``."""


def attribute(inference: Inference, value: Value, name: str) -> Values:
    """What ``value.name`` can be."""
    match value:
        case ModuleInfo() | Namespace():
            return inference.member(value, name)
        case Ext():
            return _of_external(inference, value, name)
        case Obj():
            given = inference.knowledge.attribute(f"{value.type}.{name}")
            return hints.from_text(inference, given) if given else (Ext(f"{value.type}.{name}"),)
        case Inst():
            return _of_instance(inference, value, name)
        case ClassInfo():
            return _of_class(inference, value, name)
        case Super():
            return _of_super(inference, value, name)
        case Holds():
            return (Partial(value),) if name in _TAKERS else ()
        case Partial() | Handed():
            return ()
        case Coro() | Bound() | FunctionInfo():
            return ()
        case _:
            return ()


_TAKERS = frozenset(
    {"get", "pop", "popitem", "popleft", "values", "items", "setdefault", "copy", "__getitem__"}
)


def _of_external(inference: Inference, value: Ext, name: str) -> Values:
    full = f"{value.name}.{name}"
    given = inference.knowledge.attribute(full)
    if given:
        return hints.from_text(inference, given)
    return (Ext(inference.knowledge.canonical(full)),)


def lineage(inference: Inference, cls: ClassInfo) -> Iterator[ClassInfo | Ext]:
    """A class and its bases, itself first; depth first, which is close enough to Python's order."""
    waiting: list[ClassInfo | Ext] = [cls]
    seen: set[ClassInfo | Ext] = set()
    while waiting and len(seen) < _MOST_BASES:
        one = waiting.pop(0)
        if one in seen:
            continue
        seen.add(one)
        yield one
        if isinstance(one, ClassInfo):
            found: list[ClassInfo | Ext] = []
            for base in one.ir.bases:
                plain = base[1] if isinstance(base, list) and base[0] == "s" else base
                found.extend(v for v in inference.values(plain, one.scope) if isinstance(v, (ClassInfo, Ext)))
                found.extend(Ext(v.type) for v in inference.values(plain, one.scope) if isinstance(v, Obj))
            waiting[:0] = found


def method(inference: Inference, cls: ClassInfo, name: str) -> FunctionInfo | Ext | None:
    """The function or the external method that a method's name means in a class."""
    for one in lineage(inference, cls):
        if isinstance(one, Ext):
            full = f"{one.name}.{name}"
            if inference.knowledge.effect(full) or inference.knowledge.returns(full):
                return Ext(full)
        else:
            known: list[Expr] = one.ir.bindings.get(name, [])
            for bound in reversed(known):
                if isinstance(bound, list) and bound[0] == "d":
                    return one.module.functions[bound[1]]
    return None


def _of_instance(inference: Inference, value: Inst, name: str) -> Values:
    found: list[Values] = []
    for one in lineage(inference, value.cls):
        if isinstance(one, Ext):
            external = _inherited(inference, one, name)
            if external:
                return inference.union([*found, external])
            continue
        bound = one.ir.bindings.get(name)
        if bound is not None:
            found.append(_bound(inference, value, one, bound))
        assigned = one.ir.attributes.get(name)
        if assigned is not None:
            found.append(inference.union(inference.values(expr, one.scope) for expr in assigned))
        if bound is not None or assigned is not None:
            break
    plain = inference.union(found)
    overrides = _overrides(inference, value, name, plain)
    return inference.union([overrides, plain]) if overrides else plain


def _bound(inference: Inference, value: Inst, holder: ClassInfo, bound: list[Expr]) -> Values:
    found: list[Values] = []
    for expr in bound:
        for one in inference.values(expr, holder.scope):
            if isinstance(one, FunctionInfo) and one.owner is holder:
                if one.ir.traits & Trait.PROPERTY:
                    found.append(inference.awaited(inference.results(one)))
                elif one.ir.traits & Trait.STATIC:
                    found.append((one,))
                else:
                    found.append((Bound(one, value),))
            else:
                found.append((one,))
    return inference.union(found)


def _inherited(inference: Inference, base: Ext, name: str) -> Values:
    """A member of a class that is known by its name only, if it is known to have one."""
    full = f"{base.name}.{name}"
    knowledge = inference.knowledge
    given = knowledge.attribute(full)
    if given:
        return hints.from_text(inference, given)
    if knowledge.effect(full) or knowledge.returns(full):
        return (Ext(full),)
    return ()


def _overrides(inference: Inference, value: Inst, name: str, found: Values) -> Values:
    """What subclasses have in place of a method that is missing or abstract."""
    if found and not all(isinstance(v, Bound) and v.function.ir.traits & Trait.ABSTRACT for v in found):
        return ()
    return inference.union(
        _bound(inference, Inst(cls), cls, cls.ir.bindings[name])
        for cls in inference.world.subclasses.get(value.cls.ir.name, ())
        if cls is not value.cls and name in cls.ir.bindings and value.cls in lineage(inference, cls)
    )


def _of_class(inference: Inference, value: ClassInfo, name: str) -> Values:
    for one in lineage(inference, value):
        if isinstance(one, Ext):
            external = _inherited(inference, one, name)
            if external:
                return external
            continue
        bound = one.ir.bindings.get(name)
        if bound is None:
            assigned = one.ir.attributes.get(name)
            if assigned is not None:
                return inference.union(inference.values(expr, one.scope) for expr in assigned)
            continue
        found: list[Value] = []
        for expr in bound:
            for item in inference.values(expr, one.scope):
                if isinstance(item, FunctionInfo) and item.ir.traits & Trait.CLASS and item.owner is one:
                    found.append(Bound(item, value))
                else:
                    found.append(item)
        return tuple(found)
    return ()


def _of_super(inference: Inference, value: Super, name: str) -> Values:
    for one in list(lineage(inference, value.cls))[1:]:
        if isinstance(one, Ext):
            external = _inherited(inference, one, name)
            if external:
                return external
        elif name in one.ir.bindings:
            return _bound(inference, Inst(one), one, one.ir.bindings[name])
    return ()


def stored(inference: Inference, expr: Expr, scope: FunctionInfo) -> Values:
    """What the project assigns to an attribute or key of this name, on an object of unknown type."""
    base, name = expr[1], expr[2]
    last = base[2] if isinstance(base, list) and base[0] == "a" else base
    if not isinstance(last, str):
        return ()
    del scope
    found = [
        inference.values(value, module.functions[0])
        for placed, value, module in inference.world.stores.get(name, ())
        if placed == last or (placed in _LOOSE and last in _LOOSE)
    ]
    return inference.union(found)
