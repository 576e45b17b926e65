"""Workload files: the handler is diag's, so a remedy turns the work itself into what a handler can await.

A plain `def work()` is called by diag's `async def` handler, and that call is the outermost blocking one.
Where its blocking line has an awaitable form the function becomes an `async def`. Otherwise it keeps its
body under a private name, and an `async def` of its old name has it done elsewhere. Either way the file
then has a native form alone, which is what `diag explain` runs, and its expectation says that it is clean.
"""

from __future__ import annotations

import ast
import re

from diag.finding import Location
from diag.remedies.rewriting import Rewrite, local_names
from diag.remedies.text import Function, NotPossibleError, Source, dotted, own_nodes

_DEF = re.compile(r"def\b")


def expect_clean(rewrite: Rewrite, culprit: Location, because: str) -> None:
    """Turn the expectation that names a culprit's line into one that it is clean."""
    source = rewrite.source
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg == "expect" and isinstance(node.value, ast.Call):
            blocks = node.value
            if dotted(blocks.func).rpartition(".")[2] == "Blocks" and _fragment(blocks) in culprit.text:
                prefix = dotted(blocks.func).rpartition(".")[0]
                clean = f"{prefix}.Clean" if prefix else rewrite.imported_from("diag", "Clean")
                rewrite.replace_node(blocks, f'{clean}(because="{because}")')


def _fragment(blocks: ast.Call) -> str:
    values = [keyword.value for keyword in blocks.keywords if keyword.arg == "at"] + blocks.args[:1]
    found = next((v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)), "")
    return found or "\n"


def make_async(rewrite: Rewrite, function: Function) -> None:
    """Turn a workload's `def` into an `async def`; what it awaits is changed by the caller.

    Raises:
        NotPossibleError: something else calls it, or it is a generator.
    """
    _only_diag_calls(rewrite.source, function)
    place = rewrite.source.start(function)
    rewrite.replace(place, place, "async ")
    _drop_native(rewrite, function)


def delegate(rewrite: Rewrite, function: Function, call: str, *, keywords: bool) -> None:
    """Let an `async def` of a function's name have the function itself, renamed, called elsewhere.

    Args:
        rewrite: takes the changes.
        function: the workload.
        call: an expression with ``{}`` where the function and its arguments go.
        keywords: whether keyword arguments can stand there.

    Raises:
        NotPossibleError: something else calls it, or it is a generator.
    """
    source = rewrite.source
    _only_diag_calls(source, function)
    if function not in source.tree.body:
        raise NotPossibleError("it is not a function of the file's own top level")
    private = source.fresh(f"_{function.name}")
    arguments = _handed_on(function)
    target = f"{private}, {arguments}" if arguments else private
    if not keywords and ("=" in arguments or "*" in arguments):
        target = f"{rewrite.module('functools')}.partial({target})"
    begin = source.start(function)
    first = min([begin, *(source.text.rindex("@", 0, source.start(d)) for d in function.decorator_list)])
    name = source.text.index(function.name, begin + len("def"))
    rewrite.replace(name, name + len(function.name), private)
    decorators = _decorators(rewrite, function, first, begin)
    returns = f" -> {source.segment(function.returns)}" if function.returns else ""
    head = f"{decorators}async def {function.name}({ast.unparse(function.args)}){returns}:"
    end = source.line_start((function.end_lineno or 0) + 1)
    ending = "" if source.text[end - 1 : end] == "\n" else "\n"
    rewrite.replace(end, end, f"{ending}\n\n{head}\n    return await {call.format(target)}\n")


def _decorators(rewrite: Rewrite, function: Function, first: int, begin: int) -> str:
    """The decorators, moved: their text with the changes that are due inside it."""
    moved = rewrite.cut(first, begin)
    native = _native(function)
    if native is None:
        return moved
    text = rewrite.source.segment(native.value)
    return re.sub(rf"\s*\bnative\s*=\s*{re.escape(text)},?", "", moved)


def _only_diag_calls(source: Source, function: Function) -> None:
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(function)):
        raise NotPossibleError("the workload is a generator")
    others = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Name) and node.id == function.name and isinstance(node.ctx, ast.Load)
    ]
    if others:
        raise NotPossibleError(
            f"line {others[0].lineno} uses {function.name} as well, and would have to await it"
        )


def _handed_on(function: Function) -> str:
    arguments = function.args
    parts = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    parts += [f"*{arguments.vararg.arg}"] if arguments.vararg else []
    parts += [f"{one.arg}={one.arg}" for one in arguments.kwonlyargs]
    parts += [f"**{arguments.kwarg.arg}"] if arguments.kwarg else []
    return ", ".join(parts)


# The native form ----------------------------------------------------------------------------------------


def _native(function: Function) -> ast.keyword | None:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call):
            return next((one for one in decorator.keywords if one.arg == "native"), None)
    return None


def twin(source: Source, function: Function) -> ast.AsyncFunctionDef | None:
    """The native form that a file already has for a workload, if diag would take it for one."""
    keyword = _native(function)
    names = [f"{function.name}_async", f"async_{function.name}", f"a{function.name}"]
    if keyword is not None:
        names = [dotted(keyword.value)]
    found = [source.definition(name) for name in names]
    return next((one for one in found if isinstance(one, ast.AsyncFunctionDef)), None)


def await_twin(rewrite: Rewrite, function: Function, native: ast.AsyncFunctionDef) -> None:
    """Let a workload do nothing but await its native form.

    Raises:
        NotPossibleError: something else calls it, or its parameters are not those of the native form.
    """
    if ast.dump(function.args) != ast.dump(native.args):
        raise NotPossibleError(f"{native.name} takes other parameters than {function.name}")
    if native.name in local_names(function):
        raise NotPossibleError(f"{function.name} calls something else {native.name}")
    make_async(rewrite, function)
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    handed = _handed_on(function)
    if body:
        start, end = rewrite.source.start(body[0]), rewrite.source.end(body[-1])
        rewrite.replace(start, end, f"return await {native.name}({handed})")


def _drop_native(rewrite: Rewrite, function: Function) -> None:
    keyword = _native(function)
    if keyword is None:
        return
    source = rewrite.source
    start = source.text.rindex("native", 0, source.start(keyword.value))
    end = source.end(keyword.value)
    behind = re.compile(r"\s*,[ \t]*\n?[ \t]*").match(source.text, end)
    rewrite.replace(start, behind.end() if behind else end, "")
