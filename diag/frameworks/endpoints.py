"""Where a handler's source is, and whether it is an `async def`."""

from __future__ import annotations

import functools
import inspect
import linecache
import re
from dataclasses import dataclass
from types import CodeType

_DEF = re.compile(r"^\s*(async\s+)?def\b")
_DECORATOR_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A handler's place.

    Attributes:
        source: its file, "" if unknown.
        line: the line of its ``def``, 0 if unknown.
        is_async: whether it is an `async def`, None if unknown.
    """

    source: str = ""
    line: int = 0
    is_async: bool | None = None


def locate(handler: object) -> Endpoint:
    """The place of a function, method, partial, decorated function or callable object."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    target = inspect.unwrap(handler) if callable(handler) else handler
    if not (inspect.isfunction(target) or inspect.ismethod(target)):
        target = getattr(type(target), "__call__", None)  # noqa: B004  # its code, not whether it is callable
        target = inspect.unwrap(target) if callable(target) else None
    code = getattr(target, "__code__", None)
    if not isinstance(code, CodeType):
        return Endpoint()
    return Endpoint(
        source=code.co_filename,
        line=_def_line(code),
        is_async=inspect.iscoroutinefunction(target) or inspect.isasyncgenfunction(target),
    )


def _def_line(code: CodeType) -> int:
    """The code's first line is its first decorator's; the reader looks for the ``def``."""
    first = code.co_firstlineno
    for number in range(first, first + _DECORATOR_LINES):
        text = linecache.getline(code.co_filename, number)
        if not text:
            break
        if _DEF.match(text):
            return number
    return first
