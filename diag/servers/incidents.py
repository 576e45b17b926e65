"""What a server did and should not have done, each with its figures and the reason that can be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from diag.recording import Incident, IncidentKind, LimitedResource
from diag.servers.exits import describe_exit
from diag.units import memory, plural

if TYPE_CHECKING:
    from diag.limits import Confinement
    from diag.servers.process import ServerProcess
    from diag.servers.stopping import Ending

_NAMED = 4


def while_it_ran(server: ServerProcess) -> Iterator[Incident]:
    """What became of its processes until now, to be asked before `stop`."""
    killed = out_of_memory(server)
    if killed is not None:
        yield killed
    elif not server.alive():
        code = server.returncode
        how = "died" if code is None else describe_exit(code)
        last = next(reversed(server.log_tail().splitlines()), "")
        text = f"The server {how} while it was measured{last and f'; its last line: {last}'}"
        yield Incident(kind=IncidentKind.DIED, text=text)
    else:
        lost = server.lost_workers()
        if lost:
            now = plural(len(server.workers()), "worker")
            text = (
                f"{plural(len(lost), 'worker')} ended while the server was measured "
                f"({_pids(lost)}); {now} had the app at the end."
            )
            yield Incident(kind=IncidentKind.LOST_WORKERS, text=text, count=len(lost))


def after_it_ended(ending: Ending | None) -> Iterator[Incident]:
    """How it took being stopped."""
    if ending is None or not ending.asked:
        return
    if ending.ignored:
        why = f": {ending.reason}" if ending.reason else ""
        text = f"The server had not ended {ending.grace_s:g} s after SIGTERM and was killed{why}."
        yield Incident(kind=IncidentKind.IGNORED_STOP, text=text, count=ending.forced)
    if ending.left_behind:
        text = (
            f"The server ended and left {plural(len(ending.left_behind), 'process', 'processes')} behind, "
            f"which diag ended: {', '.join(ending.left_behind[:_NAMED])}."
        )
        yield Incident(kind=IncidentKind.LEFT_PROCESSES, text=text, count=len(ending.left_behind))


def refused(count: int, how: Sequence[str]) -> Iterator[Incident]:
    """Connections that it did not take, or cut off, in phrases that begin with a count."""
    if count:
        text = f"{plural(count, 'connection')} failed: {'; '.join(how)}."
        yield Incident(kind=IncidentKind.REFUSED, text=text, count=count)


def out_of_memory(server: ServerProcess) -> Incident | None:
    """What the kernel killed of a server for memory, None if it did not."""
    lost = server.lost_workers()
    who = "the server itself" if not server.alive() else ""
    if lost and (server.alive() or lost != (server.pid,)):
        who = f"{'workers' if len(lost) > 1 else 'worker'} {_pids(lost)}"
    return killed_for_memory(server.limits, who)


def killed_for_memory(limits: Confinement, who: str = "") -> Incident | None:
    """What the kernel killed for memory within the limits of a run, None if it did not."""
    killed = limits.killed()
    if not killed:
        return None
    named = f" ({who})" if who else ""
    text = f"The kernel killed {plural(killed, 'process', 'processes')} for memory{named}: {used(limits)}."
    return Incident(kind=IncidentKind.OUT_OF_MEMORY, text=text, count=killed)


def used(limits: Confinement) -> str:
    """The memory limit, and how near the processes came to it."""
    one = next(one for one in limits.state() if one.resource is LimitedResource.MEMORY)
    peak = f", peak {memory(one.peak_bytes)}" if one.peak_bytes else ""
    return f"limit {memory(one.amount)}{peak}"


def _pids(pids: tuple[int, ...]) -> str:
    more = f" and {len(pids) - _NAMED} more" if len(pids) > _NAMED else ""
    return f"pid {', '.join(map(str, pids[:_NAMED]))}{more}"
