"""Building a changed file: replacements, imports that are added once, and new definitions beside old ones."""

from __future__ import annotations

import ast
import sys
import textwrap
from dataclasses import dataclass, field

from diag.remedies.text import Change, Function, NotPossibleError, Source, first_line, own_nodes, spliced


@dataclass(frozen=True, slots=True)
class _Place:
    """Where imports go, and how many empty lines go above and below them."""

    at: int
    above: int = 0
    below: int = 0


@dataclass(slots=True, eq=False)
class Rewrite:
    """Changes of one file, collected and then made together.

    Attributes:
        source: the file.
        function: the function that is changed, whose local names must not hide what is imported.
    """

    source: Source
    function: Function
    _changes: list[Change] = field(default_factory=list)
    _modules: dict[str, str] = field(default_factory=dict)
    _imports: list[tuple[_Place, str]] = field(default_factory=list)
    _before: list[tuple[int, str]] = field(default_factory=list)
    _defined: dict[str, str] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)

    def replace(self, start: int, end: int, text: str) -> None:
        """Put a text in place of some characters."""
        self._changes.append(Change(start=start, end=end, text=text))

    def cut(self, start: int, end: int) -> str:
        """Take some characters away and give them back, with the changes inside them made."""
        inside = [one for one in self._changes if start <= one.start and one.end <= end]
        self._changes = [one for one in self._changes if one not in inside]
        moved = [Change(start=one.start - start, end=one.end - start, text=one.text) for one in inside]
        self.replace(start, end, "")
        return spliced(self.source.text[start:end], moved)

    def replace_node(self, node: ast.stmt | ast.expr, text: str) -> None:
        """Put a text in place of a node, whose place in the text is checked."""
        self.source.segment(node)
        self.replace(self.source.start(node), self.source.end(node), text)

    def module(self, name: str) -> str:
        """What an imported module is called in the function; an import is added if there is none.

        Raises:
            NotPossibleError: a name of the function's own hides the module.
        """
        known = self._modules.get(name) or self._imported(name)
        if known is None:
            head = name.partition(".")[0]
            if head in _bound_at_top(self.source) and self.source.origins.get(head) != head:
                raise NotPossibleError(f"the file calls something else {head}")
            known = name
            self._modules[name] = name
            self._add_import(name)
        if known.partition(".")[0] in local_names(self.function):
            raise NotPossibleError(f"the function calls something else {known.partition('.')[0]}")
        return known

    def _imported(self, name: str) -> str | None:
        """What a top-level import calls a module."""
        for statement in self.source.tree.body:
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    if alias.name == name:
                        return alias.asname or alias.name
            elif isinstance(statement, ast.ImportFrom) and statement.level == 0:
                for alias in statement.names:
                    if f"{statement.module}.{alias.name}" == name:
                        return alias.asname or alias.name
        return None

    def imported_from(self, module: str, name: str) -> str:
        """What a name of a module is called; ``from module import name`` is added if it is not imported."""
        known = self._imported(f"{module}.{name}")
        if known is None and self._imported(module) is not None:
            return f"{self._imported(module)}.{name}"
        if known is None and (module, name) not in self._added_names():
            if name in self.source.words():
                raise NotPossibleError(f"the file calls something else {name}")
            self._modules[f"{module}.{name}"] = name
            self._insert_import(f"from {module} import {name}", module, plain=False)
        return known or name

    def _added_names(self) -> set[tuple[str, str]]:
        return {(one.rpartition(".")[0], one.rpartition(".")[2]) for one in self._modules}

    def _add_import(self, name: str) -> None:
        self._insert_import(f"import {name}", name, plain=True)

    def _insert_import(self, line: str, module: str, *, plain: bool) -> None:
        """Among the imports of its group (the standard library's or others), where the alphabet has it."""
        body = self.source.tree.body
        block = [one for one in _first_imports(body) if not _is_future(one)]
        group = [one for one in block if _is_standard(_module_of(one)) == _is_standard(module)]
        kind = ast.Import if plain else ast.ImportFrom
        alike = [one for one in group if isinstance(one, kind)]
        later = [one for one in alike if _module_of(one) > module]
        if later and alike.index(later[0]) + len(later) == len(alike):
            self._imports.append((_Place(at=self.source.line_start(later[0].lineno)), line))
        elif group:
            self._imports.append((_Place(at=self._behind((alike or group)[-1])), line))
        elif block and _is_standard(module):
            self._imports.append((_Place(at=self.source.line_start(block[0].lineno), below=1), line))
        elif block or _first_imports(body) or (body and _is_docstring(body[0])):
            last = [*body[:1], *_first_imports(body), *block][-1]
            self._imports.append((_Place(at=self._behind(last), above=1), line))
        else:
            start = self.source.line_start(first_line(body[0])) if body else 0
            definition = bool(body) and isinstance(
                body[0], ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            )
            self._imports.append((_Place(at=start, below=2 if definition else 1), line))

    def _behind(self, statement: ast.stmt) -> int:
        return self.source.line_start((statement.end_lineno or statement.lineno) + 1)

    def _import_changes(self) -> list[Change]:
        """The imports of each place together, the standard library's first."""
        changes = []
        places = sorted({place for place, _ in self._imports}, key=lambda one: (one.at, not one.below))
        for place in places:
            lines = sorted({line for where, line in self._imports if where == place})
            standard = [line for line in lines if _is_standard(line.split()[1])]
            others = [line for line in lines if line not in standard]
            text = "\n\n".join("\n".join(group) for group in (standard, others) if group) + "\n"
            unended = place.at == len(self.source.text) and not self.source.text.endswith("\n")
            above = "\n" * (place.above + unended)
            changes.append(Change(start=place.at, end=place.at, text=above + text + "\n" * place.below))
        return changes

    def define(self, text: str) -> None:
        """Add a definition at top level, before the statement that the function is in."""
        top = self.source.top_level(self.function)
        at = self.source.line_start(first_line(top))
        at = _before_comments(self.source.text, at)
        self._before.append((at, f"{textwrap.dedent(text).strip()}\n\n\n"))

    def define_once(self, wanted: str, template: str, **names: str) -> str:
        """Add a definition from a template, unless this change or an earlier one added it already.

        Args:
            wanted: the name to define.
            template: its text, with ``{name}`` and the names given.
            names: fill the template.

        Returns:
            The name that it has in the file.
        """
        text = template.format(name=wanted, **names)
        if ast.dump(ast.parse(text).body[0]) in (ast.dump(one) for one in self.source.tree.body):
            return wanted
        name = self._defined.setdefault(text, self.source.fresh(wanted))
        if text not in self._written:
            self._written.add(text)
            self.define(template.format(name=name, **names))
        return name

    def finish(self) -> str:
        """The new text.

        Raises:
            NotPossibleError: changes overlap, or the result is not Python.
        """
        inserted = [Change(start=at, end=at, text=text) for at, text in self._before]
        after = spliced(self.source.text, [*self._import_changes(), *inserted, *self._changes])
        try:
            compile(after, self.source.path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else str(error)
            raise NotPossibleError(f"the result would not be Python: {reason}") from error
        return after


# Names --------------------------------------------------------------------------------------------------


def local_names(function: Function) -> frozenset[str]:
    """Names that a function binds: its parameters, and what it assigns, imports or defines."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names = {one.arg for one in (*every, arguments.vararg, arguments.kwarg) if one}
    outside: set[str] = set()
    comprehended: set[str] = set()
    for node in own_nodes(function):
        names.update(bound_by(node))
        if isinstance(node, ast.Global | ast.Nonlocal):
            outside.update(node.names)
        if isinstance(node, ast.comprehension):
            comprehended |= {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}
    return frozenset((names - outside) | comprehended)


def bound_by(node: ast.AST) -> set[str]:
    """Names that one node binds in its own scope."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        return {node.id}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return set()


def _bound_at_top(source: Source) -> set[str]:
    names: set[str] = set()
    for statement in source.tree.body:
        names |= bound_by(statement)
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names |= {name for node in ast.walk(statement) for name in bound_by(node)}
    return names


# Places -------------------------------------------------------------------------------------------------


def _first_imports(body: list[ast.stmt]) -> list[ast.Import | ast.ImportFrom]:
    """The imports before the first other statement, a docstring aside."""
    found: list[ast.Import | ast.ImportFrom] = []
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            found.append(statement)
        elif not _is_docstring(statement) or found:
            break
    return found


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _module_of(statement: ast.Import | ast.ImportFrom) -> str:
    if isinstance(statement, ast.Import):
        return statement.names[0].name
    return "." * statement.level + (statement.module or "")


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _before_comments(text: str, at: int) -> int:
    """Comment lines right above a definition belong to it."""
    while at:
        begin = text.rfind("\n", 0, at - 1) + 1
        if not text[begin:at].startswith("#") or begin == 0:
            return at
        at = begin
    return at
