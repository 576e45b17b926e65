"""The cells and trials that a target becomes. Pure: nothing here measures anything."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from diag.recording import Attempt, Cell, Unmeasured

LOCUST = "locust"
"""The generator that is no tool on this machine but a master with its workers, somewhere."""

DEFAULT_MASTER = "http://127.0.0.1:8089"
"""Where a Locust master listens unless told otherwise."""


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
class ServedUnit:
    """One workload of an app that diag builds.

    Attributes:
        path: of its route.
        function: the name of one of its forms.
        strategy: how it is executed.
    """

    path: str
    function: str
    strategy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedApp:
    """What a server process loads; it travels to it as JSON in the environment.

    Attributes:
        kind: ``app`` (the user's own) or ``workload`` (diag builds an app around it).
        module: dotted module that holds it, "" if `file` does.
        file: absolute path of the file that holds it, "" if `module` does.
        attribute: the app's name in it, "" for workloads.
        factory: True if the attribute is to be called for the app.
        framework: how workloads become an app.
        units: the workloads, () for an app.
        params: keyword arguments for those workloads that take them.
        pool: threads or processes of a strategy's own pool, 0 for its default.
        together: calls that one request gathers, 0 for the default.
        interface: ``asgi``, ``wsgi`` or ``streams``.
        sys_path: folders put in front of the import path, as Python does for a script's folder.
    """

    kind: str
    module: str = ""
    file: str = ""
    attribute: str = ""
    factory: bool = False
    framework: str = ""
    units: tuple[ServedUnit, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)
    pool: int = 0
    together: int = 0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Arrivals that were seen, to be sent again.

    Attributes:
        offsets_ns: of each after the load's start, in order.
        order: which of the stream's requests each is.
    """

    offsets_ns: tuple[int, ...]
    order: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """One stream of requests.

    Attributes:
        name: ``work``, ``ping`` or ``app``.
        requests: what is sent.
        users: closed-loop users, 0 for an open load.
        rate: requests per second of an open load.
        schedule: its arrivals one by one, None where users or a rate make them.
    """

    name: str
    requests: tuple[HttpRequest, ...]
    users: int = 0
    rate: float = 0.0
    schedule: Schedule | None = None

    def without(self, routes: Container[str]) -> StreamPlan:
        """The same without some routes; its other arrivals come when they would."""
        kept = [number for number, request in enumerate(self.requests) if request.route not in routes]
        schedule = self.schedule
        if schedule is not None:
            pairs = zip(schedule.offsets_ns, schedule.order, strict=True)
            left = [(offset, kept.index(number)) for offset, number in pairs if number in kept]
            schedule = Schedule(offsets_ns=tuple(o for o, _ in left), order=tuple(n for _, n in left))
        return replace(self, requests=tuple(self.requests[number] for number in kept), schedule=schedule)

    @property
    def words(self) -> str:
        """As a report says it."""
        if self.schedule is not None:
            return f"{len(self.schedule.order)} arrivals as recorded"
        if self.users:
            return f"closed, {self.users} user{'s' if self.users > 1 else ''}"
        return f"open, {self.rate:g}/s"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadShape:
    """How the load is made, beside who sends what.

    Attributes:
        total: requests of the workload's own streams after which the load ends; None lets the duration say.
        keep_alive: False opens a connection for each request, and counts that in its latency.
        http: ``1.1`` or ``1.0``.
        warm_up_ns: the same load before the clock starts; it is left out of every figure, and reported.
        generator: "" for diag's own, the name of an installed tool, or `LOCUST`.
        master: the Locust master's address, "" where another generator is used.
        most_requests: of more requests a run only sums are written down; None for no limit.
        surveyed: True if each route is asked alone before the load; False where one answer takes too long.
        burst: requests that come at once before the clock starts, and are in no figure: a pool starts its
            processes when it needs them.
    """

    total: int | None = None
    keep_alive: bool = True
    http: Literal["1.1", "1.0"] = "1.1"
    warm_up_ns: int = 0
    generator: str = ""
    master: str = ""
    most_requests: int | None = None
    surveyed: bool = True
    burst: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServePlan:
    """One cell that is served and driven.

    Attributes:
        cell: what it is.
        app: what the server loads.
        server: how it is served.
        streams: the load.
        duration_ns: of the load; None lets the survey's answers decide.
        required: routes the user asked for: they are driven whatever they answer.
        unmeasured: routes known beforehand not to be drivable.
        cwd: the folder that the target runs in.
        environment: variables to set besides.
        port: the port the user insists on, 0 for any.
        timeout_ns: for the start and for each answer.
        seed: of the load's random choices.
        trial: which repeat of the cell it is, from 1.
        shape: how the load is made.
        cpus: cores that the server's processes may use together, 0 for all.
        memory_bytes: memory that they may use together, 0 for all.
        notes: full sentences about the plan that the report repeats.
        listen: the address that the server listens on, "" for loopback.
        overlay: text by absolute path that takes the place of these files; None leaves them alone. With one,
            be it empty, what processes of the target send each other is measured as well.
        attempt: which remedy it tries, None if none.
    """

    cell: Cell
    app: ServedApp
    server: ServerOptions
    streams: tuple[StreamPlan, ...]
    duration_ns: int | None = None
    required: frozenset[str] = frozenset()
    unmeasured: tuple[Unmeasured, ...] = ()
    cwd: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    timeout_ns: int = 60_000_000_000
    seed: int = 0
    trial: int = 1
    shape: LoadShape = field(default_factory=LoadShape)
    cpus: float = 0.0
    memory_bytes: int = 0
    notes: tuple[str, ...] = ()
    listen: str = ""
    overlay: Mapping[str, str] | None = None
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptPlan:
    """One script that is run.

    Attributes:
        cell: what it is.
        path: the script.
        module: its dotted name where it has to run as ``python -m`` runs it, "" otherwise.
        folder: that `module` is found in.
        args: its own arguments.
        cwd: the folder that it runs in.
        timeout_ns: after which it is interrupted, and what was seen until then is judged.
        cpus: cores that its processes may use together, 0 for all.
        memory_bytes: memory that they may use together, 0 for all.
        overlay, attempt: as in `ServePlan`.
        trial: which repeat it is, from 1.
    """

    cell: Cell
    path: str
    args: tuple[str, ...]
    cwd: Path
    timeout_ns: int
    module: str = ""
    folder: str = ""
    cpus: float = 0.0
    memory_bytes: int = 0
    overlay: Mapping[str, str] | None = None
    attempt: Attempt | None = None
    trial: int = 1
