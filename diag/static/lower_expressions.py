"""A syntax tree into the compact form of `ir`: expressions and the calls in them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from diag.static.ir import Call, Class, Expr, Function, Load, Mark, Param, Trait

_LONGEST_TEXT = 120  # longer constants are never names, paths or modes that matter


class Expressions:
    """Lowers expressions into the function that is current; statements are added by the subclass."""

    def __init__(self) -> None:
        self.functions: list[Function] = [_function("<module>", "<module>", 1)]
        self.classes: list[Class] = []
        self.stores: dict[str, list[Expr]] = {}
        self.function = self.functions[0]
        self.index = 0
        self.owner: Class | None = None
        self.receiver = ""
        self.prefix = ""
        self.in_class: Class | None = None
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.visit_expression: dict[type, Callable[[Any], Expr]] = {
            ast.Name: _name,
            ast.Constant: _constant,
            ast.Attribute: self._attribute,
            ast.Call: self._call,
            ast.Await: self._await,
            ast.Subscript: self._subscript,
            ast.List: self._sequence,
            ast.Tuple: self._sequence,
            ast.Set: self._sequence,
            ast.Dict: self._dict,
            ast.JoinedStr: self._joined,
            ast.FormattedValue: self._formatted,
            ast.BinOp: self._binary,
            ast.BoolOp: self._either,
            ast.IfExp: self._conditional,
            ast.UnaryOp: self._unary,
            ast.Compare: self._compare,
            ast.Lambda: self._lambda,
            ast.ListComp: self._comprehension,
            ast.SetComp: self._comprehension,
            ast.GeneratorExp: self._comprehension,
            ast.DictComp: self._dict_comprehension,
            ast.NamedExpr: self._named,
            ast.Starred: self._starred,
            ast.Yield: self._yield,
            ast.YieldFrom: self._yield_from,
            ast.Slice: self._slice,
        }

    def expr(self, node: ast.expr) -> Expr:
        """The compact form of an expression; its calls are added to the current function."""
        visit = self.visit_expression.get(type(node))
        return None if visit is None else visit(node)

    def begin(self, name: str, line: int, traits: int, params: list[Param], *, method: bool) -> int:
        """Add a function to the module and return its index."""
        function = _function(name, self.prefix + name, line)
        function.parent, function.traits, function.params = self.index, traits, params
        if method and self.in_class is not None:
            function.owner = self.classes.index(self.in_class)
        self.functions.append(function)
        return len(self.functions) - 1

    def bind(self, name: str, value: Expr) -> None:
        """A name gets a value."""
        raise NotImplementedError

    def target(self, node: ast.expr, value: Expr) -> None:
        """An assignment's target gets a value."""
        raise NotImplementedError

    def params(self, args: ast.arguments) -> list[Param]:
        """The parameters of a function."""
        raise NotImplementedError

    def annotation(self, node: ast.expr) -> Expr:
        """An annotation, in which texts are expressions."""
        kept, loads = self.function.calls, self.function.loads
        try:
            return self._annotation(node)
        finally:
            del loads[len(loads) :]
            self.function.calls = kept

    def _annotation(self, node: ast.expr) -> Expr:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                return self._annotation(ast.parse(node.value, mode="eval").body)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return None
        if isinstance(node, ast.Subscript):
            base = self._annotation(node.value)
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return ["s", base, ["l", [self._annotation(one) for one in parts]]]
        if isinstance(node, ast.BinOp):
            return ["b", self._annotation(node.left), self._annotation(node.right)]
        if isinstance(node, ast.Attribute):
            return ["a", self._annotation(node.value), node.attr]
        if isinstance(node, (ast.List, ast.Tuple)):
            return ["l", [self._annotation(one) for one in node.elts]]
        return self.expr(node)

    def pseudo_call(self, value: Expr, name: str, node: ast.expr, mark: Mark) -> None:
        """What a statement calls without a call in the source."""
        if isinstance(value, list) and value[0] in "kmlu":
            return
        self.function.calls.append(
            Call(["a", value, name], [], {}, node.lineno, node.col_offset, node.end_lineno or 0,
                 node.end_col_offset or 0, mark)
        )  # fmt: skip

    def mark_awaited(self, value: Expr) -> None:
        """Note that a call's result is awaited or entered asynchronously."""
        if isinstance(value, list) and value[0] == "c":
            self.function.calls[value[1]].marks |= Mark.AWAITED

    def placed(self, node: ast.expr) -> str:
        """The last name of a chain of attributes, such as `state` of `request.app.state`."""
        if isinstance(node, ast.Attribute):
            return node.attr
        return node.id if isinstance(node, ast.Name) else ""

    # kinds of expressions

    def _attribute(self, node: ast.Attribute) -> Expr:
        value = node.value
        base = value.id if type(value) is ast.Name else self.expr(value)
        if base is None:
            return None
        self.function.loads.append(
            Load(
                base, node.attr, node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0
            )
        )
        return ["a", base, node.attr]

    def _call(self, node: ast.Call) -> Expr:
        func = node.func
        callee: Expr
        if type(func) is ast.Name:
            callee = func.id
        elif type(func) is ast.Attribute:
            value = func.value
            base = value.id if type(value) is ast.Name else self.expr(value)
            callee = ["a", base, func.attr]
        else:
            callee = self.expr(func)
        expr = self.expr
        args = [expr(one) for one in node.args]
        keywords = {one.arg or "**": expr(one.value) for one in node.keywords} if node.keywords else {}
        calls = self.function.calls
        calls.append(
            Call(callee, args, keywords, node.lineno, node.col_offset, node.end_lineno or 0,
                 node.end_col_offset or 0)
        )  # fmt: skip
        return ["c", len(calls) - 1]

    def _await(self, node: ast.Await) -> Expr:
        value = self.expr(node.value)
        self.mark_awaited(value)
        return None if value is None else ["w", value]

    def _subscript(self, node: ast.Subscript) -> Expr:
        base = self.expr(node.value)
        key = self.expr(node.slice)
        return None if base is None else ["s", base, key]

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set) -> Expr:
        return ["l", [self.expr(one) for one in node.elts]]

    def _dict(self, node: ast.Dict) -> Expr:
        pairs = []
        for key, value in zip(node.keys, node.values, strict=True):
            name = None if key is None else self.expr(key)
            one = self.expr(value)
            if one is not None and not (isinstance(one, list) and one[0] == "k"):
                pairs.append([name, one])
        return ["m", pairs]

    def _joined(self, node: ast.JoinedStr) -> Expr:
        for one in node.values:
            if type(one) is not ast.Constant:
                self.expr(one)
        return ["k", ""]

    def _formatted(self, node: ast.FormattedValue) -> Expr:
        self.expr(node.value)
        if node.format_spec is not None:
            self.expr(node.format_spec)

    def _binary(self, node: ast.BinOp) -> Expr:
        rights: list[ast.BinOp] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):  # a long sum is as deep as it is long
            rights.append(left)
            left = left.left
        value = self.expr(left)
        for one in reversed(rights):
            right = self.expr(one.right)
            value = ["b", value, right] if isinstance(one.op, (ast.BitOr, ast.Div)) else None
        return value

    def _either(self, node: ast.BoolOp) -> Expr:
        return ["o", [self.expr(one) for one in node.values]]

    def _conditional(self, node: ast.IfExp) -> Expr:
        self.expr(node.test)
        return ["o", [self.expr(node.body), self.expr(node.orelse)]]

    def _unary(self, node: ast.UnaryOp) -> Expr:
        self.expr(node.operand)

    def _compare(self, node: ast.Compare) -> Expr:
        self.expr(node.left)
        for one in node.comparators:
            self.expr(one)

    def _lambda(self, node: ast.Lambda) -> Expr:
        index = self.begin("<lambda>", node.lineno, Trait.LAMBDA, self.params(node.args), method=False)
        kept = self.function, self.index, self.in_class, self.globals, self.nonlocals
        self.function, self.index, self.in_class = self.functions[index], index, None
        self.globals, self.nonlocals = set(), set()
        result = self.expr(node.body)
        if result is not None:
            self.function.results.append(result)
        self.function, self.index, self.in_class, self.globals, self.nonlocals = kept
        return ["d", index]

    def _generators(self, generators: list[ast.comprehension]) -> None:
        for one in generators:
            source = self.expr(one.iter)
            if not one.is_async and source is not None:
                self.pseudo_call(source, "__iter__", one.iter, Mark.ITERATED)
            self.target(one.target, None if source is None else ["i", source])
            for test in one.ifs:
                self.expr(test)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Expr:
        self._generators(node.generators)
        return ["l", [self.expr(node.elt)]]

    def _dict_comprehension(self, node: ast.DictComp) -> Expr:
        self._generators(node.generators)
        self.expr(node.key)
        return ["m", [[None, self.expr(node.value)]]]

    def _named(self, node: ast.NamedExpr) -> Expr:
        value = self.expr(node.value)
        self.target(node.target, value)
        return value

    def _starred(self, node: ast.Starred) -> Expr:
        value = self.expr(node.value)
        return None if value is None else ["i", value]

    def _yield(self, node: ast.Yield) -> Expr:
        self.function.traits |= Trait.GENERATOR
        if node.value is not None:
            self.function.yields.append(self.expr(node.value))

    def _yield_from(self, node: ast.YieldFrom) -> Expr:
        self.function.traits |= Trait.GENERATOR
        value = self.expr(node.value)
        self.function.yields.append(["i", value])

    def _slice(self, node: ast.Slice) -> Expr:
        for part in (node.lower, node.upper, node.step):
            if part is not None:
                self.expr(part)


def _name(node: ast.Name) -> Expr:
    return node.id


def _constant(node: ast.Constant) -> Expr:
    value = node.value
    if value is None or isinstance(value, (bool, int, float)):
        return ["k", value if not isinstance(value, int) or -(2**62) < value < 2**62 else 0]
    if isinstance(value, str):
        return ["k", value if len(value) <= _LONGEST_TEXT else ""]
    return ["k", ""] if isinstance(value, bytes) else None


def _function(name: str, qualname: str, line: int) -> Function:
    return Function(name, qualname, line, -1, -1, 0, [], [], None, [], [], {}, [], [])
