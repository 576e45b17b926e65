"""What a learner writes: units of work, and what is expected of them.

A plain top-level function in a file is a workload already:

    def work():
        time.sleep(0.1)

An `async def` twin (`work_async`, `async_work` or `awork`) is its native form. The decorator adds
names, parameters and expectations. This module is standard library only and has no side effects, so a
workload file can be imported anywhere.

`diag.workload` is this module and, called, the decorator of the same name: importing a submodule binds
its name in the package, whatever the package's `__getattr__` says.
"""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from diag.errors import TargetError

Kind = Literal["cpu", "io"]
_Function = TypeVar("_Function", bound=Callable[..., Any])

ATTRIBUTE = "__diag_workload__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """The ground truth of a workload that holds the loop.

    Attributes:
        at: a fragment of the source line that blocks; `find_line` says where it is looked for.
        cause: the main cause, a value of `diag.finding.Cause` (``waiting``, ``on-cpu-gil``,
            ``on-cpu-no-gil``, ``gil-wait``).
        convoy: True where no single step is long and only their sum in one iteration is.
        victims: who suffers, in words, for the reader.
    """

    at: str
    cause: str
    convoy: bool = False
    victims: str = "every other request on the same loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """The ground truth of a workload that never holds the loop.

    Attributes:
        because: why it does not, in words, for the reader.
    """

    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSpec:
    """What the decorator says of a function.

    Attributes:
        name: shown in reports; the function's name unless given.
        kind: ``cpu`` or ``io``; None where it was not said.
        native: the `async def` form, where the decorated function is the synchronous one.
        params: keyword arguments of the call (``--param name=value`` overrides them).
        expect: the ground truth, checked by ``diag explain --expect`` and by `tests/quality`.
        users: closed-loop users that call the workload, where the default does not suit it.
    """

    name: str
    kind: Kind | None = None
    native: Callable[..., Awaitable[object]] | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    expect: Blocks | Clean | None = None
    users: int | None = None


def workload(
    function: _Function | None = None,
    *,
    name: str | None = None,
    kind: Kind | None = None,
    native: Callable[..., Awaitable[object]] | None = None,
    params: Mapping[str, object] | None = None,
    expect: Blocks | Clean | None = None,
    users: int | None = None,
) -> Any:  # the decorated function itself, with or without a call
    """Mark a function as a workload; the function itself is returned unchanged.

    Args:
        function: the function, when used without parentheses.
        name: shown in reports.
        kind: ``cpu`` (it computes) or ``io`` (it waits).
        native: its `async def` form.
        params: keyword arguments to call it with.
        expect: its ground truth.
        users: how many closed-loop users call it.
    """

    def mark(target: _Function) -> _Function:
        spec = WorkloadSpec(
            name=name or target.__name__,
            kind=kind,
            native=native,
            params=dict(params or {}),
            expect=expect,
            users=users,
        )
        setattr(target, ATTRIBUTE, spec)
        return target

    return mark if function is None else mark(function)


def find_line(source: str, fragment: str) -> int:
    """The one line of code inside a function that contains a fragment.

    Decorators, docstrings, signatures and module-level lines are not looked at, so that the expectation
    in the decorator does not find itself.

    Args:
        source: text of a Python file.
        fragment: what `Blocks.at` says.

    Returns:
        The line's number, from 1.

    Raises:
        TargetError: no line inside a function contains the fragment, or several do.
        SyntaxError: the source is not Python.
    """
    inside: set[int] = set()
    outside: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside.update(line for statement in node.body for line in _lines_of(statement))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            outside.update(line for part in _not_run(node) for line in _lines_of(part))
    # Not splitlines(): that also splits at form feeds, which Python's own line numbers do not count.
    lines = source.replace("\r\n", "\n").split("\n")
    found = [line for line in sorted(inside - outside) if fragment in lines[line - 1]]
    if len(found) == 1:
        return found[0]
    where = f"on lines {', '.join(map(str, found))}" if found else "on none"
    raise TargetError(
        f"The expected culprit {fragment!r} has to be on one line inside a function, and is {where}.",
        cause="The line was changed, or the fragment is too short to be unique.",
        next_step='Correct the fragment in `expect=diag.Blocks(at="...")`.',
        slug="expected-line",
    )


def _lines_of(node: ast.stmt | ast.expr) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _not_run(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[ast.stmt | ast.expr]:
    """The parts of a definition that are not code of its body: its decorators and its docstring."""
    yield from node.decorator_list
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        yield first


class _Callable(types.ModuleType):
    """Makes ``@diag.workload(...)`` work after this module has taken its name in the package."""

    def __call__(self, function: _Function | None = None, **options: Any) -> Any:
        return workload(function, **options)


sys.modules[__name__].__class__ = _Callable
