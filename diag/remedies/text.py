"""Source text with its syntax tree, and changes of it that leave every other character alone.

Changes are spliced into the text at the places that the syntax tree names, so comments and formatting
outside of them are kept by construction, and whatever the running Python can parse can be changed.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef

_USUAL_WIDTH = 88
"""Black's and ruff's default."""

_OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class NotPossibleError(Exception):
    """A rewrite that a machine should not make; its text is the reason, a clause without a full stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Characters `start` to `end` of a text become `text`."""

    start: int
    end: int
    text: str


@dataclass(slots=True, eq=False)
class Source:
    r"""One file's text, its tree, and what the tree says of places and names.

    Attributes:
        path: absolute.
        text: as Python reads it, ``\n`` between lines.
        tree: of it.
        origins: what imported names stand for: ``{"get": "requests.get"}``.
    """

    path: str
    text: str
    tree: ast.Module
    origins: dict[str, str] = field(default_factory=dict)
    _parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    _starts: list[int] = field(default_factory=list)
    _functions: list[Function] = field(default_factory=list)

    @classmethod
    def parse(cls, path: str, text: str) -> Source | None:
        """A file, or None if it is not Python (of this version)."""
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            return None
        source = cls(path=path, text=text, tree=tree)
        source._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        for node in ast.walk(tree):
            source._parents.update(dict.fromkeys(ast.iter_child_nodes(node), node))
            source._note_import(node)
            if isinstance(node, Function):
                source._functions.append(node)
        return source

    def _note_import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                self.origins[alias.asname or head] = alias.name if alias.asname else head
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self.origins[alias.asname or alias.name] = (
                    f"{'.' * node.level}{node.module or ''}.{alias.name}"
                )

    # Places ---------------------------------------------------------------------------------------------

    def start(self, node: ast.stmt | ast.expr) -> int:
        """Where a node begins, in characters."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: ast.stmt | ast.expr) -> int:
        """Where a node ends, in characters."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        """The tree counts columns in bytes of UTF-8."""
        begin = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return begin + len(
            self.text[begin:end].encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace")
        )

    def line_start(self, line: int) -> int:
        """Where a line begins, in characters; the text's end for one behind the last."""
        return self._starts[line - 1] if line <= len(self._starts) else len(self.text)

    def line_of(self, offset: int) -> int:
        """The line, from 1, of a character."""
        return bisect_right(self._starts, offset)

    def segment(self, node: ast.stmt | ast.expr) -> str:
        """A node's own text.

        Raises:
            NotPossibleError: the tree's place is wrong, as it can be inside an f-string before Python 3.12.
        """
        text = self.text[self.start(node) : self.end(node)]
        if isinstance(node, ast.expr):
            try:
                again = ast.dump(ast.parse(f"({text}\n)", mode="eval").body)
            except SyntaxError:
                again = ""
            if again.replace("Store()", "Load()") != ast.dump(node).replace("Store()", "Load()"):
                raise NotPossibleError("it stands inside an f-string, whose parts have no exact place")
        return text

    def indent(self, statement: ast.stmt) -> str:
        """The white space before a statement's line."""
        begin = self.line_start(statement.lineno)
        line = self.text[begin : self.start(statement)]
        return line[: len(line) - len(line.lstrip())]

    @property
    def width(self) -> int:
        """How long a line may be: as long as the longest there is, and at least of the usual length."""
        return max(_USUAL_WIDTH, *map(len, self.text.split("\n")))

    # Relations ------------------------------------------------------------------------------------------

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node that a node is a part of."""
        return self._parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, innermost first."""
        above = self._parents.get(node)
        while above is not None:
            yield above
            above = self._parents.get(above)

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that a node is in."""
        return next(one for one in (node, *self.ancestors(node)) if isinstance(one, ast.stmt))

    def function_at(self, line: int) -> Function | None:
        """The innermost function that runs a line: not the one whose signature it is."""
        found = [
            node for node in self._functions if first_line(node.body[0]) <= line <= (node.end_lineno or 0)
        ]
        return max(found, key=lambda node: (node.lineno, -(node.end_lineno or 0)), default=None)

    def top_level(self, node: ast.AST) -> ast.stmt:
        """The statement of the module itself that a node is in."""
        chain = [node, *self.ancestors(node)]
        top = chain[-2]
        assert isinstance(top, ast.stmt)
        return top

    def definition(self, name: str) -> Function | None:
        """The module's own function of a name, if it has exactly one, at top level."""
        found = [node for node in self.tree.body if isinstance(node, Function) and node.name == name]
        return found[0] if len(found) == 1 else None

    # Names ----------------------------------------------------------------------------------------------

    def resolved(self, node: ast.expr) -> str:
        """An expression's dotted name through the file's imports: ``requests.get``, ``open``, ``.read``."""
        name = dotted(node)
        head, dot, rest = name.partition(".")
        if head and head in self.origins:
            return self.origins[head] + dot + rest
        if isinstance(node, ast.Attribute) and (not head or dot):
            return f".{node.attr}"
        return name

    def called_on(self, line: int) -> list[str]:
        """Resolved names of what a line calls."""
        return [
            self.resolved(node.func)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]

    def words(self) -> frozenset[str]:
        """Every identifier of the file, so that a new one can be told from all of them."""
        return frozenset(re.findall(r"[^\W\d]\w*", self.text))

    def fresh(self, wanted: str) -> str:
        """A name that the file does not use yet: the wanted one, or that with a number behind it."""
        taken = self.words()
        numbered = (f"{wanted}_{number}" for number in range(2, 1000))
        return wanted if wanted not in taken else next(name for name in numbered if name not in taken)


def first_line(statement: ast.stmt) -> int:
    """A decorated definition begins at its first decorator."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of names and attributes, "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """What runs as part of a function itself: not the bodies of functions and classes inside it."""
    pending: list[ast.AST] = list(getattr(function, "body", []))
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, _OWN_SCOPE):
            pending.extend(_evaluated_outside(node))
        else:
            pending.extend(ast.iter_child_nodes(node))


def _evaluated_outside(node: ast.AST) -> Iterator[ast.AST]:
    """Decorators and default values belong to the function around a definition."""
    yield from getattr(node, "decorator_list", [])
    arguments = getattr(node, "args", None)
    if isinstance(arguments, ast.arguments):
        yield from (default for default in (*arguments.defaults, *arguments.kw_defaults) if default)


def broken(text: str, indent: str) -> str:
    """An expression that ends with a call, with that call's arguments on a line of their own."""
    depth, at = 0, len(text)
    while at:
        at -= 1
        depth += {")": 1, "(": -1}.get(text[at], 0)
        if depth == 0:
            return f"{text[: at + 1]}\n{indent}    {text[at + 1 : -1]}\n{indent})"
    return text


def awaits(function: ast.AST) -> bool:
    """Whether a function itself awaits anything, or yields."""
    return any(
        isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith | ast.Yield | ast.YieldFrom)
        or (isinstance(node, ast.comprehension) and node.is_async)
        for node in own_nodes(function)
    )


def spliced(text: str, changes: Iterable[Change]) -> str:
    """A text with its changes made; those at one place keep their order.

    Raises:
        NotPossibleError: two of them overlap.
    """
    parts: list[str] = []
    at = 0
    for change in sorted(changes, key=lambda one: (one.start, one.end)):
        if change.start < at:
            raise NotPossibleError("two changes of this line overlap")
        parts += [text[at : change.start], change.text]
        at = change.end
    return "".join([*parts, text[at:]])
