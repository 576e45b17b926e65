"""What a function calls on its own thread: other functions, and calls that are known to block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diag.finding import Confidence
from diag.static import guesses, laziness, members
from diag.static.arguments import returns_at_once
from diag.static.infer import Inference
from diag.static.ir import Call, Expr, Load, Mark, Trait
from diag.static.knowledge import Effect
from diag.static.model import (
    Bound,
    ClassInfo,
    Ext,
    FunctionInfo,
    Handed,
    Holds,
    Inst,
    Obj,
    Partial,
    Value,
)
from diag.static.wrappers import Wrappers

_EXHAUST = ("list", "tuple", "set", "sorted", "sum", "any", "all", "max", "min", "dict")
_CONSTRUCTORS = ("__init__", "__new__", "__post_init__")


@dataclass(frozen=True, slots=True)
class Edge:
    """A call in a function.

    Attributes:
        site: where it stands.
        target: the function that runs, None if it is known by its name only.
        effect: what it does to the loop, None if `target` says so.
        name: what is called, as resolved.
        sure: how sure it is that this is what is called.
    """

    site: Call | Load
    target: FunctionInfo | None
    effect: Effect | None
    name: str
    sure: Confidence


class Edges:
    """Answers what functions call."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self.wrappers = Wrappers(inference)
        self._known: dict[FunctionInfo, tuple[Edge, ...]] = {}
        self._current: FunctionInfo | None = None

    def of(self, function: FunctionInfo) -> tuple[Edge, ...]:
        """The calls of a function that run where it runs, in the order of its source."""
        known = self._known.get(function)
        if known is None:
            known = self._known[function] = tuple(self._of(function))
        return known

    def _of(self, function: FunctionInfo) -> Iterator[Edge]:
        inference = self._inference
        self._current = function
        for call in function.ir.calls:
            values = self._running(call, function)
            found = False
            for value in values:
                for edge in self._called(value, call, len(values)):
                    found = True
                    yield edge
            if not found:
                guess = guesses.effect(inference, call, function, values)
                if guess is not None:
                    yield Edge(call, None, guess, guess.call, guess.confidence)
                for method in guesses.methods(inference, call, function, values):
                    yield from self._function(method, call, Confidence.LOW)
            yield from self._given(call, function, values)
            if call.callee in _EXHAUST and call.args:
                yield from self._exhausted(call, function)
        yield from self._properties(function)
        yield from self._wrapped(function)

    def _is_done(self, call: Call) -> bool:
        """True for the future that a callback (a lambda) is given: it is done."""
        function = self._current
        if function is None or not function.ir.traits & Trait.LAMBDA or not isinstance(call.callee, list):
            return False
        return any(call.callee[1] == one.name for one in function.ir.params)

    @staticmethod
    def _has_unblocked_sockets(function: FunctionInfo) -> bool:
        """True if a function or its class makes sockets non-blocking: the loop says when they are ready."""
        owner = function.ir.owner
        functions = function.module.functions
        near = [one for one in functions if one.ir.owner == owner] if owner >= 0 else [function]
        return any(
            isinstance(call.callee, list) and call.callee[-1] == "setblocking" and _is_off(call.args)
            for one in near
            for call in one.ir.calls
        )

    def _running(self, call: Call, function: FunctionInfo) -> tuple[Value, ...]:
        """What a call calls, without generators whose bodies run later and elsewhere."""
        values = self._inference.values(call.callee, function)
        if any(_is_generator(one) for one in values) and not laziness.is_run(call, function.ir):
            return tuple(one for one in values if not _is_generator(one))
        if call.marks & Mark.AWAITED and any(_is_async(one) for one in values):
            return tuple(one for one in values if _is_async(one))  # the others are not meant here
        return values

    def _exhausted(self, call: Call, function: FunctionInfo) -> Iterator[Edge]:
        """``list(rows)`` iterates over all of them."""
        for value in self._inference.values(call.args[0], function):
            if isinstance(value, Obj):
                yield from self._external(f"{value.type}.__iter__", call, Confidence.HIGH)

    def _properties(self, function: FunctionInfo) -> Iterator[Edge]:
        properties = self._inference.world.properties
        for load in function.ir.loads:
            if load.name in properties:
                yield from self._property(load, function)

    def _wrapped(self, function: FunctionInfo) -> Iterator[Edge]:
        """What a decorator's own wrapper runs around the function."""
        for decorator in self.wrappers.decorators(function):
            for wrapper in self.wrappers.returned(decorator):
                if not wrapper.is_async and not function.is_async and wrapper is not function:
                    yield Edge(
                        Load(None, "", function.ir.line, 0, function.ir.line, 0), wrapper, None, wrapper.name,
                        Confidence.MEDIUM,
                    )  # fmt: skip

    def _called(self, value: Value, call: Call, choices: int) -> Iterator[Edge]:
        """What calling a value runs."""
        sure = Confidence.HIGH if choices == 1 else Confidence.MEDIUM
        match value:
            case FunctionInfo():
                yield from self._function(value, call, sure)
            case Bound():
                yield from self._function(value.function, call, sure)
            case ClassInfo():
                for name in _CONSTRUCTORS:
                    yield from self._method(value, name, call, sure)
            case Partial():
                if not isinstance(value.inner, Holds):
                    yield from self._called(value.inner, call, choices)
            case Inst():
                yield from self._method(value.cls, "__call__", call, sure)
            case Ext():
                yield from self._external(value.name, call, sure)
            case Obj():
                yield from self._external(f"{value.type}.__call__", call, sure)
            case Handed() | _:
                return

    def _function(self, function: FunctionInfo, call: Call | Load, sure: Confidence) -> Iterator[Edge]:
        """Calling a coroutine function runs nothing; it is a handler of its own."""
        if not function.is_async and self.wrappers.keeps(function):
            yield Edge(call, function, None, function.name, sure)
            if isinstance(call, Call) and call.marks & Mark.ENTERED and function.ir.name == "__enter__":
                leave = (
                    members.method(self._inference, function.owner, "__exit__") if function.owner else None
                )
                if isinstance(leave, FunctionInfo):
                    yield Edge(call, leave, None, leave.name, sure)

    def _method(self, cls: ClassInfo, name: str, call: Call, sure: Confidence) -> Iterator[Edge]:
        found = members.method(self._inference, cls, name)
        if isinstance(found, FunctionInfo):
            yield from self._function(found, call, sure)
        elif isinstance(found, Ext):
            yield from self._external(found.name, call, sure)
        elif name == "__init__":
            for one in members.lineage(self._inference, cls):
                if isinstance(one, Ext):
                    yield from self._external(one.name, call, sure)

    def _external(self, name: str, call: Call, sure: Confidence) -> Iterator[Edge]:
        effect = self._inference.knowledge.effect(name)
        if effect is None or returns_at_once(effect, call):
            return
        current = self._current
        if effect.call.startswith("socket.socket.") and current and self._has_unblocked_sockets(current):
            return
        if effect.call.endswith("Future.result") and self._is_done(call):
            return
        if call.marks & Mark.AWAITED and name.count(".") > 1:
            return  # a method that is awaited is another one than its type made believe
        yield Edge(call, None, effect, effect.call, min(sure, effect.confidence, key=_ORDER.index))

    def _given(self, call: Call, function: FunctionInfo, values: tuple[Value, ...]) -> Iterator[Edge]:
        """Functions that a call is given and calls: ``retry(requests.get)``, ``map(load, names)``."""
        inference = self._inference
        given: list[tuple[int, str, Expr]] = [(place, "", arg) for place, arg in enumerate(call.args)]
        given += [(-1, keyword, arg) for keyword, arg in call.keywords.items()]
        for place, keyword, arg in given:
            if not _may_be_function(arg) or not any(
                self.wrappers.runs(one, place, keyword) for one in values
            ):
                continue
            for value in inference.values(arg, function):
                if isinstance(value, (FunctionInfo, Bound, Partial, Ext)):
                    yield from self._called(value, call, 2)

    def _property(self, load: Load, function: FunctionInfo) -> Iterator[Edge]:
        for value in self._inference.values(load.base, function):
            if isinstance(value, Inst):
                found = members.method(self._inference, value.cls, load.name)
                if isinstance(found, FunctionInfo) and found.ir.traits & Trait.PROPERTY:
                    yield from self._function(found, load, Confidence.HIGH)


def _is_async(value: Value) -> bool:
    function = value.function if isinstance(value, Bound) else value
    return isinstance(function, FunctionInfo) and function.is_async


def _is_generator(value: Value) -> bool:
    function = value.function if isinstance(value, Bound) else value
    return isinstance(function, FunctionInfo) and bool(function.ir.traits & Trait.GENERATOR)


_ORDER = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


def _may_be_function(arg: Expr) -> bool:
    return isinstance(arg, str) or (isinstance(arg, list) and arg[0] in "adc")


def _is_off(args: list[Expr]) -> bool:
    return bool(args) and isinstance(args[0], list) and args[0][0] == "k" and not args[0][1]
