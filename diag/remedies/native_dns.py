"""``socket.getaddrinfo`` and ``gethostbyname`` become ``await loop.getaddrinfo``."""

from __future__ import annotations

import ast

from diag.remedies.calls import needs_parentheses, refuse_in_generator
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Site, calls_on_line
from diag.remedies.text import NotPossibleError, Source

BY_HAND = "In an `async def`, write `await asyncio.get_running_loop().getaddrinfo(host, port)`."

_NAMES = ("socket.getaddrinfo", "socket.gethostbyname")
_PARAMETERS = ("host", "port", "family", "type", "proto", "flags")


def finds(site: Site) -> ast.Call | None:
    """The lookup on a site's line."""
    return next((one for one in calls_on_line(site) if site.source.resolved(one.func) in _NAMES), None)


def changes(rewrite: Rewrite, site: Site) -> tuple[str, tuple[str, ...]]:
    """Await every lookup of the line."""
    for call in calls_on_line(site):
        name = site.source.resolved(call.func)
        if name in _NAMES:
            refuse_in_generator(site.source, call)
            loop = f"{rewrite.module('asyncio')}.get_running_loop()"
            rewrite.replace_node(call, _lookup(rewrite, site.source, call, loop, name))
    return "loop.getaddrinfo", ("The loop looks names up in its pool of threads.",)


def _lookup(rewrite: Rewrite, source: Source, call: ast.Call, loop: str, name: str) -> str:
    if any(isinstance(one, ast.Starred) for one in call.args) or any(
        one.arg is None for one in call.keywords
    ):
        raise NotPossibleError("its arguments are unpacked, and have other names there")
    if name == "socket.gethostbyname":
        if len(call.args) != 1 or call.keywords:
            raise NotPossibleError("gethostbyname is called with something else than one name")
        family = f"{rewrite.module('socket')}.AF_INET"
        return f"(await {loop}.getaddrinfo({source.segment(call.args[0])}, None, family={family}))[0][4][0]"
    # The loop's form takes all but host and port by name.
    texts = [source.segment(one) for one in call.args[:2]]
    texts += [f"{p}={source.segment(v)}" for p, v in zip(_PARAMETERS[2:], call.args[2:], strict=False)]
    texts += [f"{one.arg}={source.segment(one.value)}" for one in call.keywords]
    text = f"await {loop}.getaddrinfo({', '.join(texts)})"
    return f"({text})" if needs_parentheses(source, call) else text
