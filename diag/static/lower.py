"""A syntax tree into the compact form of `ir`: statements. One pass over the tree, which is then dropped."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from diag.static.ir import Class, Expr, Mark, Module, Param, Trait
from diag.static.lower_expressions import Expressions

_UNKNOWN = ["u"]
_FLAGS = {
    "staticmethod": Trait.STATIC,
    "classmethod": Trait.CLASS,
    "property": Trait.PROPERTY,
    "cached_property": Trait.PROPERTY,
    "abstractmethod": Trait.ABSTRACT,
    "hybrid_property": Trait.PROPERTY,
}


def lower(tree: ast.Module, *, lines: int, allowances: list[tuple[int, str]]) -> Module:
    """The compact form of a module.

    Raises:
        RecursionError: it is nested too deeply.
    """
    lowerer = _Lowerer()
    try:
        lowerer.statements(tree.body)
    finally:
        lowerer.forget()
    return Module(
        functions=lowerer.functions,
        classes=lowerer.classes,
        stars=lowerer.stars,
        stores=lowerer.stores,
        lines=lines,
        allowances=allowances,
    )


class _Lowerer(Expressions):
    """Walks statements; the function that is being lowered is `self.function`, its class `self.owner`."""

    def __init__(self) -> None:
        super().__init__()
        self.stars: list[list[Any]] = []
        self.in_class: Class | None = None  # while its body's own statements are lowered
        self.prefix = ""
        self.visit: dict[type, Callable[[Any], None]] = {
            ast.Expr: self._expr,
            ast.Assign: self._assign,
            ast.AnnAssign: self._ann_assign,
            ast.AugAssign: self._aug_assign,
            ast.Return: self._return,
            ast.If: self._if,
            ast.For: self._for,
            ast.AsyncFor: self._for,
            ast.While: self._while,
            ast.With: self._with,
            ast.AsyncWith: self._with,
            ast.Try: self._try,
            ast.TryStar: self._try,
            ast.FunctionDef: self._def,
            ast.AsyncFunctionDef: self._def,
            ast.ClassDef: self._class,
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.Global: self._global,
            ast.Nonlocal: self._nonlocal,
            ast.Raise: self._raise,
            ast.Assert: self._assert,
            ast.Delete: self._nothing,
            ast.Pass: self._nothing,
            ast.Break: self._nothing,
            ast.Continue: self._nothing,
            ast.Match: self._match,
        }

    def statements(self, body: list[ast.stmt]) -> None:
        """Lower them in their order."""
        visit = self.visit
        for node in body:
            visit.get(type(node), self._newer)(node)

    def forget(self) -> None:
        """Let go of the methods, which hold this object in turn."""
        self.visit.clear()
        self.visit_expression.clear()

    # names

    def bind(self, name: str, value: Expr) -> None:
        """A name gets a value in the scope that is being lowered."""
        if self.in_class is not None:
            self.in_class.bindings.setdefault(name, []).append(value)
        elif name in self.globals:
            self.functions[0].bindings.setdefault(name, []).append(["x", self.index, value])
        elif name in self.nonlocals and self.function.parent >= 0:
            outer = self.functions[self.function.parent]
            outer.bindings.setdefault(name, []).append(["x", self.index, value])
        else:
            self.function.bindings.setdefault(name, []).append(value)

    def target(self, node: ast.expr, value: Expr) -> None:
        """An assignment's target gets a value."""
        if isinstance(node, ast.Name):
            self.bind(node.id, value)
        elif isinstance(node, (ast.Tuple, ast.List)):
            for place, part in enumerate(node.elts):
                if isinstance(part, ast.Starred):
                    self.target(part.value, value)
                else:
                    self.target(part, None if value is None else ["s", value, ["k", place]])
        elif isinstance(node, ast.Attribute):
            self._store(node.value, node.attr, value)
        elif isinstance(node, ast.Subscript):
            key = self.expr(node.slice)
            self.expr(node.value)
            if value is not None:
                self._store_item(node.value, key, value)

    def _store(self, base: ast.expr, name: str, value: Expr) -> None:
        if value is None:
            return
        placed = ["x", self.index, value]
        if isinstance(base, ast.Name) and self.owner is not None and base.id == self.receiver:
            self.owner.attributes.setdefault(name, []).append(placed)
        else:
            if not isinstance(base, ast.Name):
                self.expr(base)
            self.stores.setdefault(name, []).append([self.placed(base), placed])

    def _store_item(self, base: ast.expr, key: Expr, value: Expr) -> None:
        element = ["x", self.index, ["l", [value]]]
        if isinstance(base, ast.Name):
            self.bind(base.id, ["l", [value]])
        elif isinstance(base, ast.Attribute):
            if isinstance(base.value, ast.Name) and self.owner is not None and base.value.id == self.receiver:
                self.owner.attributes.setdefault(base.attr, []).append(element)
        if isinstance(key, list) and key[0] == "k" and isinstance(key[1], str):
            self.stores.setdefault(f"[{key[1]}]", []).append([self.placed(base), ["x", self.index, value]])

    # statements

    def _nothing(self, node: ast.stmt) -> None:
        pass

    def _newer(self, node: Any) -> None:
        """Python 3.12's `type X = …`, the only statement that 3.11 does not have."""
        name, value = getattr(node, "name", None), getattr(node, "value", None)
        if isinstance(name, ast.Name) and isinstance(value, ast.expr):
            self.bind(name.id, self.annotation(value))

    def _expr(self, node: ast.Expr) -> None:
        if type(node.value) is not ast.Constant:
            self.expr(node.value)

    def _assign(self, node: ast.Assign) -> None:
        value = self.expr(node.value)
        for target in node.targets:
            self.target(target, value)

    def _ann_assign(self, node: ast.AnnAssign) -> None:
        annotation = self.annotation(node.annotation)
        self.target(node.target, ["t", annotation])
        if node.value is not None:
            self.target(node.target, self.expr(node.value))

    def _aug_assign(self, node: ast.AugAssign) -> None:
        value = self.expr(node.value)
        if isinstance(node.target, ast.Name) and value is not None:
            self.bind(node.target.id, value)
        elif not isinstance(node.target, ast.Name):
            self.expr(node.target)

    def _return(self, node: ast.Return) -> None:
        if node.value is not None:
            value = self.expr(node.value)
            if value is not None:
                self.function.results.append(value)

    def _if(self, node: ast.If) -> None:
        branch: ast.If = node
        while True:  # a chain of `elif` is as deep as it is long
            test = branch.test
            if _is_type_checking(test):
                self.statements([n for n in branch.body if isinstance(n, (ast.Import, ast.ImportFrom))])
            elif not (isinstance(test, ast.Constant) and not test.value):
                self.expr(test)
                self.statements(branch.body)
            rest = branch.orelse
            if len(rest) == 1 and isinstance(rest[0], ast.If):
                branch = rest[0]
            else:
                self.statements(rest)
                return

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        source = self.expr(node.iter)
        if isinstance(node, ast.For) and source is not None:
            self.pseudo_call(source, "__iter__", node.iter, Mark.ITERATED)
        self.target(node.target, None if source is None else ["i", source])
        self.statements(node.body)
        self.statements(node.orelse)

    def _while(self, node: ast.While) -> None:
        self.expr(node.test)
        self.statements(node.body)
        self.statements(node.orelse)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        plain = isinstance(node, ast.With)
        for item in node.items:
            value = self.expr(item.context_expr)
            if value is not None:
                if plain:
                    self.pseudo_call(value, "__enter__", item.context_expr, Mark.ENTERED)
                else:
                    self.mark_awaited(value)
            if item.optional_vars is not None:
                self.target(item.optional_vars, None if value is None else ["e" if plain else "E", value])
        self.statements(node.body)

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        self.statements(node.body)
        for handler in node.handlers:
            if handler.type is not None:
                self.expr(handler.type)
            if handler.name:
                self.bind(handler.name, _UNKNOWN)
            self.statements(handler.body)
        self.statements(node.orelse)
        self.statements(node.finalbody)

    def _raise(self, node: ast.Raise) -> None:
        if node.exc is not None:
            self.expr(node.exc)

    def _assert(self, node: ast.Assert) -> None:
        self.expr(node.test)

    def _match(self, node: ast.Match) -> None:
        subject = self.expr(node.subject)
        for case in node.cases:
            for pattern in ast.walk(case.pattern):
                name = getattr(pattern, "name", None)
                if isinstance(name, str):
                    cls = getattr(getattr(pattern, "pattern", None), "cls", None)
                    self.bind(name, ["t", self.annotation(cls)] if cls is not None else subject)
            if case.guard is not None:
                self.expr(case.guard)
            self.statements(case.body)

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


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


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
