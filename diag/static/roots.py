"""Which functions run on the event loop by themselves, and what makes them do so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diag.static import members
from diag.static.finding import RootKind
from diag.static.infer import Inference
from diag.static.ir import Call, Expr, Trait
from diag.static.model import Bound, ClassInfo, FunctionInfo, Inst, ModuleInfo, Obj, Partial, Value

_METHODS = frozenset(
    {"get", "post", "put", "delete", "patch", "head", "options", "route", "api_route", "trace"}
)
_SCHEDULERS = {  # of a loop, and the place of the function they are given
    "call_soon": 0, "call_soon_threadsafe": 0, "call_later": 1, "call_at": 1, "add_done_callback": 0,
    "add_reader": 1, "add_writer": 1, "add_signal_handler": 1, "add_callback": 0, "add_timeout": 1,
}  # fmt: skip
_PROTOCOLS = tuple(f"asyncio.{one}Protocol" for one in ("", "Datagram", "Buffered", "Base", "Subprocess"))
_PROTOCOL_METHODS = frozenset(
    {
        "connection_made", "connection_lost", "data_received", "eof_received", "datagram_received",
        "error_received", "buffer_updated", "get_buffer", "pause_writing", "resume_writing",
        "pipe_data_received", "process_exited",
    }
)  # fmt: skip
_TORNADO = ("tornado.web.RequestHandler", "tornado.websocket.WebSocketHandler")
_TORNADO_METHODS = frozenset(
    {"get", "post", "put", "delete", "patch", "head", "options", "prepare", "on_finish", "initialize", "open",
     "on_message", "on_close", "get_current_user", "data_received", "write_error"}
)  # fmt: skip
_SANIC = ("sanic.Sanic", "sanic.Blueprint", "sanic.app.Sanic", "sanic.blueprints.Blueprint")
_MIDDLEWARE = frozenset(
    {"dispatch", "middleware", "__call__", "process_request", "before_request", "after_request"}
)
_LIFESPAN = frozenset(
    {"lifespan", "startup", "shutdown", "on_startup", "on_shutdown", "setup_hook", "on_cleanup"}
)
_STARTERS = frozenset(
    {"create_task", "ensure_future", "add_task", "start_soon", "spawn", "create_background_task"}
)


class Roots:
    """The functions of modules that the loop runs by itself."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def of(self, modules: Sequence[ModuleInfo]) -> dict[FunctionInfo, tuple[RootKind, str]]:
        """Functions on the loop, with what makes them so and their route."""
        found: dict[FunctionInfo, tuple[RootKind, str]] = {}
        for module in modules:
            for function in module.functions:
                kind = self._kind(function)
                if kind is not None:
                    found[function] = kind
        for module in modules:
            for caller in module.functions:
                for call in caller.ir.calls:
                    self._from_call(call, caller, found)
        return found

    def _kind(self, function: FunctionInfo) -> tuple[RootKind, str] | None:
        ir = function.ir
        if function.index == 0:
            return None
        if ir.traits & Trait.ASYNC:
            decorated = self._decorated(function)
            if decorated is not None:
                return decorated
            if ir.name in _LIFESPAN:
                return RootKind.LIFESPAN, ""
            if function.owner is not None and ir.name in _MIDDLEWARE:
                return RootKind.MIDDLEWARE, ""
            return RootKind.COROUTINE, ""
        if function.owner is not None:
            return self._method(function, function.owner)
        if ir.decorators:
            return self._plain(function)
        return None

    def _method(self, function: FunctionInfo, owner: ClassInfo) -> tuple[RootKind, str] | None:
        """Methods without `async` that the loop calls: of protocols, and of Tornado's handlers."""
        name = function.ir.name
        if name not in _PROTOCOL_METHODS and name not in _TORNADO_METHODS:
            return None
        for base in members.lineage(self._inference, owner):
            if base.name in _PROTOCOLS and name in _PROTOCOL_METHODS:
                return RootKind.CALLBACK, ""
            if base.name in _TORNADO and name in _TORNADO_METHODS:
                verb = name.upper() if name in _METHODS else ""
                return RootKind.ENDPOINT, f"{verb} {owner.ir.qualname}".strip()
        return None

    def _plain(self, function: FunctionInfo) -> tuple[RootKind, str] | None:
        """Functions without `async` that run on the loop all the same: Sanic's handlers, startup hooks."""
        for expr in function.ir.decorators:
            callee, call = _decorator(expr, function.scope)
            if not (isinstance(callee, list) and callee[0] == "a"):
                continue
            last = callee[2]
            if callee == ["a", "diag", "workload"]:  # runs in a handler, unless its strategy hands it off
                return RootKind.ENDPOINT, ""
            if last == "on_event" and call is not None:
                return RootKind.LIFESPAN, _text(call)
            if last in _METHODS or last in ("middleware", "listener", "on_request", "websocket"):
                bases = self._inference.values(callee[1], function.scope)
                if any(_type_name(one) in _SANIC for one in bases):
                    return RootKind.ENDPOINT, _route(last, call)
        return None

    def _decorated(self, function: FunctionInfo) -> tuple[RootKind, str] | None:
        for expr in function.ir.decorators:
            callee, call = _decorator(expr, function.scope)
            last = callee[2] if isinstance(callee, list) and callee[0] == "a" else callee
            if last in _METHODS and call is not None and isinstance(callee, list):
                return RootKind.ENDPOINT, _route(last, call)
            if last in ("websocket", "websocket_route", "ws"):
                return RootKind.WEBSOCKET, _route("WS", call)
            if last == "middleware":
                return RootKind.MIDDLEWARE, ""
            if last in ("on_event", "asynccontextmanager") and function.ir.name in _LIFESPAN | {
                "app_lifespan"
            }:
                return RootKind.LIFESPAN, ""
            if last in ("on_event", "listener", "before_serving", "after_serving"):
                return RootKind.LIFESPAN if last != "listener" else RootKind.EVENT, ""
            if last in ("event", "command", "message", "callback_query", "hybrid_command", "slash_command"):
                return RootKind.EVENT, ""
        return None

    def _from_call(
        self, call: Call, caller: FunctionInfo, found: dict[FunctionInfo, tuple[RootKind, str]]
    ) -> None:
        callee = call.callee
        last = callee[2] if isinstance(callee, list) and callee[0] == "a" else callee
        name = last if isinstance(last, str) else ""
        place = _SCHEDULERS.get(name)
        if place is not None and isinstance(callee, list) and len(call.args) > place:
            if self._is_loop(callee[1], caller):
                for function in self._functions(call.args[place], caller):
                    if function.module.own:
                        found.setdefault(function, (RootKind.CALLBACK, ""))
        elif call.args and (name == "Depends" or name in _STARTERS):
            kind = RootKind.DEPENDENCY if name == "Depends" else RootKind.BACKGROUND_TASK
            for function in self._functions(_called(call.args[0], caller), caller):
                if found.get(function) == (RootKind.COROUTINE, ""):
                    found[function] = kind, ""
        if call.keywords:
            for function in self._hooks(call, caller):
                found[function] = RootKind.LIFESPAN, ""

    def _hooks(self, call: Call, caller: FunctionInfo) -> Iterator[FunctionInfo]:
        """Functions given as ``on_startup=[…]``."""
        for key in ("on_startup", "on_shutdown"):
            if key in call.keywords:
                for value in self._inference.elements(self._inference.values(call.keywords[key], caller)):
                    if isinstance(value, FunctionInfo) and value.module.own:
                        yield value

    def _is_loop(self, base: Expr, caller: FunctionInfo) -> bool:
        """False for futures of threads: their callbacks run there."""
        return not any(
            isinstance(one, Obj) and one.type.startswith(("concurrent.", "threading."))
            for one in self._inference.values(base, caller)
        )

    def _functions(self, expr: Expr, scope: FunctionInfo) -> Iterator[FunctionInfo]:
        for value in self._inference.values(expr, scope):
            inner = value.inner if isinstance(value, Partial) else value
            if isinstance(inner, FunctionInfo):
                yield inner
            elif isinstance(inner, Bound):
                yield inner.function


def _type_name(value: Value) -> str:
    if isinstance(value, Obj):
        return value.type
    return value.cls.name if isinstance(value, Inst) else ""


def _called(expr: Expr, scope: FunctionInfo) -> Expr:
    """What a coroutine is made of: ``work`` of ``create_task(work())``; a function by itself as it is."""
    return scope.ir.calls[expr[1]].callee if isinstance(expr, list) and expr[0] == "c" else expr


def _decorator(expr: Expr, scope: FunctionInfo) -> tuple[Expr, Call | None]:
    if isinstance(expr, list) and expr[0] == "c":
        call = scope.ir.calls[expr[1]]
        return call.callee, call
    return expr, None


def _text(call: Call | None) -> str:
    first = call.args[0] if call is not None and call.args else None
    if first is None and call is not None:
        first = call.keywords.get("path")
    return first[1] if isinstance(first, list) and first[0] == "k" and isinstance(first[1], str) else ""


def _route(verb: str, call: Call | None) -> str:
    path = _text(call)
    if not path:
        return ""
    if verb in ("route", "api_route") and call is not None:
        methods = call.keywords.get("methods")
        named = methods[1] if isinstance(methods, list) and methods[0] == "l" else []
        verb = ",".join(str(one[1]) for one in named if isinstance(one, list) and one[0] == "k") or "GET"
    return f"{verb.upper()} {path}"
