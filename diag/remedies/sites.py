"""Where a culprit is seen from the coroutine: the call, on the way to it, in the last `async def`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from diag.finding import Location
from diag.remedies.known import is_blocking, is_trivial
from diag.remedies.text import Function, NotPossibleError, Source, dotted, own_nodes


class Host(StrEnum):
    """What runs the function that a site is in.

    COROUTINE: an `async def` of the user's. WORKLOAD: a plain function that diag's own handler calls.
    GREENLET: a plain function on gevent's hub.
    """

    COROUTINE = "coroutine"
    WORKLOAD = "workload"
    GREENLET = "greenlet"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Site:
    """The place to change.

    Attributes:
        host: what runs the function.
        source: its file.
        function: the last `async def` before the culprit, or the function that diag or gevent calls.
        line: of the call that leads to the culprit, or the culprit's own.
        callee: qualified name of the user's function that is called there, "" where the culprit is there.
        callee_place: where that function is, None if there is none.
        lazy: True if that function is a generator, which runs when it is asked for its next value.
    """

    host: Host
    source: Source
    function: Function
    line: int
    callee: str = ""
    callee_place: Location | None = None
    lazy: bool = False

    @property
    def own(self) -> bool:
        """True if the culprit is a line of the function itself."""
        return not self.callee


def find_site(frames: Sequence[Location], sources: Mapping[str, Source], host: Host) -> Site | None:
    """The site of a culprit.

    Args:
        frames: the user's lines from the outermost caller to the culprit.
        sources: the user's files by absolute path.
        host: what runs the outermost function if no `async def` is on the way.

    Returns:
        The site, or None if no function on the way may be changed.
    """
    entered = _entered(frames)
    nodes = [(frame, _function_of(frame, sources)) for frame in entered]
    chosen = next(
        (i for i in reversed(range(len(nodes))) if isinstance(nodes[i][1], ast.AsyncFunctionDef)), None
    )
    if chosen is not None:
        return _site(entered, chosen, sources, Host.COROUTINE)
    if host is Host.COROUTINE or not nodes or nodes[0][1] is None:
        return None
    # A greenlet may wait anywhere, so the change is made where it is smallest.
    return _site(entered, max(len(entered) - 2, 0) if host is Host.GREENLET else 0, sources, host)


def _entered(frames: Sequence[Location]) -> list[Location]:
    """One line a function: a generator expression's frame has the name of the function around it."""
    kept: list[Location] = []
    for frame in frames:
        if kept and (kept[-1].absolute, kept[-1].function) == (frame.absolute, frame.function):
            continue
        kept.append(frame)
    return kept


def _function_of(frame: Location, sources: Mapping[str, Source]) -> Function | None:
    source = sources.get(frame.absolute)
    return source.function_at(frame.line) if source else None


def _site(frames: Sequence[Location], index: int, sources: Mapping[str, Source], host: Host) -> Site | None:
    frame = frames[index]
    function = _function_of(frame, sources)
    if function is None:
        return None
    callee = frames[index + 1] if index + 1 < len(frames) else None
    entered = _function_of(callee, sources) if callee else None
    return Site(
        host=host,
        source=sources[frame.absolute],
        function=function,
        line=frame.line,
        callee=callee.function if callee else "",
        callee_place=callee,
        lazy=entered is not None and _generates(entered),
    )


# The calls ----------------------------------------------------------------------------------------------


def blocking_calls(site: Site) -> tuple[ast.Call, ...]:
    """The outermost calls of a site that hold the loop: more than one where a line makes the same call twice.

    Raises:
        NotPossibleError: no call could be told to be the one, or it stands where nothing can be awaited.
    """
    covering = list(calls_on_line(site))
    if not covering:
        raise NotPossibleError(_why_none(site))
    chosen = _by_callee(site, covering) if site.callee else _by_name(site, covering)
    lifted = [_lift(site, _consumer(site, call) if site.lazy else call) for call in chosen]
    return tuple(dict.fromkeys(_outermost(site.source, lifted)))


def calls_on_line(site: Site) -> Iterator[ast.Call]:
    """Calls of the function itself whose text spans the line.

    What is awaited is left out, unless it was seen to enter a function: then that one gives the awaitable.
    """
    for node in own_nodes(site.function):
        if (
            isinstance(node, ast.Call)
            and node.lineno <= site.line <= (node.end_lineno or node.lineno)
            and (site.callee or not isinstance(site.source.parent(node), ast.Await))
        ):
            yield node


def _why_none(site: Site) -> str:
    around = [
        node
        for node in ast.walk(site.function)
        if isinstance(node, ast.Lambda | ast.Await)
        and node.lineno <= site.line <= (node.end_lineno or node.lineno)
    ]
    if any(isinstance(node, ast.Lambda) for node in around):
        return "the call is inside a lambda, which cannot await anything"
    if around:
        return f"what blocks is inside of what line {site.line} awaits, in code that is not yours"
    return (
        f"line {site.line} makes no call: an attribute, an operator, a loop or a `with` leads to the culprit"
    )


def _by_callee(site: Site, covering: Sequence[ast.Call]) -> list[ast.Call]:
    """Calls of the function that was seen to be entered from the line."""
    parts = [part for part in site.callee.split(".") if part != "<locals>"]
    name = parts[-2] if parts[-1] in ("__init__", "__new__", "__call__") and len(parts) > 1 else parts[-1]
    named = [call for call in covering if _last(call.func) == name]
    if named:
        return named
    # `map(f, rows)`, `sorted(rows, key=f)`: it is handed to what calls it.
    handed = [call for call in covering if any(_last(node) == name for node in _handed(call))]
    if handed:
        return handed
    outer = _outermost(site.source, list(covering))
    serious = [call for call in outer if not is_trivial(site.source.resolved(call.func))] or outer
    if len(serious) == 1:
        return serious
    raise NotPossibleError(f"none of the calls on line {site.line} is named like {name}, which it enters")


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _handed(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (keyword.value for keyword in call.keywords)


def _by_name(site: Site, covering: Sequence[ast.Call]) -> list[ast.Call]:
    """Calls into a library: those known to block; else all that are not known to be quick."""
    known = [call for call in covering if is_blocking(site.source.resolved(call.func))]
    if known:
        return [_with_methods(site.source, call) for call in known]
    serious = [call for call in covering if not is_trivial(site.source.resolved(call.func))]
    methods = [call for call in covering if isinstance(call.func, ast.Attribute)]
    if serious or methods:
        return serious or methods
    raise NotPossibleError("what holds the loop there is not a call that could be moved")


def _with_methods(source: Source, call: ast.Call) -> ast.Call:
    """``open(path).read()``: what is called on a result in the same breath may be what takes the time."""
    while True:
        method = source.parent(call)
        outer = source.parent(method) if isinstance(method, ast.Attribute) else None
        if not (isinstance(outer, ast.Call) and outer.func is method) or is_trivial(
            source.resolved(outer.func)
        ):
            return call
        if isinstance(source.parent(outer), ast.Await):
            return call
        call = outer


def _lift(site: Site, call: ast.Call) -> ast.Call:
    """A call inside a generator expression runs in whatever consumes it: that is what can be moved."""
    for node in site.source.ancestors(call):
        if node is site.function:
            break
        if isinstance(node, ast.GeneratorExp) and not _inside(site.source, call, node.generators[0].iter):
            consumer = site.source.parent(node)
            if isinstance(consumer, ast.Call) and not isinstance(site.source.parent(consumer), ast.Await):
                return _lift(site, consumer)
            raise NotPossibleError("it is inside a generator expression that is consumed elsewhere")
    return call


def _consumer(site: Site, call: ast.Call) -> ast.Call:
    """``list(rows())`` for a generator's ``rows()``: that is where it runs."""
    consumer = site.source.parent(call)
    if isinstance(consumer, ast.Call) and call in consumer.args:
        return consumer
    if _last(call.func) != site.callee.rpartition(".")[2]:
        return call
    raise NotPossibleError(
        f"{site.callee} is a generator, which runs here whenever it is asked for its next value"
    )


def _generates(function: Function) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(function))


def _inside(source: Source, node: ast.AST, whole: ast.AST) -> bool:
    return node is whole or any(one is whole for one in source.ancestors(node))


def _outermost(source: Source, calls: Sequence[ast.Call]) -> list[ast.Call]:
    chosen = set(map(id, calls))
    return [call for call in calls if not any(id(one) in chosen for one in source.ancestors(call))]


def serious_inside(site: Site, call: ast.Call) -> bool:
    """Whether evaluating a call's receiver and arguments could itself be what holds the loop."""
    inner = [
        node
        for node in ast.walk(call)
        if isinstance(node, ast.Call)
        and node is not call
        and not isinstance(site.source.parent(node), ast.Await)
        and not _lazy(site.source, node, call)
    ]
    if site.callee:
        name = _last(call.func)
        return any(_last(one.func) == name for one in inner)
    return any(not is_trivial(site.source.resolved(one.func)) for one in inner)


def _lazy(source: Source, node: ast.AST, call: ast.Call) -> bool:
    """Whether a part of a call runs only when the callee asks for it: a lambda, a generator expression."""
    for above in source.ancestors(node):
        if above is call:
            return False
        if isinstance(above, ast.Lambda):
            return True
        if isinstance(above, ast.GeneratorExp) and not _inside(source, node, above.generators[0].iter):
            return True
    return False


def described(call: ast.Call) -> str:
    """A call in a few words, for a title."""
    return f"{dotted(call.func) or _last(call.func) or 'the call'}()"
