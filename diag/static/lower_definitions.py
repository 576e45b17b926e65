"""A syntax tree into the compact form of `ir`: imports, functions, classes and their parameters."""

from __future__ import annotations

import ast
from typing import Any

from diag.static.ir import Class, Expr, Param, Trait
from diag.static.lower_expressions import Expressions

_FLAGS = {
    "staticmethod": Trait.STATIC,
    "classmethod": Trait.CLASS,
    "property": Trait.PROPERTY,
    "cached_property": Trait.PROPERTY,
    "abstractmethod": Trait.ABSTRACT,
    "hybrid_property": Trait.PROPERTY,
}


class Definitions(Expressions):
    """Lowers what gives names to code; other statements are added by the subclass."""

    def __init__(self) -> None:
        super().__init__()
        self.stars: list[list[Any]] = []

    def statements(self, body: list[ast.stmt]) -> None:
        """Lower statements in their order."""
        raise NotImplementedError

    def _global(self, node: ast.Global) -> None:
        self.globals.update(node.names)

    def _nonlocal(self, node: ast.Nonlocal) -> None:
        self.nonlocals.update(node.names)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.asname:
                self.bind(alias.asname, ["I", alias.name])
            else:
                self.bind(alias.name.partition(".")[0], ["I", alias.name.partition(".")[0]])
                if "." in alias.name:
                    self.stars.append([alias.name, 0, True])  # loads the submodule, binds nothing

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        for alias in node.names:
            if alias.name == "*":
                self.stars.append([module, node.level, False])
            else:
                self.bind(alias.asname or alias.name, ["F", module, node.level, alias.name])

    # definitions

    def _def(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        decorators = [self.expr(one) for one in node.decorator_list]
        traits = Trait.ASYNC if isinstance(node, ast.AsyncFunctionDef) else Trait(0)
        for one in decorators:
            last = one[2] if isinstance(one, list) and one[0] == "a" else one
            if isinstance(last, str):
                traits |= _FLAGS.get(last, 0)
                if last in ("setter", "deleter"):
                    return  # an assignment, not a read
        if _is_abstract(node.body):
            traits |= Trait.ABSTRACT
        params = self.params(node.args)
        annotation = None if node.returns is None else self.annotation(node.returns)
        index = self.begin(node.name, node.lineno, traits, params, method=self.in_class is not None)
        function = self.functions[index]
        function.decorators = [one for one in decorators if one is not None]
        function.annotation = annotation
        self.bind(node.name, ["d", index])
        self.within(index, node.body)

    def within(self, index: int, body: list[ast.stmt]) -> None:
        """Lower a function's body in its own scope."""
        kept = (
            self.function, self.index, self.in_class, self.owner, self.receiver, self.prefix, self.globals,
            self.nonlocals,
        )  # fmt: skip
        function = self.functions[index]
        if self.in_class is not None:
            self.owner = self.in_class
            static = function.traits & (Trait.STATIC | Trait.CLASS)
            self.receiver = function.params[0].name if function.params and not static else ""
            if function.traits & Trait.CLASS and function.params:
                self.receiver = function.params[0].name
        self.function, self.index, self.in_class = function, index, None
        self.prefix = function.qualname + "."
        self.globals, self.nonlocals = set(), set()
        self.statements(body)
        (
            self.function, self.index, self.in_class, self.owner, self.receiver, self.prefix, self.globals,
            self.nonlocals,
        ) = kept  # fmt: skip

    def _class(self, node: ast.ClassDef) -> None:
        decorators = [self.expr(one) for one in node.decorator_list]
        bases = [self.annotation(one) for one in node.bases]
        for keyword in node.keywords:
            self.expr(keyword.value)
        made = Class(node.name, self.prefix + node.name, node.lineno, self.index, bases, decorators)
        self.classes.append(made)
        self.bind(node.name, ["D", len(self.classes) - 1])
        kept = self.in_class, self.prefix
        self.in_class, self.prefix = made, made.qualname + "."
        self.statements(node.body)
        self.in_class, self.prefix = kept

    def params(self, args: ast.arguments) -> list[Param]:
        """The parameters, with their defaults."""
        plain = [*args.posonlyargs, *args.args]
        first = len(plain) - len(args.defaults)
        made = [
            self._param(one, None if place < first else args.defaults[place - first])
            for place, one in enumerate(plain)
        ]
        if args.vararg:
            made.append(Param(args.vararg.arg, self._annotation_of(args.vararg), None, 1))
        for one, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
            param = self._param(one, default)
            param.keyword = True
            made.append(param)
        if args.kwarg:
            made.append(Param(args.kwarg.arg, self._annotation_of(args.kwarg), None, 2))
        return made

    def _param(self, node: ast.arg, default: ast.expr | None) -> Param:
        return Param(node.arg, self._annotation_of(node), None if default is None else self.expr(default))

    def _annotation_of(self, node: ast.arg) -> Expr:
        return None if node.annotation is None else self.annotation(node.annotation)


def _is_abstract(body: list[ast.stmt]) -> bool:
    """Nothing but a docstring, `pass`, `...` or `raise NotImplementedError`."""
    for node in body:
        if isinstance(node, ast.Pass) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            name = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(name, ast.Name) and name.id == "NotImplementedError":
                continue
        return False
    return True
