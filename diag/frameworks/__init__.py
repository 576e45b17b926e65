"""How handlers become an app, and what an app says of its routes: one file a framework.

A framework's own package is imported only when an app of it is built, so that a Flask target never
loads FastAPI, nor the other way round.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Literal, Protocol, cast

from diag.inspection import RouteInfo

__all__ = [
    "NAMES",
    "Framework",
    "Teller",
    "class_names",
    "detect",
    "get_framework",
    "missing",
    "names_of_class",
]

_MODULES = {
    "fastapi": "fastapi",
    "starlette": "starlette",
    "flask": "flask",
    "flask-async": "flask_async",
    "flask-restful": "flask_restful",
    "asgi": "asgi",
    "asyncio": "asyncio_streams",
}
NAMES = tuple(_MODULES)
# In this order an app is looked at: FastAPI's class derives from Starlette's. The others of `NAMES` are only
# built, and the others here are only met.
_TOLD = ("fastapi", "starlette", "flask", "quart", "litestar", "django", "sanic", "bottle")


class Teller(Protocol):
    """What is asked of a framework of which a target may have an app.

    Attributes:
        name: as in a recording.
    """

    name: str

    def detects(self, app: object) -> bool:
        """True if the object is an app of this framework."""
        ...

    def interface_of(self, app: object) -> Literal["asgi", "wsgi", "streams"]:
        """How a server calls an app of it."""
        ...

    def routes(self, app: object) -> tuple[RouteInfo, ...]:
        """The app's routes, with a request for each that can be driven."""
        ...


class Framework(Teller, Protocol):
    """What is asked of a framework that serves workloads.

    Attributes:
        name: as in `NAMES`.
        handlers: forms of handler it takes.
    """

    handlers: tuple[Literal["async", "def"], ...]

    @property
    def interface(self) -> Literal["asgi", "wsgi", "streams"]:
        """Of the apps it makes; ``streams`` is a callable of an asyncio reader and writer."""
        ...

    def unavailable(self) -> str | None:
        """Why no app of it can be built here, with what to install; None if one can."""
        ...

    def build(self, handlers: Mapping[str, Callable[[], object]]) -> object:
        """An app that serves each handler with GET at its path, and an innocent one at ``/ping``."""
        ...


def get_framework(name: str) -> Framework:
    """The framework of that name.

    Raises:
        KeyError: there is none; its argument lists the names there are.
    """
    if name not in NAMES:
        raise KeyError(f"{name!r} is not one of {', '.join(NAMES)}")
    return cast("Framework", importlib.import_module(f"{__name__}.{_MODULES[name]}").FRAMEWORK)


def detect(app: object) -> Teller | None:
    """The framework that made an app, None if it is none of ours."""
    return next((teller for teller in map(_teller, _TOLD) if teller.detects(app)), None)


def _teller(name: str) -> Teller:
    return cast("Teller", importlib.import_module(f"{__name__}.{name}").FRAMEWORK)


def missing(package: str, install: str) -> str | None:
    """Why a framework is unavailable without a package, None if the package is there."""
    if importlib.util.find_spec(package) is not None:
        return None
    return f"{package.replace('_', '-')} is not installed: pip install {install}"


def class_names(value: object) -> frozenset[str]:
    """Top package and name of an object's classes, such as ``fastapi.FastAPI``.

    So an object is recognised without importing the package that it would have to come from.
    """
    return names_of_class(type(value))


def names_of_class(cls: type) -> frozenset[str]:
    """Top package and name of a class and its bases."""
    return frozenset(f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in cls.__mro__)
