"""``requests``, ``urllib`` and synchronous ``httpx`` become ``httpx.AsyncClient``.

One client for all calls, made at the first: a new one for each call would read the certificates anew, which
itself holds the loop. `requests` and `httpx` differ, so a call is changed only if its arguments, and what is
done with its answer, mean the same in both.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from diag.remedies.calls import carry_renamed, needs_parentheses, opening_parenthesis, refuse_in_generator
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Site, calls_on_line
from diag.remedies.text import NotPossibleError, Source, dotted, own_nodes

BY_HAND = (
    "Make one `httpx.AsyncClient()` for the application (in its lifespan), and in an `async def` write "
    "`response = await client.get(url)`. Redirects, time limits and exceptions differ from `requests`'."
)

_VERBS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request"})
_BOTH_TAKE = frozenset({"params", "json", "headers", "data", "auth", "timeout", "url", "method"})
_HTTPX_TAKES = _BOTH_TAKE | {"content", "files", "cookies", "follow_redirects", "extensions"}
_SAME_ANSWER = frozenset({"json", "text", "status_code", "headers", "content", "raise_for_status", "elapsed"})
_OPEN_ARGUMENTS = frozenset({"timeout", "url"})

_CLIENT = '''
@{functools}.cache
def {name}():
    """One client for all requests, which keeps its connections."""
    return {httpx}.AsyncClient({options})
'''
_KEEPS = "The client keeps connections and cookies from one call to the next."
_NEEDS = "httpx has to be installed."
_ERRORS = "Errors are httpx's own exceptions."
_ONE_LOOP = "A client belongs to the loop that used it first."


def finds(site: Site) -> ast.Call | None:
    """The request on a site's line."""
    return next((one for one in calls_on_line(site) if _library(site, one)), None)


def changes(rewrite: Rewrite, site: Site) -> tuple[str, tuple[str, ...]]:
    """Await every request of the line."""
    caveats: tuple[str, ...] = ()
    blocks: set[int] = set()
    for call in calls_on_line(site):
        library = _library(site, call)
        if library == "client":
            block = _client_block(site, call)
            assert block is not None
            if id(block) not in blocks:
                blocks.add(id(block))
                _await_block(rewrite, site, block)
        elif library:
            caveats = (_KEEPS, _ONE_LOOP) + ((_NEEDS, _ERRORS) if library != "httpx" else ())
            _await_call(rewrite, site, call, library)
    return "httpx.AsyncClient", caveats


def _library(site: Site, call: ast.Call) -> str:
    """``requests``, ``httpx``, ``urllib``, or ``client`` of a `with httpx.Client()`; "" for other calls."""
    name = site.source.resolved(call.func)
    package, _, verb = name.rpartition(".")
    if package in ("requests", "httpx") and verb in _VERBS:
        return package
    if name == "urllib.request.urlopen":
        return "urllib"
    return "client" if _client_block(site, call) else ""


# A client of one `with` block ---------------------------------------------------------------------------


def _client_block(site: Site, call: ast.Call) -> ast.With | None:
    """The ``with httpx.Client(...) as client:`` that a ``client.get(...)`` stands in."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in _VERBS):
        return None
    owner = dotted(call.func.value)
    for node in site.source.ancestors(call):
        if isinstance(node, ast.With):
            for item in node.items:
                made = item.context_expr
                if (
                    item.optional_vars is not None
                    and dotted(item.optional_vars) == owner
                    and isinstance(made, ast.Call)
                    and site.source.resolved(made.func) == "httpx.Client"
                ):
                    return node
        if node is site.function:
            break
    return None


def _await_block(rewrite: Rewrite, site: Site, block: ast.With) -> None:
    source = rewrite.source
    if len(block.items) > 1:
        raise NotPossibleError("the client is opened together with something else")
    made, variable = block.items[0].context_expr, block.items[0].optional_vars
    assert isinstance(made, ast.Call)
    assert variable is not None
    if any(one.arg in ("transport", "mounts", "auth", "event_hooks") for one in made.keywords):
        raise NotPossibleError(
            "the client is made with a transport, an auth or hooks, which have an asynchronous form"
        )
    rewrite.replace(source.start(block), source.start(block), "async ")
    rewrite.replace_node(made.func, f"{rewrite.module('httpx')}.AsyncClient")
    name = dotted(variable)
    for node in own_nodes(site.function):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            _await_method(rewrite, source, node)


def _await_method(rewrite: Rewrite, source: Source, owner: ast.Name) -> None:
    method = source.parent(owner)
    call = source.parent(method) if method is not None else None
    if not (isinstance(method, ast.Attribute) and isinstance(call, ast.Call) and call.func is method):
        raise NotPossibleError(f"line {owner.lineno} hands the client to something else")
    if method.attr not in _VERBS:
        raise NotPossibleError(
            f"line {owner.lineno} uses the client's {method.attr}, which has another form there"
        )
    carry_renamed(rewrite, call, source.segment(method))


# A call of the package itself ---------------------------------------------------------------------------


def _await_call(rewrite: Rewrite, site: Site, call: ast.Call, library: str) -> None:
    source = rewrite.source
    _check_arguments(call, library)
    answer = _answer_of_urlopen(source, call) if library == "urllib" else call
    if library == "requests":
        _check_answer(site, call)
    if library != "httpx":
        _check_exceptions(site)
    refuse_in_generator(source, call)
    client = _define_client(rewrite, library)
    if library == "urllib":
        url = source.segment(call.args[0])
        limit = "".join(f", timeout={source.segment(one.value)}" for one in call.keywords)
        rewrite.replace_node(answer, f"(await {client}().get({url}{limit})).raise_for_status().content")
        return
    verb = source.resolved(call.func).rpartition(".")[2]
    paren = opening_parenthesis(source, call)
    wrap = needs_parentheses(source, call)
    source.segment(call)
    rewrite.replace(source.start(call), paren, f"{'(' if wrap else ''}await {client}().{verb}")
    rewrite.replace(source.end(call), source.end(call), ")" if wrap else "")


def _check_arguments(call: ast.Call, library: str) -> None:
    allowed = {"requests": _BOTH_TAKE, "httpx": _HTTPX_TAKES, "urllib": _OPEN_ARGUMENTS}[library]
    if any(isinstance(one, ast.Starred) for one in call.args) or any(
        one.arg is None for one in call.keywords
    ):
        raise NotPossibleError("its arguments are unpacked, so what they mean there cannot be read")
    for keyword in call.keywords:
        if keyword.arg not in allowed:
            raise NotPossibleError(f"its argument {keyword.arg} means something else in httpx")
        if library == "requests" and keyword.arg == "timeout" and isinstance(keyword.value, ast.Tuple):
            raise NotPossibleError("its time limit is a pair, which httpx takes as httpx.Timeout")
        if library == "requests" and keyword.arg == "data" and not isinstance(keyword.value, ast.Dict):
            raise NotPossibleError("its data may be a text, which httpx takes as content")
    most = 1 if library in ("requests", "urllib") else 2
    if len(call.args) > most + (dotted(call.func).endswith("request")):
        raise NotPossibleError("its later arguments are given by place, and have other places in httpx")


def _check_answer(site: Site, call: ast.Call) -> None:
    """What is done with the answer has to mean the same for httpx's."""
    for use in _answer_uses(site, call):
        if not isinstance(use, ast.Attribute) or use.attr not in _SAME_ANSWER:
            what = f"answer's .{use.attr}" if isinstance(use, ast.Attribute) else "answer as a whole"
            raise NotPossibleError(f"the {what} is used, which is another object in httpx")


def _check_exceptions(site: Site) -> None:
    """Errors are of other classes."""
    for node in ast.walk(site.function):
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            caught = [one for one in ast.walk(node.type) if isinstance(one, ast.Attribute | ast.Name)]
            names = [site.source.resolved(one) for one in caught]
            if any(name.startswith(("requests.", "urllib.")) for name in names):
                raise NotPossibleError(f"line {node.lineno} catches an exception that httpx does not raise")


def _answer_uses(site: Site, call: ast.Call) -> Iterator[ast.AST]:
    source = site.source
    parent = source.parent(call)
    if isinstance(parent, ast.Expr):
        return
    if isinstance(parent, ast.Attribute):
        yield parent
        return
    target = parent.targets[0] if isinstance(parent, ast.Assign) and len(parent.targets) == 1 else None
    if isinstance(parent, ast.NamedExpr | ast.AnnAssign):
        target = parent.target
    if not isinstance(target, ast.Name):
        yield call
        return
    if isinstance(parent, ast.NamedExpr):
        yield source.parent(parent) or call
    for node in ast.walk(site.function):
        if isinstance(node, ast.Name) and node.id == target.id and isinstance(node.ctx, ast.Load):
            yield source.parent(node) or node


def _answer_of_urlopen(source: Source, call: ast.Call) -> ast.Call:
    """``urlopen(url).read()``, the one form whose answer is plain bytes."""
    method = source.parent(call)
    read = source.parent(method) if method is not None else None
    if (
        isinstance(method, ast.Attribute)
        and method.attr == "read"
        and isinstance(read, ast.Call)
        and not read.args
    ):
        return read
    raise NotPossibleError("urlopen's answer is used as an object, which httpx does not have")


def _define_client(rewrite: Rewrite, library: str) -> str:
    """The client's function, defined once for all calls of the line."""
    # requests follows redirects and has no time limit; urllib follows them too.
    options = "" if library == "httpx" else "follow_redirects=True, timeout=None"
    return rewrite.define_once(
        "_http_client",
        _CLIENT,
        functools=rewrite.module("functools"),
        httpx=rewrite.module("httpx"),
        options=options,
    )
