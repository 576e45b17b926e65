"""Waits until a server answers, and says why if it never does."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from diag.agent.startup import ANSWERED, HANGS
from diag.errors import ServerError
from diag.own_code import is_own_file, own_lines
from diag.servers.exits import describe_exit
from diag.servers.incidents import out_of_memory, used
from diag.servers.ports import listens, log_says_taken, port_taken

if TYPE_CHECKING:
    from diag.servers.process import ServerProcess

READY_PATH = "/__diag_ready__"
"""No app has this route, so that an answer (404) costs nothing and changes nothing."""

OUT_OF_MEMORY = "out-of-memory"
"""The slug of an error that is a result: the limit that the user gave was too tight."""

_POLL_S = 0.02
_DUMP_TIMEOUT_S = 5.0


def wait_until_ready(
    server: ServerProcess, ready: Path, processes: int, deadline: float, timeout_s: float
) -> None:
    """Return when all workers have loaded the app, it listens, and a request was answered.

    Args:
        server: what was started.
        ready: the folder where workers report (`diag.frameworks.serving`).
        processes: how many will.
        deadline: on `time.monotonic`.
        timeout_s: the same as a duration, for the message.

    Raises:
        ServerError: it died, failed to load the app, took somebody else's port, or does not answer in time.
    """
    while True:
        _raise_if_failed(server, ready)
        if len(loaded_pids(ready)) >= processes and _listening(server) and _answers(server, deadline):
            (ready / ANSWERED).touch()
            return
        if time.monotonic() > deadline:
            raise _hung(server, ready, timeout_s)
        time.sleep(_POLL_S)


def loaded_pids(ready: Path) -> list[int]:
    """Processes that have loaded the app, the dead ones included."""
    names = [name.removeprefix("loaded-") for name in os.listdir(ready) if name.startswith("loaded-")]
    return sorted(int(name) for name in names if name.isdigit())


def _raise_if_failed(server: ServerProcess, ready: Path) -> None:
    killed = out_of_memory(server)
    if killed is not None:
        raise _too_large(killed.text.rstrip("."))
    # Order matters: a dead server's log is complete, a living one's may still grow.
    code = server.returncode
    failed = [name for name in os.listdir(ready) if name.startswith("failed-") and not name.endswith(".part")]
    if failed:
        traceback = (ready / failed[0]).read_text(encoding="utf-8", errors="replace")
        if "MemoryError" in traceback and server.limits.limits_memory:
            raise _too_large(f"Importing the app raised MemoryError: {used(server.limits)}")
        raise ServerError(
            "the app could not be loaded by the server",
            cause="Importing it raised an exception.",
            next_step="start it with your own command; it should fail in the same way",
            detail=traceback,
            slug="app-not-loaded",
        )
    log = server.log_tail(40)
    if log_says_taken(log, server.port):
        raise port_taken(server.port, "somebody else was faster")
    if code is not None:
        raise ServerError(
            f"the server {describe_exit(code)} before it answered",
            cause="Its last lines say why." if log else "It wrote nothing.",
            next_step="start it with your own command; it should die in the same way",
            detail=own_lines(server.log_tail(100)),
            slug="server-died",
        )


def _too_large(what: str) -> ServerError:
    return ServerError(
        what,
        cause="Its processes do not fit into the memory that --memory gives them.",
        next_step="Give more with --memory, or start fewer workers.",
        slug=OUT_OF_MEMORY,
    )


def _listening(server: ServerProcess) -> bool:
    try:
        socket.create_connection((server.host, server.port), timeout=1).close()
    except OSError:
        return False
    if not listens(server.pids(), server.port):
        raise port_taken(server.port, "another process answers there")
    return True


def _answers(server: ServerProcess, deadline: float) -> bool:
    patience = max(deadline - time.monotonic(), 0.1)
    try:
        with httpx.Client(timeout=patience, trust_env=False) as client:
            client.get(server.url + READY_PATH)
    except httpx.HTTPError:
        return False
    return True


def _hung(server: ServerProcess, ready: Path, timeout_s: float) -> ServerError:
    place = _where_it_hangs(server)
    waits = "" if place else _what_it_awaits(ready)
    cause = f"It hangs at {place}." if place else "Where it hangs could not be seen."
    if waits:
        cause = f"Its start awaits something that has not come, at {waits}."
    return ServerError(
        f"the server did not answer within {timeout_s:g} s",
        cause=cause,
        next_step="see what it waits for on start, or give it longer with --timeout",
        detail=own_lines(server.log_tail()),
        slug="server-hangs",
    )


def why_it_stays(server: ServerProcess) -> str:
    """Why a server has not ended on SIGTERM, as far as can be seen, "" otherwise."""
    with contextlib.suppress(OSError, ValueError):
        status = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii", errors="replace")
        ignored = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
        if int(ignored.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return "it ignores SIGTERM"
    place = _where_it_hangs(server)
    return f"it was at {place}" if place else ""


def _what_it_awaits(ready: Path) -> str:
    """The user's innermost line in a task of a process that told what its tasks await, "" if none did."""
    for name in sorted(os.listdir(ready)):
        if not name.startswith(HANGS) or name.endswith(".part"):
            continue
        with contextlib.suppress(OSError, ValueError, TypeError):
            tasks = json.loads((ready / name).read_text(encoding="utf-8"))
            for lines in sorted(tasks, key=_of_lifespan, reverse=True):
                own = [line for line in lines if is_own_file(line[0])]
                if own:
                    path, line, function = own[-1]
                    return f"{path}:{line} in {function}"
    return ""


def _of_lifespan(lines: list[list[object]]) -> bool:
    """True for a task that a server runs an application's start in: others may be the application's own."""
    return any("lifespan" in f"{path}{function}" for path, _, function in lines)


def _where_it_hangs(server: ServerProcess) -> str:
    """The user's innermost line in the first process that stands in user code, seen with py-spy."""
    program = shutil.which("py-spy", path=sysconfig.get_path("scripts")) or shutil.which("py-spy")
    if program is None:
        return ""
    for pid in reversed(server.pids()):  # workers before their supervisor
        try:
            dump = subprocess.run(
                [program, "dump", "--json", "--pid", str(pid)],
                capture_output=True,
                timeout=_DUMP_TIMEOUT_S,
                check=True,
            )
            threads = json.loads(dump.stdout)
        except (OSError, subprocess.SubprocessError, ValueError):
            continue
        for thread in threads:
            for frame in thread["frames"]:
                if is_own_file(frame["filename"]):
                    return f"{frame['filename']}:{frame['line']} in {frame['name']}"
    return ""
