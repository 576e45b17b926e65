"""Every framework × server × loop × strategy, and why some of them do not exist on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diag.frameworks import NAMES, Framework, get_framework
from diag.inspection import WorkloadInfo
from diag.plan import ServerOptions
from diag.servers import SERVERS, Server
from diag.strategies import STRATEGIES, Strategy, unsuited

ANY_WORKLOAD = WorkloadInfo(
    name="the workload", functions=("work", "work_async"), has_sync=True, has_native=True
)
"""Stands for a workload that has every form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """One cell of the matrix, workload and load left out.

    Attributes:
        framework, server, strategy: their names.
        loop: the server's event loop, "" if it has none.
        reason: why it cannot be measured here, or makes no sense; "" if it can.
    """

    framework: str
    server: str
    loop: str
    strategy: str
    reason: str

    @property
    def available(self) -> bool:
        """True if it can be measured here."""
        return not self.reason


def combinations(workload: WorkloadInfo | None = None) -> tuple[Combination, ...]:
    """All cells, in the order of frameworks, servers, loops and strategies.

    A reason that no installation could change comes before one that an installation can.

    Args:
        workload: what is to be executed; None for one that has every form.
    """
    return tuple(_combinations(workload or ANY_WORKLOAD))


def _combinations(workload: WorkloadInfo) -> Iterator[Combination]:
    for framework in map(get_framework, NAMES):
        for server in SERVERS:
            for loop in server.loops or ("",):
                for strategy in STRATEGIES:
                    yield Combination(
                        framework=framework.name,
                        server=server.name,
                        loop=loop,
                        strategy=strategy.name,
                        reason=_reason(framework, server, loop, strategy, workload) or "",
                    )


def _reason(
    framework: Framework, server: Server, loop: str, strategy: Strategy, workload: WorkloadInfo
) -> str | None:
    if framework.interface not in server.interfaces:
        return _unserved(framework, server)
    return (
        strategy.applies(workload, framework)
        or unsuited(strategy, framework, server)
        or framework.unavailable()
        or server.unavailable(ServerOptions(server=server.name, loop=loop or "asyncio"))
    )


def _unserved(framework: Framework, server: Server) -> str:
    if "streams" in (framework.interface, *server.interfaces):
        return "plain asyncio is framework and server in one"
    return f"{server.name} does not serve {framework.interface.upper()} applications"
