"""Moving a call, written so that its arguments, comments and lines stay as they are."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Site, serious_inside
from diag.remedies.text import NotPossibleError, Source

_LINE_ENDS = re.compile(r"[ \t]*(#[^\n]*)?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """What takes a function and calls it elsewhere.

    Attributes:
        opening: text up to the place of the function: ``asyncio.to_thread(``.
        awaited: whether it is awaited.
        keywords: whether it hands keyword arguments on; otherwise a `functools.partial` does.
        closing: text behind the call of the carrier, such as what fetches its result.
    """

    opening: str
    awaited: bool = True
    keywords: bool = True
    closing: str = ""


def carry(rewrite: Rewrite, site: Site, call: ast.Call, carrier: Carrier, *, closures: bool = True) -> None:
    """Let a carrier make a call.

    Args:
        rewrite: takes the changes.
        site: the place.
        call: what to move.
        carrier: that makes it.
        closures: whether a lambda may be handed over, where the call's own parts could be what blocks.

    Raises:
        NotPossibleError: the call cannot be made elsewhere.
    """
    source = rewrite.source
    source.segment(call)
    _refuse_scopes(call)
    opening, closing = _around(source, call, carrier)
    if serious_inside(site, call):
        if not closures:
            raise NotPossibleError("what it is called with is computed in the same line")
        _refuse_in_lambda(call)
        rewrite.replace(source.start(call), source.start(call), f"{opening}lambda: ")
        rewrite.replace(source.end(call), source.end(call), f"){closing}")
        return
    partial = ""
    if not carrier.keywords and (call.keywords or any(isinstance(one, ast.Starred) for one in call.args)):
        partial = f"{rewrite.module('functools')}.partial("
    _direct(rewrite, call, opening + partial, (")" if partial else "") + closing)


def _around(source: Source, call: ast.Call, carrier: Carrier) -> tuple[str, str]:
    """Text before and behind, with parentheses where `await` would bind too loosely."""
    wrap = carrier.awaited and needs_parentheses(source, call)
    opening = ("await " if carrier.awaited else "") + carrier.opening
    return ("(" if wrap else "") + opening, carrier.closing + (")" if wrap else "")


def needs_parentheses(source: Source, node: ast.expr) -> bool:
    """Whether ``await …`` in a node's place has to stand in parentheses."""
    parent = source.parent(node)
    return (
        (isinstance(parent, ast.Attribute | ast.Subscript | ast.Starred) and parent.value is node
         and not isinstance(parent, ast.Starred))
        or (isinstance(parent, ast.Call) and parent.func is node)
        or isinstance(parent, ast.Await)
    )  # fmt: skip


def _direct(rewrite: Rewrite, call: ast.Call, opening: str, closing: str) -> None:
    """``f(a, b)`` becomes ``carrier(f, a, b)``: only the first parenthesis is replaced."""
    source = rewrite.source
    begin = source.start(call)
    paren = opening_parenthesis(source, call)
    only = call.args[0] if len(call.args) == 1 and not call.keywords else None
    if isinstance(only, ast.GeneratorExp) and source.start(only) == paren:
        # The call's parentheses are the generator expression's own.
        rewrite.replace(begin, begin, opening)
        rewrite.replace(paren, paren, ", ")
        rewrite.replace(source.end(call), source.end(call), f"){closing}")
        return
    separator = "" if not (call.args or call.keywords) else ", "
    if _LINE_ENDS.match(source.text, paren + 1):
        separator = separator.rstrip()
    elif separator and _too_long(source, call, len(opening) + len(closing) + 1):
        indent = source.indent(source.statement(call))
        opened = _left_open(opening)
        head, rest = opening[: opened[0] + 1], opening[opened[0] + 1 :]
        tail = f"){closing}"
        inner = len(opened) - 1
        rewrite.replace(begin, begin, f"{head}\n{indent}    {rest}")
        rewrite.replace(paren, paren + 1, separator)
        rewrite.replace(source.end(call) - 1, source.end(call), f"{tail[:inner]}\n{indent}{tail[inner:]}")
        return
    rewrite.replace(begin, begin, opening)
    rewrite.replace(paren, paren + 1, separator)
    if closing:
        rewrite.replace(source.end(call), source.end(call), closing)


def _left_open(text: str) -> list[int]:
    """Where the parentheses are that a text leaves open, outermost first."""
    opened: list[int] = []
    for at, letter in enumerate(text):
        if letter == "(":
            opened.append(at)
        elif letter == ")":
            opened.pop()
    return opened


def _too_long(source: Source, call: ast.Call, more: int) -> bool:
    """Whether a call that is the whole right side of a statement would make the file's longest line."""
    parent = source.parent(call)
    if not isinstance(parent, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr) or parent.value is not call:
        return False
    if call.lineno != call.end_lineno:
        return False
    line = source.text[source.line_start(call.lineno) : source.line_start(call.lineno + 1)].rstrip("\n")
    return len(line) + more > source.width


def opening_parenthesis(source: Source, call: ast.Call) -> int:
    """Where the parenthesis of a call's arguments is."""
    at = source.end(call.func)
    while source.text[at] != "(":
        if source.text[at] == "#":
            at = source.text.index("\n", at)
        at += 1
    return at


def _refuse_scopes(call: ast.Call) -> None:
    """What looks at the frame that it is called in does not work from another one."""
    for node in ast.walk(call):
        if isinstance(node, ast.Yield | ast.YieldFrom):
            raise NotPossibleError("it contains a yield")
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name in ("locals", "vars", "eval", "exec", "super"):
        raise NotPossibleError(f"{name}() depends on the frame that it is called in")


def _refuse_in_lambda(call: ast.Call) -> None:
    for node in ast.walk(call):
        if isinstance(node, ast.NamedExpr):
            raise NotPossibleError("it assigns a name with := on the way, which a lambda cannot")
        if isinstance(node, ast.Await):
            raise NotPossibleError("its arguments are awaited in the same expression")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super":
            raise NotPossibleError("super() without arguments does not work in a lambda")


def carry_renamed(rewrite: Rewrite, call: ast.Call, name: str, *, extra: str = "", part: str = "") -> None:
    """Await another function with the same arguments.

    Args:
        rewrite: takes the changes.
        call: what is called now.
        name: what is called instead.
        extra: further arguments, with a comma before them.
        part: the attribute of the result that is what the call gave.

    Raises:
        NotPossibleError: nothing can be awaited in the call's place.
    """
    source = rewrite.source
    source.segment(call)
    refuse_in_generator(source, call)
    wrap = bool(part) or needs_parentheses(source, call)
    paren = opening_parenthesis(source, call)
    rewrite.replace(source.start(call), paren, f"{'(' if wrap else ''}await {name}")
    if extra:
        last = max(
            (source.end(one) for one in (*call.args, *(k.value for k in call.keywords))), default=paren + 1
        )
        rewrite.replace(last, last, extra)
    if wrap:
        rewrite.replace(source.end(call), source.end(call), ")" + (f".{part}" if part else ""))


def refuse_in_generator(source: Source, call: ast.Call) -> None:
    """Raise `NotPossibleError` where an `await` would make a generator expression asynchronous."""
    for node in source.ancestors(call):
        if isinstance(node, ast.stmt):
            return
        if isinstance(node, ast.GeneratorExp):
            raise NotPossibleError(
                "it is inside a generator expression, which `await` would make asynchronous"
            )
