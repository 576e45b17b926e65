"""Taking a piece of a function out into a function of its own: an expression, a loop or a `with` block."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterator, Sequence

from diag.remedies.mutation import changed_here, mutated
from diag.remedies.rewriting import Rewrite, bound_by
from diag.remedies.sites import Site
from diag.remedies.text import Function, NotPossibleError, Source, broken, own_nodes

Piece = ast.For | ast.While | ast.With | ast.expr
Render = Callable[[str, Sequence[str]], str]
"""From the new function's name and its arguments to the expression that has it called."""

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def loop_around(site: Site) -> ast.For | ast.While | None:
    """The outermost loop around a site's own line that awaits nothing, None if there is none."""
    loops = _around(site, (ast.For, ast.While))
    return next((one for one in loops if isinstance(one, ast.For | ast.While) and not _awaits(one)), None)


def connection_block(site: Site) -> ast.With | None:
    """The `with` block around a site's own line that makes the database connection used there."""
    for block in _around(site, (ast.With,)):
        made = [
            node
            for item in getattr(block, "items", [])
            for node in ast.walk(item.context_expr)
            if isinstance(node, ast.Call)
        ]
        if any(site.source.resolved(node.func).endswith("connect") for node in made) and not _awaits(block):
            assert isinstance(block, ast.With)
            return block
    return None


def _around(site: Site, kinds: tuple[type[ast.stmt], ...]) -> list[ast.stmt]:
    """Statements of some kinds around the site's line, outermost first."""
    found = [
        node
        for node in own_nodes(site.function)
        if isinstance(node, kinds) and node.lineno <= site.line <= (node.end_lineno or node.lineno)
    ]
    return sorted((node for node in found if isinstance(node, ast.stmt)), key=lambda node: node.lineno)


def _awaits(piece: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith | ast.Yield | ast.YieldFrom)
        or (isinstance(node, ast.comprehension) and node.is_async)
        for node in ast.walk(piece)
    )


def extract(rewrite: Rewrite, site: Site, piece: Piece, render: Render, *, copies: bool = False) -> str:
    """Make a function of a piece, and put a call of it in the piece's place.

    Args:
        rewrite: takes the changes.
        site: the function that the piece is in.
        piece: what to take out; nothing in it may await.
        render: writes the expression that has the new function called.
        copies: True if the new function gets copies of its arguments, so what it changes in them is lost.

    Returns:
        The new function's name.

    Raises:
        NotPossibleError: the piece cannot stand in a function of its own.
    """
    source = rewrite.source
    source.segment(piece)
    _refuse(piece)
    name = source.fresh(f"_{site.function.name.strip('_')}_work")
    names = _needed(source, site.function, piece)
    if isinstance(piece, ast.expr):
        changed = sorted(mutated(piece) & {*names}) if copies else []
        if changed:
            raise NotPossibleError(f"it changes {changed[0]}, and would change a copy of it")
        call = render(name, names)
        rewrite.define(_expression_function(source, name, names, piece))
        rewrite.replace_node(piece, _fitted(source, piece, call))
        return name
    given = _given_back(source, site.function, piece)
    early = _bound_outside(site.function, piece)
    # What the piece may leave as it was has to be known to the function that gives it back.
    names += [one for one in given if one in early and one not in names]
    if copies:
        given += [one for one in changed_here(site.function, piece, names) if one not in given]
    _define_block(rewrite, piece, name, names, given)
    returned = "return " if _returns_last(piece) else f"{', '.join(given)} = " if given else ""
    call = returned + render(name, names)
    indent = source.indent(piece)
    rewrite.replace_node(piece, broken(call, indent) if len(indent + call) > source.width else call)
    return name


def _fitted(source: Source, piece: ast.expr, call: str) -> str:
    """A call on two lines where it is the whole right side of a statement, and too long for one."""
    statement = source.parent(piece)
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr):
        return call
    start = source.line_start(piece.lineno)
    before = source.start(piece) - start
    too_long = before + len(call) > source.width and call.endswith(")")
    return broken(call, source.indent(statement)) if too_long else call


def _define_block(
    rewrite: Rewrite, piece: ast.stmt, name: str, names: Sequence[str], given: Sequence[str]
) -> None:
    body = _dedented(rewrite.source, piece)
    if given and not _returns_last(piece):
        body += f"\n    return {', '.join(given)}"
    rewrite.define(f"def {name}({', '.join(names)}):\n{body}")


def _expression_function(source: Source, name: str, names: Sequence[str], piece: ast.expr) -> str:
    text = source.segment(piece)
    inner = f"({text})" if "\n" in text and not text.startswith(("(", "[", "{")) else text
    return f"def {name}({', '.join(names)}):\n    return {inner}"


def _dedented(source: Source, piece: ast.stmt) -> str:
    """A statement's lines as the body of a function at top level."""
    start = source.line_start(piece.lineno)
    text = source.text[start : source.end(piece)]
    if text[: len(text) - len(text.lstrip())] != source.indent(piece):
        raise NotPossibleError("it shares its line with another statement")
    return textwrap.indent(textwrap.dedent(text), "    ")


def _refuse(piece: ast.AST) -> None:
    if _awaits(piece):
        raise NotPossibleError("it awaits or yields in between")
    last = _returns_last(piece)
    for node in own_nodes_of(piece):
        if isinstance(node, ast.Return) and node is not last:
            raise NotPossibleError("it returns from inside")
        if isinstance(node, ast.NamedExpr) and isinstance(piece, ast.expr):
            raise NotPossibleError("it assigns a name with := on the way")
        if isinstance(node, ast.Global | ast.Nonlocal | ast.Delete):
            raise NotPossibleError("it changes names of another scope")
        if isinstance(node, ast.Name) and node.id in ("super", "locals", "__class__"):
            raise NotPossibleError(f"{node.id} depends on the function that it stands in")
        if isinstance(node, ast.Break | ast.Continue) and not _in_own_loop(piece, node):
            raise NotPossibleError("it leaves a loop around it")
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno != node.lineno:
            value = getattr(node, "value", "")
            if not isinstance(piece, ast.expr) and (
                isinstance(value, str | bytes) or isinstance(node, ast.JoinedStr)
            ):
                raise NotPossibleError("it holds a text of several lines, whose indentation would change")


def own_nodes_of(piece: ast.AST) -> Iterator[ast.AST]:
    """A piece and what runs as part of it."""
    yield piece
    for child in ast.iter_child_nodes(piece):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield child
        else:
            yield from own_nodes_of(child)


def _in_own_loop(piece: ast.AST, leave: ast.AST) -> bool:
    loops = [node for node in own_nodes_of(piece) if isinstance(node, ast.For | ast.While)]
    return any(leave is node for loop in loops for statement in loop.body for node in own_nodes_of(statement))


def _returns_last(piece: ast.AST) -> ast.Return | None:
    """The return that a `with` block always ends with."""
    while isinstance(piece, ast.With):
        piece = piece.body[-1]
    return piece if isinstance(piece, ast.Return) else None


# Names --------------------------------------------------------------------------------------------------


def _needed(source: Source, function: Function, piece: ast.AST) -> list[str]:
    """Local names that a piece reads and that were bound before it, in the order it reads them."""
    outside: set[str] = set()
    for around in [function, *(one for one in source.ancestors(function) if isinstance(one, Function))]:
        outside |= _bound_outside(around, piece)
    return list(dict.fromkeys(name for name in free_names(piece) if name in outside))


def _bound_outside(function: Function, piece: ast.AST) -> set[str]:
    arguments = function.args
    every = (
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    )
    names = {one.arg for one in every if one}
    inside = {id(node) for node in ast.walk(piece)}
    comprehended = _comprehended(function)
    for node in own_nodes(function):
        if id(node) not in inside and id(node) not in comprehended:
            names |= bound_by(node)
    return names


def _comprehended(function: ast.AST) -> set[int]:
    """The targets of comprehensions, which are bound in those alone."""
    return {
        id(name)
        for node in ast.walk(function)
        if isinstance(node, ast.comprehension)
        for name in ast.walk(node.target)
    }


def free_names(piece: ast.AST, hidden: frozenset[str] = frozenset()) -> Iterator[str]:
    """Names that a piece reads and does not bind in a scope of its own, such as a comprehension's."""
    if isinstance(piece, ast.Name):
        if piece.id not in hidden and isinstance(piece.ctx, ast.Load):
            yield piece.id
        return
    if (
        isinstance(piece, ast.AugAssign)
        and isinstance(piece.target, ast.Name)
        and piece.target.id not in hidden
    ):
        yield piece.target.id
    if isinstance(piece, _COMPREHENSIONS):
        targets = [name for one in piece.generators for name in ast.walk(one.target)]
        hidden |= {name.id for name in targets if isinstance(name, ast.Name)}
    elif isinstance(piece, ast.Lambda | ast.FunctionDef):
        arguments = piece.args
        every = (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            arguments.vararg,
            arguments.kwarg,
        )
        hidden |= {one.arg for one in every if one}
    for child in ast.iter_child_nodes(piece):
        yield from free_names(child, hidden)


def _given_back(source: Source, function: Function, piece: ast.stmt) -> list[str]:
    """Names that a piece binds and that are read after it."""
    comprehended = _comprehended(piece)
    bound = [
        name
        for node in own_nodes_of(piece)
        if id(node) not in comprehended
        for name in sorted(bound_by(node))
    ]
    inside = {id(node) for node in ast.walk(piece)}
    looped = any(
        isinstance(one, ast.For | ast.While | ast.AsyncFor) for one in _within(source, function, piece)
    )
    read = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name)
        and id(node) not in inside
        and isinstance(node.ctx, ast.Load)
        and (looped or node.lineno >= (piece.end_lineno or 0))
    }
    given = [name for name in dict.fromkeys(bound) if name in read]
    early = _bound_outside(function, piece)
    unsure = [name for name in given if name not in early and name not in _always_bound(piece)]
    if unsure:
        raise NotPossibleError(f"{unsure[0]} is read after it, and may not have been bound in it")
    return given


def _always_bound(piece: ast.stmt) -> set[str]:
    """Names that a `with` block binds whatever happens in it."""
    if not isinstance(piece, ast.With):
        return set()
    names = {name for item in piece.items for node in ast.walk(item) for name in bound_by(node)}
    for statement in piece.body:
        if isinstance(statement, ast.With):
            names |= _always_bound(statement)
        elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Import | ast.ImportFrom):
            names |= {name for node in ast.walk(statement) for name in bound_by(node)}
    return names


def _within(source: Source, function: Function, piece: ast.AST) -> Iterator[ast.AST]:
    for above in source.ancestors(piece):
        if above is function:
            return
        yield above
