"""The cells and trials that a target becomes. Pure: nothing here measures anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request that drives a route.

    Attributes:
        route: the route's label, such as ``GET /items/{id}``.
        method, path: as sent; `path` includes the query.
        headers: name and value pairs, added to Host.
        body: as sent.
        weight: its share among the stream's requests.
    """

    route: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedApp:
    """What a server process loads; it travels to it as JSON in the environment.

    Attributes:
        kind: ``app`` (the user's own) or ``workload`` (diag builds an app around it).
        module: dotted module that holds it, "" if `file` does.
        file: absolute path of the file that holds it, "" if `module` does.
        attribute: the app's name in it, or the workload's name.
        factory: True if the attribute is to be called for the app.
        framework: how a workload becomes an app.
        strategy: how the workload is executed.
        params: keyword arguments of the workload.
        interface: ``asgi`` or ``wsgi``.
        sys_path: folders put in front of the import path, as Python does for a script's folder.
    """

    kind: str
    module: str = ""
    file: str = ""
    attribute: str = ""
    factory: bool = False
    framework: str = ""
    strategy: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    interface: str = "asgi"
    sys_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How an app is served.

    Attributes:
        server: a name in `diag.servers`.
        loop: ``asyncio`` or ``uvloop``, for servers with an event loop.
        workers: processes.
        threads: threads a process, 0 for the server's default.
        extra: further arguments for the server's own command line.
    """

    server: str
    loop: str = "asyncio"
    workers: int = 1
    threads: int = 0
    extra: tuple[str, ...] = ()
