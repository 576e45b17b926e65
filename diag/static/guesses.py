"""What is called where the object's type is not known, but the call's own shape tells."""

from __future__ import annotations

import io

from diag.finding import Confidence, Severity
from diag.static.finding import BlockKind
from diag.static.infer import Inference
from diag.static.ir import Call, Expr, Mark, Trait
from diag.static.knowledge import Effect
from diag.static.model import Ext, FunctionInfo, Obj, Value, Values


def _database(call: str) -> Effect:
    return Effect(
        call=call,
        kind=BlockKind.WAIT,
        severity=Severity.ERROR,
        confidence=Confidence.LOW,
        why="it looks like a synchronous database call: it is not awaited",
        instead="an asynchronous driver, or `await asyncio.to_thread(...)` around the whole query",
    )


_CURSORS = frozenset({"cursor", "cur", "curs", "c", "db_cursor", "_cursor"})
_SESSIONS = frozenset({"db", "session", "db_session", "dbsession", "sess", "_session", "_db"})
_FETCHES = frozenset({"execute", "executemany", "fetchone", "fetchall", "fetchmany"})
_COMMITS = frozenset({"commit", "rollback", "flush", "refresh"})
_QUERY_ENDS = frozenset({"all", "first", "one", "one_or_none", "scalar", "count", "delete", "update", "get"})


def effect(inference: Inference, call: Call, function: FunctionInfo, values: Values) -> Effect | None:
    """A guess at what a call does, None where nothing speaks for it.

    Only calls of methods on objects about which nothing is known, and that are not awaited.
    """
    callee = call.callee
    if call.marks or values or not (isinstance(callee, list) and callee[0] == "a"):
        return None
    base, name = callee[1], callee[2]
    last = _last(base)
    if name in _FETCHES and last in _CURSORS:
        return _database(f"cursor.{name}")
    if name in _QUERY_ENDS and _has_query(base, function):
        return _database(f"Session.query.{name}")
    if function.is_async and name in _COMMITS and last in _SESSIONS and not inference.values(base, function):
        return _database(f"{last}.{name}")
    return None


_COMMON = frozenset(
    name for kind in (str, bytes, dict, list, set, int, io.StringIO, io.BytesIO) for name in dir(kind)
)
_SHORTEST = 5


def methods(inference: Inference, call: Call, function: FunctionInfo, values: Values) -> list[FunctionInfo]:
    """The project's methods that a call on an object of unknown type must mean, for no other has its name."""
    callee = call.callee
    if call.marks or not (isinstance(callee, list) and callee[0] == "a"):
        return []
    name = callee[2]
    if len(name) < _SHORTEST or name in _COMMON or "_" not in name.strip("_"):
        return []
    if not all(isinstance(one, Ext) and inference.knowledge.says_nothing(one.name) for one in values):
        return []
    meant = inference.world.methods.get(name, [])
    if len(meant) != 1 or meant[0].is_async:
        return []
    if not all(_is_unknown(inference, one) for one in inference.values(callee[1], function)):
        return []
    return [one for one in meant if _fits(one, call)]


def _is_unknown(inference: Inference, base: Value) -> bool:
    """True for an object of which only the name of its type is known, and no summary tells more."""
    return isinstance(base, Obj) and not inference.knowledge.is_class(base.type) and base.type != "str"


def _fits(function: FunctionInfo, call: Call) -> bool:
    params = function.ir.params[0 if function.ir.traits & Trait.STATIC else 1 :]
    most = len([one for one in params if not one.star and not one.keyword])
    names = {one.name for one in params}
    stars = {one.star for one in params}
    enough = len(call.args) <= most or 1 in stars
    return enough and (2 in stars or all(key in names or key == "**" for key in call.keywords))


def _last(base: Expr) -> str:
    last = base[2] if isinstance(base, list) and base[0] == "a" else base
    return last if isinstance(last, str) else ""


def _has_query(base: Expr, function: FunctionInfo) -> bool:
    """True for ``session.query(...).filter(...)``, which only SQLAlchemy's synchronous session has."""
    while isinstance(base, list):
        if base[0] == "c":
            callee = function.ir.calls[base[1]].callee
            if isinstance(callee, list) and callee[0] == "a" and callee[2] == "query":
                return _last(callee[1]) in _SESSIONS and not function.ir.calls[base[1]].marks & Mark.AWAITED
            base = callee
        elif base[0] == "a":
            base = base[1]
        else:
            return False
    return False
