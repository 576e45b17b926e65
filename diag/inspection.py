"""What a target turned out to be when it was imported: its interface, its routes, its workloads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from diag.plan import HttpRequest
from diag.workload import Blocks, Clean


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteInfo:
    """One route of an app.

    Attributes:
        label: as reports call it, such as ``GET /items/{id}``.
        method: upper case.
        path: the template, parameters in braces whatever the framework's own notation is.
        source: file of its handler, "" if unknown.
        line: line of the handler's ``def``, 0 if unknown.
        is_async: whether the handler is an ``async def``; None if unknown.
        request: a request that drives it; None if none could be made up.
        reason: why there is no request, "" if there is one.
    """

    label: str
    method: str
    path: str
    source: str = ""
    line: int = 0
    is_async: bool | None = None
    request: HttpRequest | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadInfo:
    """One unit of work of a workload file.

    Attributes:
        name: as reports call it.
        functions: names of its functions in the module, the synchronous one first.
        kind: ``cpu``, ``io`` or "" where it was not said.
        has_sync: it has a form that is called.
        has_native: it has a form that is awaited.
        params: keyword arguments it is called with, as far as JSON can say them.
        accepts: names of the parameters it takes.
        expect: its ground truth, None if it states none.
        users: closed-loop users that call it, None where the default suits it.
        confined: why it cannot be called in another process, "" if it can.
        source: file of its function.
        line: line of its ``def``.
    """

    name: str
    functions: tuple[str, ...] = ()
    kind: str = ""
    has_sync: bool = False
    has_native: bool = False
    params: Mapping[str, object] = field(default_factory=dict)
    accepts: tuple[str, ...] = ()
    expect: Blocks | Clean | None = None
    users: int | None = None
    confined: str = ""
    source: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found on import.

    Attributes:
        interface: ``asgi`` or ``wsgi``; "" for workloads.
        framework: a name in `diag.frameworks`, "" for an app of no known framework, and for workloads.
        attribute: the app's name in its module, "" for workloads.
        factory: True if the attribute has to be called for the app.
        file: the file that the module was loaded from.
        routes: of the app.
        workloads: of the file.
        notes: full sentences about what could not be found out.
    """

    interface: str = ""
    framework: str = ""
    attribute: str = ""
    factory: bool = False
    file: str = ""
    routes: tuple[RouteInfo, ...] = ()
    workloads: tuple[WorkloadInfo, ...] = ()
    notes: tuple[str, ...] = ()
