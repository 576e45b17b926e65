"""An existing Locust master in place of diag's own generator: it is told what to do, and its figures read.

    with Master("http://127.0.0.1:8089") as master:
        reason = master.refuses(load)
        result = drive_locust(master, load, target="http://127.0.0.1:8000", alive=…, began=…, ended=…)

What is sent is its locustfile's matter: diag sets the host, the number of users and the duration, over the
master's web interface (locust/web.py of Locust 2: /swarm, /stop, /stats/requests, /stats/requests/csv).
Nothing of Locust is imported here: that would patch this process' standard library for gevent.
"""

from __future__ import annotations

import contextlib
import csv
import io
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from diag.load.client import LoadError
from diag.load.external import ToolLoad, ToolResult
from diag.load.result import BOUND_SHARE
from diag.recording import LoadSummary, Percentile, StreamTotals

REPORT_S = 3.0
"""Between two reports of a worker (WORKER_REPORT_INTERVAL in locust/runners.py), the last one included."""

SHORT_NS = 15_000_000_000
"""Workers tell how busy they were over 5 s (CPU_MONITOR_INTERVAL in locust/runners.py): of a shorter load,
that may be the time before it."""

_SETTLED_S = REPORT_S + 0.6
_OLD_S = 5.0
"""The master remembers for 2 s what it said (DEFAULT_CACHE_TIME in locust/web.py), longer when it is busy."""

_POLL_S = 0.1
_SPAWN_S = 60.0
_SPAWNING_S = 8.0
_STOP_S = 30.0
_ANSWER_S = 10.0
_BUSY = ("spawning", "running", "cleanup", "stopping")
_AGGREGATED = "Aggregated"
_MS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a master says of itself.

    Attributes:
        name: ``ready``, ``spawning``, ``running``, ``stopped`` ….
        users: that run.
        requests: counted so far.
        busy: percent of a core that each connected worker used lately, by its id.
        errors: failures in words, with how often.
    """

    name: str
    users: int
    requests: int
    busy: dict[str, float]
    errors: tuple[tuple[str, int], ...]


class Master:
    """A Locust master's web interface. A context manager: leaving it closes the connection.

    Attributes:
        url: of its start page.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(base_url=self.url, timeout=_ANSWER_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def refuses(self, load: ToolLoad) -> str | None:
        """Why it cannot make this load now, None if it can."""
        if load.total is not None:
            return "Locust runs for a duration, not for a number of requests: use --duration"
        if load.http != "1.1" or not load.keep_alive:
            return "how Locust connects is its locustfile's matter: leave --http and --connection out"
        if not load.users:
            return "Locust's users wait for their answers: use --users"
        try:
            state = self._settled()
        except LoadError as error:
            return str(error)
        if not state.busy:
            return (
                f"no worker is connected to the Locust master at {self.url}: start some with locust --worker"
            )
        if state.name in _BUSY:
            return f"the Locust master at {self.url} is busy with another test ({state.name})"
        return None

    def _settled(self) -> State:
        """Its state, with patience: what it says may be old, and a worker that was starved comes back."""
        deadline = time.monotonic() + _OLD_S
        while time.monotonic() < deadline:
            state = self.state()
            if state.busy and state.name not in _BUSY:
                return state
            time.sleep(_POLL_S)
        return self.state()

    def state(self) -> State:
        """What it says of itself.

        Raises:
            LoadError: it cannot be reached, or is no Locust master.
        """
        said = self._json("GET", "/stats/requests")
        if not isinstance(said.get("workers"), list):
            raise LoadError(f"what answers at {self.url} is no Locust master (it names no workers)")
        workers = [one for one in said["workers"] if one.get("state") != "missing"]
        total: dict[str, Any] = next(
            (one for one in said.get("stats", ()) if one.get("name") == _AGGREGATED), {}
        )
        return State(
            name=str(said.get("state", "")),
            users=int(said.get("user_count") or 0),
            requests=int(total.get("num_requests") or 0),
            busy={str(one["id"]): float(one.get("cpu_usage") or 0.0) for one in workers},
            errors=tuple(
                (
                    f"{one.get('method')} {one.get('name')}: {one.get('error')}",
                    int(one.get("occurrences") or 0),
                )
                for one in said.get("errors", ())
            ),
        )

    def begin(self, target: str, users: int, longest_s: float) -> None:
        """Start a test, which ends by itself should diag be killed."""
        self._json("POST", "/stats/reset", text=True)
        form = {
            "user_count": str(users),
            "spawn_rate": str(users),
            "host": target,
            "run_time": f"{round(longest_s)}s",
        }
        answer = self._json("POST", "/swarm", form)
        if not answer.get("success"):
            raise LoadError(f"the Locust master refused the test: {answer.get('message')}")

    def end(self) -> None:
        """Stop the test, once all users run: stopped before, Locust 2.47 sends its workers away."""
        deadline = time.monotonic() + _SPAWNING_S
        while self.state().name != "running" and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        self._json("POST", "/stop")

    def figures(self) -> dict[str, str]:
        """Its row over all requests, as its CSV file has it.

        Raises:
            LoadError: there is no such row.
        """
        rows = csv.DictReader(io.StringIO(self._get("/stats/requests/csv")))
        for row in rows:
            if row.get("Name") == _AGGREGATED:
                return row
        raise LoadError("the Locust master's figures have no row over all requests")

    def _json(self, method: str, path: str, form: dict[str, str] | None = None, *, text: bool = False) -> Any:
        answer = self._answer(method, path, form)
        if text:
            return answer.text
        try:
            said = answer.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise LoadError(f"what answers at {self.url} is no Locust master (a login page, perhaps)")
        return said

    def _get(self, path: str) -> str:
        return self._answer("GET", path, None).text

    def _answer(self, method: str, path: str, form: dict[str, str] | None) -> httpx.Response:
        try:
            return self._client.request(method, path, data=form).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise LoadError(f"the Locust master at {self.url} does not answer: {error}") from error


def drive_locust(
    master: Master,
    load: ToolLoad,
    *,
    target: str,
    alive: Callable[[], bool],
    began: Callable[[int], None],
    ended: Callable[[int], None],
    beat: Callable[[float], None],
    pause_s: float = 0.1,
) -> ToolResult | None:
    """Have a master's workers load a server; None if the server died meanwhile.

    Args:
        master: that has workers.
        load: what to do; its request is not sent, for the locustfile says what is.
        target: the server's address, as the workers reach it.
        alive: False once the server is dead.
        began: called with the time when the users are asked for; their start is in the figures.
        ended: called with the time when they are stopped, before the last figures are in.
        beat: called now and then with the part that is done.
        pause_s: between two beats.

    Raises:
        LoadError: the master cannot do it, or does not answer any more.
    """
    reason = master.refuses(load)
    if reason is not None:
        raise LoadError(reason)
    longest_s = load.seconds + _SPAWN_S + _STOP_S
    busy: dict[str, float] = {}
    master.begin(target, load.users, longest_s)
    began(time.monotonic_ns())
    try:
        survived = _hold(master, load, busy, alive, beat, pause_s)
    finally:
        with contextlib.suppress(LoadError):
            master.end()
        ended(time.monotonic_ns())
    if not survived:
        return None
    row = _settle(master, pause_s)
    return _result(row, master.state(), load, max(busy.values(), default=0.0) / 100, len(busy))


def _hold(
    master: Master,
    load: ToolLoad,
    busy: dict[str, float],
    alive: Callable[[], bool],
    beat: Callable[[float], None],
    pause_s: float,
) -> bool:
    """Wait for the users to run, then for the duration; False if the server died.

    How busy each worker was at most is noted in `busy`.
    """
    asked = time.monotonic()
    until = None
    while until is None or time.monotonic() < until:
        if not alive():
            return False
        state = master.state()
        for worker, percent in state.busy.items():
            busy[worker] = max(percent, busy.get(worker, 0.0))
        now = time.monotonic()
        if until is None and state.name == "running":
            until = now + load.duration_ns / 1e9
        elif until is None and now - asked > _SPAWN_S:
            raise LoadError(
                f"Locust had {state.users} of {load.users} users after {_SPAWN_S:g} s ({state.name})"
            )
        elif not state.busy:
            raise LoadError("every Locust worker has gone")
        beat(0.0 if until is None else min(1.0, 1 - (until - now) / (load.duration_ns / 1e9)))
        time.sleep(pause_s)
    return True


def _settle(master: Master, pause_s: float) -> dict[str, str]:
    """The figures, once the workers' last reports are in."""
    deadline = time.monotonic() + _STOP_S
    row, changed = master.figures(), time.monotonic()
    while time.monotonic() < min(deadline, changed + _SETTLED_S):
        time.sleep(pause_s)
        later = master.figures()
        if later["Request Count"] != row["Request Count"]:
            changed = time.monotonic()
        row = later
    return row


def _result(row: dict[str, str], state: State, load: ToolLoad, share: float, workers: int) -> ToolResult:
    try:
        requests, failed = int(row["Request Count"]), int(row["Failure Count"])
        rate, size = float(row["Requests/s"]), float(row["Average Content Size"])
        percentiles = [
            Percentile(percent=float(name.removesuffix("%")), ns=round(float(value) * _MS))
            for name, value in row.items()
            if name.endswith("%") and value not in ("", "N/A")
        ]
        low, mean, high = (
            round(float(row[f"{which} Response Time"]) * _MS) for which in ("Min", "Average", "Max")
        )
    except (KeyError, ValueError) as error:
        raise LoadError(f"the Locust master's figures cannot be read: {error!r}") from None
    if not requests:
        raise LoadError("Locust's users sent no request: does its locustfile have tasks?")
    wall = round(requests / rate * 1e9) if rate else load.duration_ns
    totals = StreamTotals(
        stream=load.stream,
        generator="locust",
        wall_ns=wall,
        answered=requests - failed,
        failed=failed,
        body_bytes=round(size * requests),
        min_ns=low,
        mean_ns=mean,
        max_ns=high,
        percentiles=tuple(percentiles),
    )
    summary = LoadSummary(
        wall_ns=wall,
        cpu_ns=round(share * wall),
        lag_p99_ns=0,
        reconnects=0,
        generator_bound=share > BOUND_SHARE,
    )
    notes = [f"{count:,} requests failed: {words}" for words, count in state.errors]
    if load.duration_ns < SHORT_NS:
        notes.append(
            "Locust tells every 5 s how busy its workers are: of so short a trial it is hardly known."
        )
    notes.append(
        f"What Locust's {workers} workers sent is their locustfile's; the busiest used {share:.0%} of a core."
    )
    return ToolResult(totals=totals, summary=summary, notes=tuple(notes))


def is_remote(url: str) -> bool:
    """True if a master's workers cannot be expected to reach a server on this machine's loopback address."""
    return (urlsplit(url).hostname or "") not in ("127.0.0.1", "::1", "localhost")


def reachable_from(url: str) -> str:
    """The address of this machine that a master sees, and its workers beside it: loopback if it is here.

    Raises:
        LoadError: there is no way to the master.
    """
    if not is_remote(url):
        return "127.0.0.1"
    parts = urlsplit(url)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # connecting it sends nothing
            probe.connect((parts.hostname, parts.port or 80))
            return str(probe.getsockname()[0])
    except OSError as error:
        raise LoadError(f"there is no way to the Locust master at {url}: {error}") from error
