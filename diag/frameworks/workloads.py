"""Finds the units of work in an imported module, and pairs each function with its native form.

Runs inside the target's process: standard library only.
"""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import cast

from diag.frameworks.endpoints import locate
from diag.inspection import WorkloadInfo
from diag.strategies.forms import Forms
from diag.workload import ATTRIBUTE, WorkloadSpec

_Function = Callable[..., object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A workload in the process that can run it.

    Attributes:
        info: what is told of it.
        forms: its functions.
    """

    info: WorkloadInfo
    forms: Forms


def find_workloads(module: ModuleType) -> tuple[Unit, ...]:
    """The module's workloads in the order they are defined.

    If any function carries the decorator, only those that do are workloads. Otherwise every public
    function of the module's own is one that can be called without arguments. An `async def` named
    ``X_async``, ``async_X`` or ``aX`` is the native form of ``X``; so is a file's only `async def` of its
    only other function.
    """
    functions = dict(_own_functions(module))
    decorated = {n: f for n, f in functions.items() if isinstance(getattr(f, ATTRIBUTE, None), WorkloadSpec)}
    chosen = decorated or {n: f for n, f in functions.items() if _is_plain_workload(n, f)}
    natives: dict[str, _Function] = {n: f for n, f in functions.items() if inspect.iscoroutinefunction(f)}
    paired = _pair(chosen, natives, only_two=not decorated)
    taken = {id(native) for native in paired.values()}
    return tuple(_unit(n, f, paired.get(n)) for n, f in chosen.items() if id(f) not in taken)


def _own_functions(module: ModuleType) -> Iterator[tuple[str, _Function]]:
    for name, value in vars(module).items():
        spec = getattr(value, ATTRIBUTE, None)
        own = getattr(value, "__module__", None) == module.__name__ and not inspect.isclass(value)
        if callable(value) and own and (inspect.isfunction(value) or isinstance(spec, WorkloadSpec)):
            yield name, value


def _is_plain_workload(name: str, function: _Function) -> bool:
    if name.startswith("_") or inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return False
    return not any(_is_required(p) for p in inspect.signature(function).parameters.values())


def _is_required(parameter: inspect.Parameter) -> bool:
    variadic = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.default is inspect.Parameter.empty and not variadic


def _pair(
    chosen: dict[str, _Function], natives: dict[str, _Function], *, only_two: bool
) -> dict[str, _Function]:
    """Native forms by the name of the synchronous function."""
    synchronous = [name for name in chosen if name not in natives]
    paired: dict[str, _Function] = {}
    for name in synchronous:
        for twin in (f"{name}_async", f"async_{name}", f"a{name}"):
            if twin in natives:
                paired[name] = natives[twin]
                break
    asynchronous = [name for name in chosen if name in natives]
    if only_two and not paired and len(synchronous) == len(asynchronous) == 1:
        paired[synchronous[0]] = natives[asynchronous[0]]
    return paired


def _unit(name: str, function: _Function, twin: _Function | None) -> Unit:
    spec = getattr(function, ATTRIBUTE, None)
    if not isinstance(spec, WorkloadSpec):
        spec = WorkloadSpec(name=name)
    is_native = inspect.iscoroutinefunction(function)
    native = function if is_native else (spec.native or twin)
    place = locate(function)
    info = WorkloadInfo(
        name=spec.name,
        functions=(name, native.__name__) if native is not None and native is not function else (name,),
        kind=spec.kind or "",
        has_sync=not is_native,
        has_native=native is not None,
        params={key: _jsonable(value) for key, value in spec.params.items()},
        accepts=tuple(inspect.signature(function).parameters),
        expect=spec.expect,
        users=spec.users,
        confined=_confined(spec),
        source=place.source,
        line=place.line,
    )
    forms = Forms(
        sync=None if is_native else function,
        native=cast("Callable[..., Awaitable[object]] | None", native),
        params=dict(spec.params),
    )
    return Unit(info=info, forms=forms)


def _confined(spec: WorkloadSpec) -> str:
    """Functions travel by name, so only the arguments can stand in the way."""
    for name, value in spec.params.items():
        try:
            pickle.dumps(value)
        except Exception as error:  # noqa: BLE001  # what an object does when it is pickled is its own affair
            return f"its parameter {name} cannot be sent to another process ({error})"
    return ""


def _jsonable(value: object) -> object:
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return repr(value)
