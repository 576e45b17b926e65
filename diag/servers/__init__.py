"""How an app is served: one file a server. `diag.servers.process` starts them."""

from __future__ import annotations

from typing import Literal, Protocol

from diag.plan import ServerOptions
from diag.servers.asyncio_streams import AsyncioStreams
from diag.servers.cheroot import Cheroot
from diag.servers.granian import Granian, GranianWsgi
from diag.servers.gunicorn import GunicornGthread, GunicornSync
from diag.servers.gunicorn_asgi import GunicornAsgi
from diag.servers.gunicorn_gevent import GunicornGevent
from diag.servers.gunicorn_uvicorn import GunicornUvicorn
from diag.servers.hypercorn import Hypercorn
from diag.servers.uvicorn import Uvicorn, UvicornH11, UvicornHttptools, UvicornReload
from diag.servers.waitress import Waitress
from diag.servers.werkzeug import Werkzeug

__all__ = ["SERVERS", "Server", "get_server", "servers_for"]


class Server(Protocol):
    """What is asked of a server.

    Attributes:
        name: as in `ServerOptions.server`.
        loops: the event loops it can run; () if it has none.
        notes: one sentence for each default that was changed, and why.
    """

    name: str
    loops: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def interfaces(self) -> tuple[Literal["asgi", "wsgi", "streams"], ...]:
        """The interfaces it serves."""
        ...

    def command(self, options: ServerOptions, host: str, port: int) -> tuple[str, ...]:
        """The command line that serves `diag.frameworks.hosted:application`."""
        ...

    def processes(self, options: ServerOptions) -> int:
        """How many processes load the app."""
        ...

    def capacity(self, options: ServerOptions) -> int:
        """Requests that one process works on together: 1 for an event loop, 0 if there is no bound."""
        ...

    def unavailable(self, options: ServerOptions) -> str | None:
        """Why it cannot run with these options, None if it can."""
        ...


SERVERS: tuple[Server, ...] = (
    Uvicorn(),
    UvicornH11(),
    UvicornHttptools(),
    UvicornReload(),
    GunicornUvicorn(),
    GunicornAsgi(),
    Hypercorn(),
    Granian(),
    GunicornSync(),
    GunicornGthread(),
    GunicornGevent(),
    Waitress(),
    Cheroot(),
    GranianWsgi(),
    Werkzeug(),
    AsyncioStreams(),
)
_ALIASES = {"gunicorn": "gunicorn-sync"}


def get_server(name: str) -> Server:
    """The server of that name; ``gunicorn`` is its default worker class, sync.

    Raises:
        KeyError: there is none; its argument lists the names there are.
    """
    wanted = _ALIASES.get(name, name)
    for server in SERVERS:
        if server.name == wanted:
            return server
    raise KeyError(f"{name!r} is not one of {', '.join(s.name for s in SERVERS)}")


def servers_for(interface: str) -> tuple[Server, ...]:
    """Servers of an interface, the one used by default first."""
    return tuple(server for server in SERVERS if interface in server.interfaces)
