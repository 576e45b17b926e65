"""A syntax tree into the compact form of `ir`: statements. One pass over the tree, which is then dropped."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from diag.static.ir import Expr, Mark, Module
from diag.static.lower_definitions import Definitions

_UNKNOWN = ["u"]
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


class _Lowerer(Definitions):
    """Walks statements; the function that is being lowered is `self.function`, its class `self.owner`."""

    def __init__(self) -> None:
        super().__init__()
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

    def _is_receiver(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self.receiver

    def _store_item(self, base: ast.expr, key: Expr, value: Expr) -> None:
        element = ["x", self.index, ["l", [value]]]
        if isinstance(base, ast.Name):
            self.bind(base.id, ["l", [value]])
        elif isinstance(base, ast.Attribute) and self._is_receiver(base.value) and self.owner is not None:
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


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )
