"""Imports the user's module as their own command would, and finds the app in it.

Runs inside the target's process: standard library only. What the user's code raises passes through.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Literal

from diag.classify import APP_NAMES, FACTORY_NAMES
from diag.frameworks import detect

Interface = Literal["asgi", "wsgi", "streams"]

# Classes of apps that can only be served by their own server.
_OWN_SERVER = {"aiohttp": "web.run_app", "tornado": "its own IOLoop"}


class AppNotFoundError(Exception):  # never reaches a user; becomes a TargetError
    """No app in the module.

    Attributes:
        what, cause, next_step: as in `diag.errors.DiagError`.
    """

    def __init__(self, what: str, *, cause: str, next_step: str) -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause
        self.next_step = next_step


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundApp:
    """An app, and how it was found.

    Attributes:
        app: the callable that a server is given.
        interface: how it is called.
        attribute: its name in the module.
        factory: True if that name had to be called for it.
    """

    app: object
    interface: Interface
    attribute: str
    factory: bool


def import_module(*, module: str, file: str, sys_path: Sequence[str]) -> ModuleType:
    """Import by dotted name, or load a file under its stem if no name is given."""
    for folder in reversed(sys_path):
        if folder in sys.path:
            sys.path.remove(folder)
        sys.path.insert(0, folder)
    if module:
        return importlib.import_module(module)
    return _load_file(file)


def _load_file(file: str) -> ModuleType:
    name = Path(file).stem.replace(".", "_")
    present = sys.modules.get(name)
    if present is not None:
        if getattr(present, "__file__", None) == file:
            return present
        name = f"{name}_target"  # never replace a module that others hold
    spec = importlib.util.spec_from_file_location(name, file, loader=SourceFileLoader(name, file))
    if spec is None or spec.loader is None:
        raise ImportError(f"no loader for {file}")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    try:
        spec.loader.exec_module(loaded)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return sys.modules.get(name, loaded)


def find_app(module: ModuleType, attribute: str = "", *, factory: bool = False, shown: str = "") -> FoundApp:
    """The app of a module: the one named, else the one with a usual name, else the only one there is.

    Args:
        module: that holds it.
        attribute: its (dotted) name; "" to search for it.
        factory: True if the attribute is to be called for the app.
        shown: what the user called the module.

    Raises:
        AppNotFoundError: with the names that were looked at.
    """
    shown = shown or module.__name__
    if attribute:
        return _named_app(module, attribute, shown, factory=factory)
    usual = [(name, getattr(module, name, None)) for name in APP_NAMES]
    usual.sort(
        key=lambda pair: detect(pair[1]) is None
    )  # a FastAPI named `api` before a function named `app`
    for name, value in usual:
        found = _as_app(value, name, named=True)
        if found:
            return found
    distinct = _all_apps(module)
    if len(distinct) == 1:
        return distinct[0]
    if distinct:
        names = ", ".join(found.attribute for found in distinct)
        raise AppNotFoundError(
            f"{shown} holds several apps: {names}",
            cause="None of them has one of the usual names, so the choice is yours.",
            next_step=f"diag explain {shown}:{distinct[0].attribute}",
        )
    for name in FACTORY_NAMES:
        if inspect.isfunction(getattr(module, name, None)):
            return _named_app(module, name, shown, factory=True)
    raise _none_found(module, shown)


def _all_apps(module: ModuleType) -> list[FoundApp]:
    """The module's own apps; those of known frameworks only, if there are any (a router is callable too)."""
    found = [app for app in (_as_app(value, name) for name, value in vars(module).items()) if app]
    own = list({id(app.app): app for app in found if _is_own(app, module)}.values())
    return [app for app in own if detect(app.app)] or own


def _is_own(found: FoundApp, module: ModuleType) -> bool:
    """False for classes and functions that the module merely imported."""
    if inspect.isclass(found.app) or inspect.isfunction(found.app):
        return getattr(found.app, "__module__", "") == module.__name__ and not found.attribute.startswith("_")
    return not found.attribute.startswith("__")


def _as_app(value: object, name: str, *, named: bool = False) -> FoundApp | None:
    try:
        interface = interface_of(value, named=named)
    except Exception:  # noqa: BLE001  # such as flask.request, which answers no question outside of a request
        return None
    if interface is None:
        return None
    return FoundApp(app=value, interface=interface, attribute=name, factory=False)


def _named_app(module: ModuleType, attribute: str, shown: str, *, factory: bool) -> FoundApp:
    value: object = module
    for part in attribute.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise _no_such_name(module, attribute, shown) from None
    interface = None if factory else interface_of(value, named=True)
    if interface is not None:
        return FoundApp(app=value, interface=interface, attribute=attribute, factory=False)
    if factory or (attribute in FACTORY_NAMES and inspect.isfunction(value)):
        return _call_factory(value, attribute)
    raise _not_an_app(value, attribute, shown)


def _call_factory(value: object, attribute: str) -> FoundApp:
    if not callable(value):
        raise AppNotFoundError(
            f"{attribute} is a {type(value).__name__}, not a function that returns an app",
            cause="--factory (or parentheses after the name) asks diag to call it.",
            next_step="leave --factory out",
        )
    needed = [name for name in _required(value) or () if name != "*"]
    if needed:
        raise AppNotFoundError(
            f"the factory {attribute} needs arguments: {', '.join(needed)}",
            cause="diag calls a factory without arguments, as servers do.",
            next_step=f"give them default values, or name a function that calls {attribute} with them",
        )
    app = value()
    if inspect.iscoroutine(app):
        app.close()
        raise AppNotFoundError(
            f"the factory {attribute} is an async def",
            cause="Servers call a factory before there is an event loop.",
            next_step=f"make {attribute} a plain def, and open connections in the app's lifespan",
        )
    interface = interface_of(app, named=True)
    if interface is None:
        raise AppNotFoundError(
            f"{attribute}() returned a {type(app).__name__}, which is no ASGI or WSGI app",
            cause="A factory returns the app itself.",
            next_step=f"return the app from {attribute}",
        )
    return FoundApp(app=app, interface=interface, attribute=attribute, factory=True)


def _no_such_name(module: ModuleType, attribute: str, shown: str) -> AppNotFoundError:
    apps = [name for name, value in vars(module).items() if not name.startswith("_") and _as_app(value, name)]
    public = [name for name in vars(module) if not name.startswith("_")]
    return AppNotFoundError(
        f"{shown} has nothing named {attribute}",
        cause=f"Its apps: {', '.join(apps)}." if apps else f"Its names: {', '.join(public[:12]) or 'none'}.",
        next_step=f"diag explain {shown}:{apps[0] if apps else 'NAME'}",
    )


def _not_an_app(value: object, attribute: str, shown: str) -> AppNotFoundError:
    package = type(value).__module__.partition(".")[0]
    if package in _OWN_SERVER:
        return AppNotFoundError(
            f"{attribute} is an app of {package}, which is neither ASGI nor WSGI",
            cause=f"Such apps run under their own server ({_OWN_SERVER[package]}).",
            next_step="diag explain the file that starts it, as a script",
        )
    if callable(value) and not _required(value):
        return AppNotFoundError(
            f"{attribute} takes no arguments, so it is no app",
            cause="It may be a factory, a function that returns the app.",
            next_step=f"diag explain --factory {shown}:{attribute}",
        )
    return AppNotFoundError(
        f"{attribute} is a {type(value).__name__}, which is no ASGI or WSGI app",
        cause="An ASGI app is called with (scope, receive, send), a WSGI app with (environ, start_response).",
        next_step=f"diag explain {shown}:NAME with the name of the app",
    )


def _none_found(module: ModuleType, shown: str) -> AppNotFoundError:
    public = [name for name in vars(module) if not name.startswith("_")]
    return AppNotFoundError(
        f"no app was found in {shown}",
        cause=f"Looked for {', '.join((*APP_NAMES, *FACTORY_NAMES))}, then for any ASGI or WSGI callable. "
        f"The module holds {', '.join(public[:12]) or 'no public names'}.",
        next_step=f"diag explain {shown}:NAME with the name of the app",
    )


def interface_of(value: object, *, named: bool = False) -> Interface | None:
    """How a server would call an object, None if it is no app.

    Args:
        value: anything.
        named: somebody said that it is an app, or its name does: two parameters make it WSGI then, whatever
            they are called.
    """
    if value is None or isinstance(value, ModuleType) or not callable(value):
        return None
    framework = None if inspect.isclass(value) else detect(value)
    if framework is not None:
        return framework.interface_of(value)
    parameters = _required(value)
    if parameters is None:
        return None
    if inspect.isclass(value):
        if len(parameters) == 3 and hasattr(value, "__await__"):
            return "asgi"
        return "wsgi" if _looks_wsgi(parameters) and hasattr(value, "__iter__") else None
    if _is_async(value):
        return "asgi" if len(parameters) == 3 or parameters == ["*"] else None
    if [p.lstrip("_") for p in parameters] == ["scope", "receive", "send"]:
        return "asgi"
    return "wsgi" if _looks_wsgi(parameters) or (named and len(parameters) == 2) else None


def _looks_wsgi(parameters: list[str]) -> bool:
    """Two parameters are not enough, as many helpers have two; their names decide."""
    return len(parameters) == 2 and ("env" in parameters[0].lower() or "start" in parameters[1].lower())


def _is_async(value: object) -> bool:
    while isinstance(value, functools.partial):
        value = value.func
    return inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(
        getattr(value, "__call__", None)  # noqa: B004  # an instance's own __call__
    )


def _required(value: object) -> list[str] | None:
    """Names of the positional parameters without default; ``["*"]`` if it takes any; None if unknown."""
    if not callable(value):
        return None
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty]
    return names or (["*"] if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters) else [])
