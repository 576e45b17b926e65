"""Finds a port to serve on, and says who has one that is taken."""

from __future__ import annotations

import socket

import psutil

from diag.errors import ServerError

PORT_TAKEN = "port-taken"


def free_port(host: str) -> int:
    """A port that nobody listens on now; somebody may before the server does, which is why one retries."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port


def require_free_port(host: str, port: int) -> None:
    """Make sure that a port can be listened on.

    Raises:
        ServerError: it cannot; with the process that has it, where that can be seen.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections do not count
        try:
            probe.bind((host, port))
        except PermissionError:
            raise ServerError(
                f"port {port} may not be used",
                cause="Ports below 1024 belong to root.",
                next_step="choose a port from 1024 on, or leave --port out",
                slug="port-forbidden",
            ) from None
        except (OSError, OverflowError) as error:
            raise port_taken(port, str(error)) from None


def port_taken(port: int, detail: str = "") -> ServerError:
    """The error for a port that somebody else has."""
    owner = _owner(port)
    return ServerError(
        f"port {port} is taken{f' by {owner}' if owner else ''}",
        cause="Another process listens on it." if owner else f"It cannot be listened on ({detail}).",
        next_step="leave --port out, and diag takes a free one",
        slug=PORT_TAKEN,
    )


def is_port_message(error: ServerError) -> bool:
    """True if a server died because its port was taken."""
    return error.slug == PORT_TAKEN


def log_says_taken(log: str, port: int) -> bool:
    """True if a server's log complains of its port being in use (the app may complain of another)."""
    lowered = log.lower()
    return str(port) in lowered and ("address already in use" in lowered or "connection in use" in lowered)


def listens(pids: tuple[int, ...], port: int) -> bool:
    """True if one of the processes listens on the port; True as well if that cannot be seen."""
    unseen = False
    for pid in pids:
        try:
            connections = psutil.Process(pid).net_connections(kind="tcp")
        except psutil.AccessDenied:
            unseen = True
            continue
        except psutil.Error:
            continue
        if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections):
            return True
    return unseen


def _owner(port: int) -> str:
    try:
        for connection in psutil.net_connections(kind="tcp"):
            listening = connection.status == psutil.CONN_LISTEN
            if listening and connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return ""
