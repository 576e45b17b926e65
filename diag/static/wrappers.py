"""Whether a function that is given to another one runs on the loop: wrappers, decorators and the like."""

from __future__ import annotations

from collections.abc import Iterator

from diag.static import members
from diag.static.infer import Inference
from diag.static.ir import Call, Expr, Trait
from diag.static.model import Bound, ClassInfo, Ext, FunctionInfo, Handed, Inst, Partial, Value

_CALLS_FIRST = frozenset({"map", "filter", "functools.reduce", "itertools.starmap", "sorted", "min", "max"})
_CALLS_KEY = frozenset({"sorted", "min", "max", "itertools.groupby"})


class Wrappers:
    """Answers, for functions that take functions, whether they call them where they are called themselves."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._known: dict[tuple[FunctionInfo, str], bool] = {}

    def calls(self, function: FunctionInfo, name: str) -> bool:
        """True if a function calls this parameter of its own, itself or in a function that it returns."""
        key = function, name
        known = self._known.get(key)
        if known is None:
            self._known[key] = False  # for functions that pass it on to themselves
            known = self._known[key] = any(
                self._called(one, call, name) for one in self._on_loop(function) for call in one.ir.calls
            )
        return known

    def _called(self, function: FunctionInfo, call: Call, name: str) -> bool:
        if call.callee == name:
            return True
        passed = [place for place, arg in enumerate(call.args) if _is_name(arg, name)]
        named = [key for key, arg in call.keywords.items() if _is_name(arg, name)]
        if not passed and not named:
            return False
        return any(
            self.runs(value, place, key)
            for value in self._inference.values(call.callee, function)
            for place, key in [*((p, "") for p in passed), *((-1, k) for k in named)]
        )

    def runs(self, value: Value, place: int, keyword: str) -> bool:
        """True if calling `value` calls the argument at this place (or of this name) on the same thread."""
        match value:
            case Ext(name=name):
                return (name in _CALLS_FIRST and place == 0 and name not in _CALLS_KEY) or (
                    name in _CALLS_KEY and keyword == "key"
                )
            case Partial(inner=inner):
                return self.runs(inner, place, keyword)
            case FunctionInfo():
                return self._runs(value, place, keyword)
            case Bound():
                return self._runs(value.function, place + 1 if place >= 0 else place, keyword)
            case ClassInfo():
                init = members.method(self._inference, value, "__init__")
                return isinstance(init, FunctionInfo) and self._runs(
                    init, place + 1 if place >= 0 else place, keyword
                )
            case _:
                return False

    def _runs(self, function: FunctionInfo, place: int, keyword: str) -> bool:
        params = function.ir.params
        if keyword:
            return any(one.name == keyword for one in params) and self.calls(function, keyword)
        plain = [one for one in params if not one.star and not one.keyword]
        return 0 <= place < len(plain) and self.calls(function, plain[place].name)

    def _on_loop(self, function: FunctionInfo) -> list[FunctionInfo]:
        """A function and those inside it that it calls or returns."""
        found = [function]
        inside = {
            one.ir.name: one for one in function.module.functions if _is_inside(one, function)
        } if _has_inside(function) else {}  # fmt: skip
        for one in found:
            for expr in _mentioned(one):
                nested = _nested(expr, inside, function)
                if nested is not None and nested not in found:
                    found.append(nested)
        return found

    # decorators

    def returned(self, decorator: FunctionInfo) -> list[FunctionInfo]:
        """The functions inside a decorator that it puts in place of what it decorates."""
        return [
            one for one in self._on_loop(decorator) if one is not decorator and _is_inside(one, decorator)
        ]

    def keeps(self, function: FunctionInfo) -> bool:
        """True if calling a function, as decorated, runs its body where it is called."""
        return all(self._keeps(one, function.scope) for one in function.ir.decorators)

    def decorators(self, function: FunctionInfo) -> Iterator[FunctionInfo]:
        """The project's own decorators of a function."""
        for expr in function.ir.decorators:
            for value in self._inference.values(expr, function.scope):
                if isinstance(value, FunctionInfo):
                    yield value

    def _keeps(self, expr: Expr, scope: FunctionInfo) -> bool:
        inference = self._inference
        for value in inference.values(expr, scope):
            match value:
                case Ext(name=name):
                    if inference.knowledge.hands_off(name):
                        return False
                case Handed():
                    return False
                case FunctionInfo():
                    if not self._decorator_keeps(value):
                        return False
                case _:
                    continue
        callee = _callee(expr, scope)
        if callee is None:
            return True
        named = [v.name for v in inference.values(callee, scope) if isinstance(v, Ext)]
        return not any(inference.knowledge.hands_off(name) for name in named)

    def _decorator_keeps(self, decorator: FunctionInfo) -> bool:
        params = decorator.ir.params
        if not params:
            return True
        first = params[0].name
        if first in decorator.ir.results or self.calls(decorator, first):
            return True
        return not self._passes(decorator, first)

    def _passes(self, decorator: FunctionInfo, name: str) -> bool:
        """True if a decorator, or a function inside it, gives what it decorates to something else."""
        inside = [decorator, *(one for one in decorator.module.functions if _is_inside(one, decorator))]
        return any(
            _is_name(arg, name)
            for one in inside
            for call in one.ir.calls
            if not _is_wraps(call)
            for arg in (*call.args, *call.keywords.values())
        ) or any(call.callee == name for one in inside for call in one.ir.calls)

    def instance_call(self, value: Inst) -> FunctionInfo | None:
        """The `__call__` of an object."""
        found = members.method(self._inference, value.cls, "__call__")
        return found if isinstance(found, FunctionInfo) else None


def _is_name(arg: Expr, name: str) -> bool:
    return bool(arg == name) or (isinstance(arg, list) and arg[0] == "i" and arg[1] == name)


def _is_wraps(call: Call) -> bool:
    callee = call.callee
    return (callee[2] if isinstance(callee, list) and callee[0] == "a" else callee) in (
        "wraps",
        "update_wrapper",
    )


def _callee(expr: Expr, scope: FunctionInfo) -> Expr:
    return scope.ir.calls[expr[1]].callee if isinstance(expr, list) and expr[0] == "c" else None


def _is_inside(one: FunctionInfo, outer: FunctionInfo) -> bool:
    here = one
    while here.index and here.ir.parent > 0:
        if here.ir.parent == outer.index:
            return True
        here = here.scope
    return False


def _has_inside(function: FunctionInfo) -> bool:
    functions = function.module.functions
    following = function.index + 1
    if following < len(functions) and functions[following].ir.parent == function.index:
        return True
    return any(isinstance(b, list) and b[0] == "d" for bound in function.ir.bindings.values() for b in bound)


def _mentioned(function: FunctionInfo) -> Iterator[Expr]:
    """What a function calls or returns."""
    for call in function.ir.calls:
        yield call.callee
    for expr in function.ir.results:
        yield expr
        if isinstance(expr, list) and expr[0] == "c":  # `return functools.wraps(f)(inner)`
            yield from function.ir.calls[expr[1]].args


def _nested(expr: Expr, inside: dict[str, FunctionInfo], outer: FunctionInfo) -> FunctionInfo | None:
    if isinstance(expr, str):
        return inside.get(expr)
    if isinstance(expr, list) and expr[0] == "d":
        one = outer.module.functions[expr[1]]
        return one if one.ir.traits & Trait.LAMBDA else None
    return None
