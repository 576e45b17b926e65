"""What an expression can be: a small set of values, found by looking at what its names are bound to.

Flow-insensitive: a name can be all that it is bound to anywhere in its scope. Every question is answered
once; a question that comes up again while it is being answered has no answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TypeVar

from diag.static import hints, members, parameters, results
from diag.static.ir import Expr
from diag.static.model import (
    Alias,
    ClassInfo,
    Coro,
    Ext,
    FunctionInfo,
    Holds,
    ModuleInfo,
    Namespace,
    Obj,
    Value,
    Values,
)
from diag.static.world import World

WIDEST = 8  # more values than this say nothing: a registry, or a name used for everything
DEEPEST = 60  # questions that wait for each other
_MOST_TRIES = 2  # to answer a question that waits for itself
_Key = TypeVar("_Key")
_UNIONS = frozenset({"typing.Annotated", "typing.Optional", "typing.Union", "typing_extensions.Annotated"})


class Inference:
    """Answers what expressions can be, over the modules of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.knowledge = world.knowledge
        self._known: dict[tuple[int, int], Values] = {}
        self._names: dict[tuple[FunctionInfo, str], Values] = {}
        self._members: dict[tuple[Value, str], Values] = {}
        self._results: dict[FunctionInfo, Values] = {}
        self._busy: set[tuple[int, object]] = set()
        self._tries: dict[tuple[int, object], int] = {}
        self._cut = False
        self._depth = 0

    def _ask(self, table: dict[_Key, Values], key: _Key, question: partial[Values]) -> Values:
        """Answer a question once.

        A question that is being asked already, or that too many wait for, has no answer for now; what was
        found without it is asked again, but not for ever.
        """
        known = table.get(key)
        if known is not None:
            return known
        asked = id(table), key
        if asked in self._busy or self._depth > DEEPEST:
            self._cut = True
            return ()
        before, self._cut = self._cut, False
        self._busy.add(asked)
        self._depth += 1
        try:
            found = question()
        finally:
            self._busy.discard(asked)
            self._depth -= 1
        if self._cut and self._depth:
            tries = self._tries[asked] = self._tries.get(asked, 0) + 1
            self._cut = tries < _MOST_TRIES
        else:
            self._cut = False
        if not self._cut:
            table[key] = found
        self._cut = self._cut or before
        return found

    # expressions

    def values(self, expr: Expr, scope: FunctionInfo) -> Values:
        """What an expression of a function can be."""
        if expr is None:
            return ()
        if isinstance(expr, str):
            return self.name(expr, scope)
        key = id(expr), id(scope)
        return self._ask(self._known, key, partial(self._values, expr, scope))

    def _values(self, expr: Expr, scope: FunctionInfo) -> Values:
        if expr[0] in "dDIFxt":
            return self._bound(expr, scope)
        return self._computed(expr, scope)

    def _computed(self, expr: Expr, scope: FunctionInfo) -> Values:  # noqa: C901  # one case an operation
        match expr[0]:
            case "a":
                return self._attribute(expr, scope)
            case "c":
                call = scope.ir.calls[expr[1]]
                return results.of_call(self, call, scope)
            case "k":
                return (Obj("str"),) if isinstance(expr[1], str) else ()
            case "s":
                return self._item(expr, scope)
            case "l":
                return (Holds(tuple(self.values(one, scope) for one in expr[1][: WIDEST * 4])),)
            case "m":
                return (Holds((self.union(self.values(one, scope) for _, one in expr[1]),)),)
            case "o":
                return self.union(self.values(one, scope) for one in expr[1])
            case "b":
                return self._divided(expr, scope)
            case "w":
                return self.awaited(self.values(expr[1], scope))
            case "i":
                return self.elements(self.values(expr[1], scope))
            case "e" | "E":
                return results.entered(self, self.values(expr[1], scope), waits=expr[0] == "E")
            case _:
                return ()

    def _bound(self, expr: Expr, scope: FunctionInfo) -> Values:
        """What a definition, an import or an annotation binds."""
        match expr[0]:
            case "t":
                return hints.instances(self, expr[1], scope)
            case "d":
                return (scope.module.functions[expr[1]],)
            case "D":
                return (scope.module.classes[expr[1]],)
            case "I":
                found = self.world.imported(expr[1], scope.module)
                return () if found is None else (found,)
            case "F":
                return self._imported(expr, scope)
            case _:
                return self.values(expr[2], scope.module.functions[expr[1]])

    def _attribute(self, expr: Expr, scope: FunctionInfo) -> Values:
        bases = self.values(expr[1], scope)
        found = self.union(self.attribute(base, expr[2]) for base in bases)
        if all(isinstance(one, Ext) and self.knowledge.says_nothing(one.name) for one in found):
            return members.stored(self, expr, scope) or found
        return found

    def _item(self, expr: Expr, scope: FunctionInfo) -> Values:
        bases = self.values(expr[1], scope)
        if any(isinstance(one, Ext) and one.name in _UNIONS for one in bases):
            return (Alias(id(expr), scope, expr),)
        key = expr[2]
        if isinstance(key, list) and key[0] == "k" and isinstance(key[1], int):
            found = [
                one.parts[key[1]] if isinstance(one, Holds) and -len(one.parts) <= key[1] < len(one.parts) > 1
                else results.item(self, one)
                for one in bases
            ]  # fmt: skip
            return self.union(found)
        found = [results.item(self, one) for one in bases]
        plain = self.union(found)
        if not plain and isinstance(key, list) and key[0] == "k":
            return members.stored(self, ["a", expr[1], f"[{key[1]}]"], scope)
        return plain

    def _divided(self, expr: Expr, scope: FunctionInfo) -> Values:
        """``a | b`` of types is an alias; ``path / name`` is a path."""
        left, right = self.values(expr[1], scope), self.values(expr[2], scope)
        if any(isinstance(one, (ClassInfo, Alias)) for one in left):
            return (Alias(id(expr), scope, expr),)
        paths = tuple(one for one in (*left, *right) if isinstance(one, Obj) and one.type == "pathlib.Path")
        if paths:
            return paths[:1]
        known = self.knowledge.is_class  # LangChain's `prompt | model` runs the model
        return tuple(one for one in (*right, *left) if isinstance(one, Obj) and known(one.type))

    def _imported(self, expr: Expr, scope: FunctionInfo) -> Values:
        _, module, level, name = expr
        world = self.world
        source = (
            world.relative(module, level, scope.module) if level else world.imported(module, scope.module)
        )
        if source is None:
            return ()
        return self.attribute(source, name)

    # names

    def name(self, name: str, scope: FunctionInfo) -> Values:
        """What a name can be in a function."""
        key = scope, name
        return self._ask(self._names, key, partial(self._name, name, scope))

    def _name(self, name: str, scope: FunctionInfo) -> Values:
        here: FunctionInfo = scope
        while here.index:
            bound = here.ir.bindings.get(name)
            place = next((n for n, one in enumerate(here.ir.params) if one.name == name), None)
            if place is not None:
                given = parameters.values(self, here, place)
                return (
                    given
                    if bound is None
                    else self.union([given, *(self.values(one, here) for one in bound)])
                )
            if bound is not None:
                return self.union(self.values(one, here) for one in bound)
            here = here.scope
        found = self.module_name(scope.module, name)
        if found is not None:
            return found
        builtin = self.world.builtin(name)
        return () if builtin is None else (builtin,)

    def module_name(self, module: ModuleInfo, name: str) -> Values | None:
        """What a module-level name can be, None if the module has no such name."""
        found = self.world.binding(module, name)
        if found is not None:
            holder, bound = found
            body = holder.functions[0]
            return self.union(self.values(one, body) for one in bound)
        for source in self.world.star_sources(module) if module.ir.stars else ():
            if isinstance(source, Ext):
                full = f"{source.name}.{name}"
                if self.knowledge.effect(full) or self.knowledge.returns(full):
                    return (Ext(self.knowledge.canonical(full)),)
        return None

    # values

    def attribute(self, value: Value, name: str) -> Values:
        """What an attribute of a value can be."""
        key = value, name
        return self._ask(self._members, key, partial(members.attribute, self, value, name))

    def results(self, function: FunctionInfo) -> Values:
        """What a function gives, before it is awaited or iterated."""
        return self._ask(self._results, function, partial(results.of_function, self, function))

    def member(self, source: Value, name: str) -> Values:
        """A name of a module or package."""
        if isinstance(source, ModuleInfo):
            found = self.module_name(source, name)
            if found is not None:
                return found
        one = self.world.member(source, name) if isinstance(source, (ModuleInfo, Namespace, Ext)) else None
        return () if one is None else (one,)

    @staticmethod
    def awaited(values: Values) -> Values:
        """What awaiting gives."""
        found: list[Value] = []
        for one in values:
            found.extend(one.values if isinstance(one, Coro) else (one,))
        return tuple(dict.fromkeys(found))[:WIDEST]

    def elements(self, values: Values) -> Values:
        """What iterating gives."""
        return self.union(results.item(self, one) for one in values)

    @staticmethod
    def union(many: Iterable[Values]) -> Values:
        """All of them, each once; nothing if they are too many to mean anything."""
        found: dict[Value, None] = {}
        for values in many:
            for one in values:
                found[one] = None
        return tuple(found) if len(found) <= WIDEST else tuple(found)[:WIDEST]
