"""``time.sleep`` becomes ``await asyncio.sleep``."""

from __future__ import annotations

import ast

from diag.remedies.calls import carry_renamed
from diag.remedies.rewriting import Rewrite
from diag.remedies.sites import Site, calls_on_line
from diag.remedies.text import NotPossibleError

BY_HAND = (
    "Make the function an `async def`, await it where it is called, and `await asyncio.sleep(...)` in it."
)


def finds(site: Site) -> ast.Call | None:
    """The sleep on a site's line."""
    return next((one for one in calls_on_line(site) if site.source.resolved(one.func) == "time.sleep"), None)


def changes(rewrite: Rewrite, site: Site) -> tuple[str, tuple[str, ...]]:
    """Await every sleep of the line."""
    for call in calls_on_line(site):
        if site.source.resolved(call.func) == "time.sleep":
            if call.keywords or any(isinstance(one, ast.Starred) for one in call.args):
                raise NotPossibleError("time.sleep is called with something else than one number")
            carry_renamed(rewrite, call, f"{rewrite.module('asyncio')}.sleep")
    return "asyncio.sleep", ()
