"""Starts a server, waits until it really answers, and leaves nothing of it behind.

with start_server(app, ServerOptions(server="uvicorn"), folder=spool, run_id="7f3a", spool=spool) as server:
    httpx.get(server.url + "/ping")
    server.alive(), server.pids()
print(server.ending.words)          # "ended on SIGTERM"
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from diag.agent.startup import ANSWER_BY
from diag.errors import ServerError
from diag.hosting import CAPACITY, READY, RUN_ID, SERVE, SPOOL, to_json, with_diag_importable
from diag.limits import UNLIMITED, Confinement
from diag.plan import ServedApp, ServerOptions
from diag.reap import end_all, run_pids, tree_pids
from diag.servers import Server, get_server
from diag.servers.ports import free_port, is_port_message, require_free_port
from diag.servers.readiness import loaded_pids, wait_until_ready
from diag.servers.stopping import Ending, Stop

HOST = "127.0.0.1"
START_TIMEOUT_S = 30.0
STOP_GRACE_S = 3.0
_POLL_S = 0.02
_PORT_ATTEMPTS = 5
_LOG_LINES = 20
_TAIL_BYTES = 64_000
# Variables with which a server's own command line would be changed behind diag's back.
_SERVER_VARIABLES = ("UVICORN_", "GUNICORN_CMD_ARGS", "GRANIAN_", "WEB_CONCURRENCY", "WERKZEUG_")


class ServerProcess:
    """A running server and all processes that it started.

    Attributes:
        host, port: where it answers.
        pid: its first process.
        log: the file that holds what it and the user's code wrote.
        run_id: what its processes carry in ``DIAG_RUN_ID``.
        command: its command line.
        limits: on CPU and memory that its processes have.
        ending: how it ended, None before `stop`.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        *,
        command: Sequence[str],
        host: str,
        port: int,
        log: Path,
        ready: Path,
        run_id: str,
        limits: Confinement,
    ) -> None:
        self._process = process
        self._ready = ready
        self.host = host
        self.port = port
        self.pid = process.pid
        self.log = log
        self.run_id = run_id
        self.command = tuple(command)
        self.limits = limits
        self.ending: Ending | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def alive(self) -> bool:
        """True as long as the first process runs (its workers may have died: see `pids`)."""
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """Of the first process: None while it runs, negative for a signal."""
        return self._process.poll()

    def pids(self) -> tuple[int, ...]:
        """Its living processes, the first one first, then its descendants and whatever left the tree."""
        self._process.poll()
        own = tree_pids(self.pid) | run_pids(self.run_id) | self.limits.pids()
        return tuple(sorted(own, key=lambda pid: (pid != self.pid, pid)))

    def workers(self) -> tuple[int, ...]:
        """The living processes that have loaded the app."""
        return tuple(pid for pid in self._loaded() if _lives(pid))

    def lost_workers(self) -> tuple[int, ...]:
        """Processes that had loaded the app and are gone; the server may have replaced them."""
        return tuple(pid for pid in self._loaded() if not _lives(pid))

    def _loaded(self) -> list[int]:
        return loaded_pids(self._ready)

    def log_tail(self, lines: int = _LOG_LINES) -> str:
        """The last lines that it wrote."""
        return _tail(self.log, lines)

    def stop(self, grace_s: float = STOP_GRACE_S) -> Ending:
        """End it: SIGTERM to the first process, then SIGKILL to all that is left.

        Returns at once the second time. An interrupt while it waits kills everything, then goes on up.

        Args:
            grace_s: seconds that it has for finishing its requests.
        """
        if self.ending is not None:
            return self.ending
        stop = Stop(self, grace_s)
        try:
            stop.carry_out()
        except BaseException:
            end_all(self.living, 0)
            raise
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        code = self._process.returncode
        self.ending = Ending(
            returncode=code if code is not None else -signal.SIGKILL,
            asked=stop.asked,
            forced=stop.forced,
            ignored=stop.ignored,
            reason=stop.reason,
            left_behind=stop.left_behind,
            grace_s=grace_s,
        )
        return self.ending

    def living(self) -> set[int]:
        """Its living processes."""
        return set(self.pids())


def start_server(
    app: ServedApp,
    options: ServerOptions,
    *,
    folder: Path,
    run_id: str,
    spool: Path | None = None,
    cwd: Path | None = None,
    host: str = HOST,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = START_TIMEOUT_S,
    limits: Confinement = UNLIMITED,
) -> ServerProcess:
    """Start a server and return when every worker has loaded the app and a request was answered.

    Args:
        app: what it serves.
        options: how it serves it.
        folder: existing folder for its log.
        run_id: unique; every process of it carries it in ``DIAG_RUN_ID``.
        spool: folder for what the agent sees; without one, the app is served bare.
        cwd: the folder that the user's own command would run in.
        host: the address that it listens on; whatever it is, diag itself comes over loopback.
        port: a port that the user insists on; 0 for any free one.
        environment: variables to set besides.
        timeout_s: seconds until the app must answer.
        limits: for its processes, none unless given.

    Raises:
        ServerError: the port is taken, the server died (with its last log lines) or does not answer (with
            the line where it hangs, if that could be seen), or it cannot run with these options.
    """
    server = get_server(options.server)
    reason = server.unavailable(options)
    if reason:
        raise ServerError(reason, cause="The chosen options do not fit.", slug="server-unavailable")
    if port:
        require_free_port(host, port)
    deadline = time.monotonic() + timeout_s
    environment = {**(environment or {}), ANSWER_BY: str(round(deadline * 1e9))}
    for attempt in range(_PORT_ATTEMPTS):
        chosen = port or free_port(host)
        ready = folder / f"ready-{attempt}"
        ready.mkdir(exist_ok=True)
        variables = _environment(app, options, server, run_id, spool, ready, environment)
        command = server.command(options, host, chosen)
        running = _spawn(command, folder, ready, run_id, chosen, variables, cwd, limits)
        try:
            wait_until_ready(running, ready, server.processes(options), deadline, timeout_s)
        except ServerError as error:
            running.stop(grace_s=0)
            if not port and attempt < _PORT_ATTEMPTS - 1 and is_port_message(error):
                continue
            raise
        except BaseException:
            running.stop(grace_s=0)
            raise
        return running
    raise AssertionError("the last attempt returns or raises")


def _spawn(
    command: tuple[str, ...],
    folder: Path,
    ready: Path,
    run_id: str,
    port: int,
    variables: dict[str, str],
    cwd: Path | None,
    limits: Confinement,
) -> ServerProcess:
    log = folder / "server.log"
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                limits.wrap(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=variables,
                cwd=cwd,
                start_new_session=True,  # Ctrl-C reaches diag alone, which then ends the server
            )
    except BaseException:  # an interrupt between the fork and the assignment
        end_all(lambda: run_pids(run_id), 0)
        raise
    return ServerProcess(
        process,
        command=command,
        host=HOST,
        port=port,
        log=log,
        ready=ready,
        run_id=run_id,
        limits=limits,
    )


def _environment(
    app: ServedApp,
    options: ServerOptions,
    server: Server,
    run_id: str,
    spool: Path | None,
    ready: Path,
    extra: Mapping[str, str] | None,
) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(_SERVER_VARIABLES)}
    variables.pop(SPOOL, None)
    variables.update(extra or {})
    variables.update(
        {
            SERVE: to_json(app),
            READY: str(ready),
            RUN_ID: run_id,
            CAPACITY: str(server.capacity(options)),
            "PYTHONUNBUFFERED": "1",
        }
    )
    if spool is not None:
        variables[SPOOL] = str(spool)
    return with_diag_importable(variables)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _tail(path: Path, lines: int) -> str:
    try:
        with path.open("rb") as file:  # it may be huge: a handler that fails logs a traceback each time
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
