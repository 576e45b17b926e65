"""What a learner writes: units of work, and what is expected of them.

A plain top-level function in a file is a workload already:

    def work():
        time.sleep(0.1)

An `async def` twin (`work_async`, `async_work` or `awork`) is its native form. The decorator adds
names, parameters and expectations. This module is standard library only and has no side effects, so a
workload file can be imported anywhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

Kind = Literal["cpu", "io"]
_Function = TypeVar("_Function", bound=Callable[..., Any])

ATTRIBUTE = "__diag_workload__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """The ground truth of a workload that holds the loop.

    Attributes:
        at: a fragment of the source line that blocks, found once in the file.
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
) -> Any:  # noqa: ANN401  # the decorated function itself, with or without a call
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
