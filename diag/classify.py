"""What a Python file holds, judged by its syntax tree alone: an app, workloads, or a script.

Nothing of the file is executed here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

SourceKind = Literal["app", "workload", "script", "nothing"]

APP_NAMES = ("app", "application", "api", "asgi", "wsgi")
FACTORY_NAMES = ("create_app", "make_app", "get_app", "build_app")

# Classes and functions whose result is an ASGI or WSGI application, by the last part of their name.
_APP_MAKERS = frozenset(
    {
        "FastAPI", "Flask", "Starlette", "Litestar", "Quart", "Sanic", "Bottle", "BlackSheep",
        "Connexion", "AsyncApp", "FlaskApp", "NinjaAPI", "Robyn", "Responder", "ASGIApp", "WSGIApp",
        "get_asgi_application", "get_wsgi_application", "make_wsgi_app", "FastHTML", "Falcon", "Dash",
    }
)  # fmt: skip
# Applications with a server of their own: they are run as scripts.
_OWN_SERVER = frozenset({"web.Application", "tornado.web.Application", "aiohttp.web.Application"})
_LOOP_RUNNERS = frozenset(
    {"asyncio.run", "uvloop.run", "anyio.run", "web.run_app", "aiohttp.web.run_app", "asyncio.Runner",
     "trio.run", "run_app"}
)  # fmt: skip
_LOOP_METHODS = frozenset(
    {"run_until_complete", "run_forever", "run_polling", "start_polling", "run_until_disconnected"}
)
# Packages whose client's `run` method runs a loop.
_BOT_PACKAGES = frozenset({"discord", "nextcord", "disnake", "hikari", "pyrogram", "revolt"})
_LOOP_STARTS = ("IOLoop.current().start", "IOLoop.instance().start")
_RUNNER_HOMES = frozenset({"asyncio", "uvloop", "anyio", "aiohttp.web", "trio"})
_SERVER_RUNNERS = frozenset(
    {"uvicorn.run", "hypercorn.run", "waitress.serve", "uvicorn.Server", "run_simple"}
)
_ASGI_PARAMETERS = ("scope", "receive", "send")
_WSGI_PARAMETERS = ("environ", "start_response")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSummary:
    """What a syntax tree says about a file.

    Attributes:
        kind: how the file as a whole is to be measured.
        apps: top-level names that look like an application or a factory of one.
        workloads: top-level functions that can be called as they are.
        decorated: those of them that carry the workload decorator.
        factories: those of `apps` that are functions which return one, whatever they are called.
        guarded: True if an application is made under the main guard, where no import finds it.
        uncallable: public top-level functions that need arguments, so that they are not workloads.
        runs_loop: True if running the file runs an event loop.
        relative_level: the highest level of a relative import (``from ..x import y`` is 2).
    """

    kind: SourceKind
    apps: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    decorated: tuple[str, ...] = ()
    factories: tuple[str, ...] = ()
    guarded: bool = False
    uncallable: tuple[str, ...] = ()
    runs_loop: bool = False
    relative_level: int = 0


def classify(tree: ast.Module) -> SourceSummary:
    """Say what a file holds.

    Explicit marks win over guesses: a ``@workload`` decorator, then an unmistakable app, then a loop
    that the file runs itself, then names that usually hold an app, then plain functions.
    """
    marks = _workload_marks(tree)
    functions = [node for node in _top_level(tree) if isinstance(node, _Function)]
    decorated = tuple(f.name for f in functions if _is_decorated(f, marks))
    certain, likely = _apps(tree, decorated)
    factories = tuple(f.name for f in functions if f.name not in (*decorated, *certain) and _returns_app(f))
    likely += tuple(name for name in factories if name not in likely)
    public = [f for f in functions if not f.name.startswith("_") and f.name not in (*certain, *likely)]
    callable_names = tuple(f.name for f in public if not _needs_arguments(f))
    called = set(_called_on_run(tree))
    runs_loop = any(map(_runs_loop, called)) or (_runs_bots(tree) and any(c.endswith(".run") for c in called))
    serves = bool(called & _SERVER_RUNNERS)
    kind: SourceKind
    if decorated:
        kind = "workload"
    elif certain or (likely and (serves or not runs_loop)):
        kind = "app"
    elif runs_loop:
        kind = "script"
    else:
        kind = "workload" if callable_names else "nothing"
    return SourceSummary(
        kind=kind,
        apps=(*certain, *likely),
        workloads=decorated or callable_names,
        decorated=decorated,
        factories=factories,
        guarded=_makes_app_under_guard(tree),
        uncallable=tuple(f.name for f in public if _needs_arguments(f)),
        runs_loop=runs_loop,
        relative_level=max((n.level for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)), default=0),
    )


def _runs_loop(called: str) -> bool:
    return (
        called in _LOOP_RUNNERS or called.rpartition(".")[2] in _LOOP_METHODS or called.endswith(_LOOP_STARTS)
    )


def _runs_bots(tree: ast.Module) -> bool:
    names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return any(name.partition(".")[0] in _BOT_PACKAGES for name in names)


def _returns_app(node: _Function) -> bool:
    """True for a plain function without arguments that makes an application and returns it."""
    if isinstance(node, ast.AsyncFunctionDef) or node.decorator_list or _needs_arguments(node):
        return False
    if node.returns is not None and dotted(node.returns).rpartition(".")[2] in _APP_MAKERS:
        return True
    made = {
        name
        for inner in ast.walk(node)
        if isinstance(inner, ast.Assign | ast.AnnAssign)
        and inner.value
        and _app_rank(inner.value, set()) == 2
        for name in _assigned_names(inner)
    }
    returned = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value]
    return any(_app_rank(v, set()) == 2 or (isinstance(v, ast.Name) and v.id in made) for v in returned)


def _makes_app_under_guard(tree: ast.Module) -> bool:
    guards = [node for node in tree.body if isinstance(node, ast.If) and _is_main_guard(node)]
    return any(
        _app_rank(node.value, set()) == 2
        or (_app_rank(node.value, set()) == 1 and set(_assigned_names(node)) & set(APP_NAMES))
        for guard in guards
        for node in ast.walk(guard)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
    )


def _top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run on import, inside `if`, `try` and `with` blocks too, but not the main guard."""
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop(0)
        yield node
        if isinstance(node, ast.If) and _is_main_guard(node):
            continue
        if isinstance(node, ast.If | ast.Try | ast.With):
            nested = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
            for handler in getattr(node, "handlers", []):
                nested += handler.body
            pending[:0] = nested


def _is_main_guard(node: ast.If) -> bool:
    names = {n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)}
    texts = {n.value for n in ast.walk(node.test) if isinstance(n, ast.Constant)}
    return "__name__" in names and "__main__" in texts


def _apps(tree: ast.Module, decorated: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names that certainly, and names that probably, hold an application."""
    certain: list[str] = []
    likely: list[str] = []
    app_classes = {
        node.name for node in _top_level(tree) if isinstance(node, ast.ClassDef) and _is_app_class(node)
    }
    for node in _top_level(tree):
        if isinstance(node, _Function):
            if _is_app_function(node):
                certain.append(node.name)
            elif node.name in FACTORY_NAMES and node.name not in decorated:
                likely.append(node.name)
        elif isinstance(node, ast.ImportFrom):
            likely += [a.asname or a.name for a in node.names if (a.asname or a.name) in APP_NAMES]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            names = _assigned_names(node)
            rank = _app_rank(node.value, app_classes)
            certain += names if rank == 2 else []
            likely += [n for n in names if n in APP_NAMES] if rank == 1 else []
    return tuple(dict.fromkeys(certain)), tuple(n for n in dict.fromkeys(likely) if n not in certain)


def _assigned_names(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [t.id for t in targets if isinstance(t, ast.Name)]


def _app_rank(value: ast.expr, app_classes: set[str]) -> int:
    """2: certainly an app; 1: whatever it is, it may be one; 0: no app."""
    if not isinstance(value, ast.Call):
        return 1 if isinstance(value, ast.Name | ast.Attribute) else 0
    name = dotted(value.func)
    if name in _OWN_SERVER:
        return 0
    last = name.rpartition(".")[2]
    return 2 if last in _APP_MAKERS or last in app_classes or name in ("falcon.App", "falcon.asgi.App") else 1


def _positional(arguments: ast.arguments) -> tuple[str, ...]:
    return tuple(a.arg.lstrip("_") for a in (*arguments.posonlyargs, *arguments.args))


def _is_app_function(node: _Function) -> bool:
    names = _positional(node.args)
    if isinstance(node, ast.AsyncFunctionDef):
        return names == _ASGI_PARAMETERS or (len(names) == 3 and node.name in APP_NAMES)
    return names in (_WSGI_PARAMETERS, _ASGI_PARAMETERS) or (len(names) == 2 and node.name in APP_NAMES)


def _is_app_class(node: ast.ClassDef) -> bool:
    calls = [n for n in node.body if isinstance(n, _Function) and n.name == "__call__"]
    return any(_positional(c.args)[1:] in (_ASGI_PARAMETERS, _WSGI_PARAMETERS) for c in calls)


def _workload_marks(tree: ast.Module) -> frozenset[str]:
    """What the workload decorator is called in this file."""
    marks = {"diag.workload", "diag.workload.workload"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("diag", "diag.workload"):
            marks |= {alias.asname or alias.name for alias in node.names if alias.name == "workload"}
        elif isinstance(node, ast.Import):
            marks |= {
                f"{alias.asname}.workload" for alias in node.names if alias.name == "diag" and alias.asname
            }
    return frozenset(marks)


def _is_decorated(node: _Function, marks: frozenset[str]) -> bool:
    return any(dotted(d.func if isinstance(d, ast.Call) else d) in marks for d in node.decorator_list)


def _needs_arguments(node: _Function) -> bool:
    arguments = node.args
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return required > 0 or any(default is None for default in arguments.kw_defaults)


def _called_on_run(tree: ast.Module) -> Iterator[str]:
    """Dotted names called when the file is run, followed into its own functions.

    Names imported from a module are given with it: after ``from asyncio import run``, ``run()`` is
    ``asyncio.run``.
    """
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module in _RUNNER_HOMES or node.module == "uvicorn")
        for alias in node.names
    }
    modules = {
        alias.asname: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.asname
    }
    functions = {node.name: node for node in _top_level(tree) if isinstance(node, _Function)}
    methods = {
        f".{node.name}": node
        for owner in _top_level(tree)
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, _Function)
    }
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    pending: list[ast.AST] = [node for node in tree.body if not isinstance(node, definitions)]
    seen: set[str] = set()
    while pending:
        for node in ast.walk(pending.pop()):
            if not isinstance(node, ast.Call):
                continue
            name = dotted(node.func)
            head, _, rest = name.partition(".")
            yield imported.get(name) or (f"{modules[head]}.{rest}" if rest and head in modules else name)
            method = name[name.rfind(".") :] if "." in name else ""
            for known, definition in ((name, functions.get(name)), (method, methods.get(method))):
                if definition is not None and known not in seen:
                    seen.add(known)
                    pending.append(definition)


def dotted(node: ast.expr) -> str:
    """The dotted name of an expression, such as ``a.b`` or ``f().g``; "" for other kinds."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""
