"""Arguments that make a blocking call return without waiting."""

from __future__ import annotations

from diag.static.ir import Call, Expr
from diag.static.knowledge import Effect


def returns_at_once(effect: Effect, call: Call) -> bool:
    """True if a blocking call's arguments make it return without waiting."""
    first = call.args[0] if call.args else None
    if effect.call == "time.sleep":
        return isinstance(first, list) and first[0] == "k" and first[1] == 0
    if any(_is_false(call.keywords.get(name)) for name in ("block", "blocking", "wait")):
        return True
    last = effect.call.rpartition(".")[2]
    if last.startswith("wait") and any(_is_named(one, "WNOHANG") for one in call.args):
        return True
    if last in ("acquire", "get") and _is_false(first) and not isinstance(first, str):
        return True
    timeout = call.keywords.get("timeout")
    if last in ("join", "wait", "result", "get", "acquire", "poll") and isinstance(timeout, list):
        return bool(timeout[0] == "k" and timeout[1] == 0 and timeout[1] is not False)
    return False


def _is_false(value: Expr) -> bool:
    return isinstance(value, list) and value[0] == "k" and value[1] is False


def _is_named(value: Expr, name: str) -> bool:
    return isinstance(value, list) and value[0] == "a" and value[2] == name
