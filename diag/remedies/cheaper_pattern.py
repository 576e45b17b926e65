"""`cheaper`: a regular expression that can split a text in a million ways gets one that can split it in one.

A repeat of a repeat, ``(a+)*``, accepts what ``a*`` accepts. Where only the fact of a match is used, the two
are the same, and the second needs time in proportion to the text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from diag.remedies.case import Case
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Host
from diag.remedies.text import Function, NotPossibleError, Source, dotted, own_nodes
from diag.remedies.workload_files import make_async
from diag.remedy import Move, Refusal, Remedy

NAME = "cheaper"

_METHODS = frozenset({"match", "search", "fullmatch", "sub", "findall", "finditer", "split"})
_FACTS = frozenset({"match", "search", "fullmatch"})

# One repeated atom inside a repeated group: (a+)*, (?:[a-z]*)+, (\w+)+ and so on.
_NESTED = re.compile(
    r"(?<!\\)(?P<open>\((?:\?:)?)(?P<atom>\[\^?\]?(?:\\.|[^\]\\])*\]|\\[a-zA-Z.]|[\w.])(?P<inner>[+*])\)(?P<outer>[+*])(?![?+])"
)


def propose(case: Case) -> Iterator[Remedy | Refusal]:
    """The pattern without its nested repeat; nothing where the culprit is no such pattern."""
    if not (case.computes and case.on_loop) or case.site is None:
        return
    source = case.sources.get(case.culprit.absolute)
    function = source.function_at(case.culprit.line) if source else None
    if source is None or function is None:
        return
    pattern = _pattern(source, function, case.culprit.line)
    if pattern is None or not isinstance(pattern.value, str) or not _NESTED.search(pattern.value):
        return
    try:
        yield _cheaper(case, source, function, pattern)
    except NotPossibleError as reason:
        yield case.refused(
            NAME,
            reason,
            f"Write the pattern {pattern.value!r} without a repeat inside a repeat: "
            f"{simpler(pattern.value)!r} accepts the same texts.",
        )


def simpler(pattern: str) -> str:
    """A pattern whose nested repeats are single ones; groups keep their numbers."""

    def single(found: re.Match[str]) -> str:
        repeat = "+" if found["inner"] == found["outer"] == "+" else "*"
        return f"{found['open']}{found['atom']}{repeat})"

    return _NESTED.sub(single, pattern)


def _cheaper(case: Case, source: Source, function: Function, pattern: ast.Constant) -> Remedy:
    _check_uses(source, function, case.culprit.line)
    site = case.site
    assert site is not None
    rewrite = case.rewrite("the pattern can split a text in one way only")
    if source is not rewrite.source:
        raise NotPossibleError("the pattern is in another file than the coroutine")
    if site.host is Host.WORKLOAD:
        make_async(rewrite, site.function)
    text = source.segment(pattern)
    _replace_literal(rewrite, source, pattern, text)
    return case.changed(
        NAME,
        rewrite,
        title="a pattern without nested repeats",
        move=Move.CHEAPER,
        why="a repeat inside a repeat can split a text in a number of ways that doubles with every character",
        caveats=("It accepts the same texts; of a group that was repeated, the text it holds may differ.",),
    )


def _replace_literal(rewrite: Rewrite, source: Source, pattern: ast.Constant, text: str) -> None:
    changed = simpler(text)
    try:
        same = ast.literal_eval(changed) == simpler(str(pattern.value))
    except (SyntaxError, ValueError):
        same = False
    if not same:
        raise NotPossibleError("the pattern is not written in one piece")
    rewrite.replace(source.start(pattern), source.end(pattern), changed)


def _pattern(source: Source, function: Function, line: int) -> ast.Constant | None:
    """The text of the pattern that a line matches with."""
    for call in _matching(function, line):
        if dotted(call.func) and source.resolved(call.func).rpartition(".")[0] == "re":
            found = call.args[0] if call.args else None
        else:
            assert isinstance(call.func, ast.Attribute)
            found = _compiled(source, dotted(call.func.value))
        if isinstance(found, ast.Constant):
            return found
    return None


def _matching(function: Function, line: int) -> list[ast.Call]:
    return [
        node
        for node in own_nodes(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _METHODS
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]


def _compiled(source: Source, name: str) -> ast.expr | None:
    """What a module-level name was compiled from."""
    for statement in source.tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            call = statement.value
            bound = any(isinstance(one, ast.Name) and one.id == name for one in statement.targets)
            if bound and source.resolved(call.func) == "re.compile" and call.args:
                return call.args[0]
    return None


def _check_uses(source: Source, function: Function, line: int) -> None:
    """Only the fact of a match may be used: what a repeated group holds can differ."""
    for call in _matching(function, line):
        assert isinstance(call.func, ast.Attribute)
        if call.func.attr not in _FACTS or not _is_fact(source.parent(call), source):
            raise NotPossibleError("more than the fact of a match is used, and what a group holds may differ")
        owner = dotted(call.func.value)
        uses = [
            n for n in ast.walk(source.tree) if isinstance(n, ast.Name) and n.id == owner.partition(".")[0]
        ]
        loads = [node for node in uses if isinstance(node.ctx, ast.Load)]
        if source.origins.get(owner) != "re" and len(loads) > 1:
            raise NotPossibleError(
                f"{owner} is used in other places too, whose use of groups would have to be looked at"
            )


def _is_fact(parent: ast.AST | None, source: Source) -> bool:
    if isinstance(parent, ast.Compare):
        return all(isinstance(one, ast.Constant) and one.value is None for one in parent.comparators)
    if isinstance(parent, ast.Call):
        return dotted(parent.func) == "bool"
    if isinstance(parent, ast.BoolOp):
        return _is_fact(source.parent(parent), source)
    return isinstance(parent, ast.If | ast.While | ast.Assert) or (
        isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not)
    )
