"""A Locust master's web interface: what it can be told, and what it tells (locust/web.py of Locust 2).

Nothing of Locust is imported here: that would patch this process' standard library for gevent.
"""

from __future__ import annotations

import csv
import io
import socket
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from diag.load.client import LoadError
from diag.load.external import ToolLoad

_OLD_S = 5.0
"""The master remembers for 2 s what it said (DEFAULT_CACHE_TIME in locust/web.py), longer when it is busy."""

_POLL_S = 0.1
_SPAWNING_S = 8.0
_ANSWER_S = 10.0
BUSY = ("spawning", "running", "cleanup", "stopping")
"""States in which a master takes no other test."""

_AGGREGATED = "Aggregated"


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
        if state.name in BUSY:
            return f"the Locust master at {self.url} is busy with another test ({state.name})"
        return None

    def _settled(self) -> State:
        """Its state, with patience: what it says may be old, and a worker that was starved comes back."""
        deadline = time.monotonic() + _OLD_S
        while time.monotonic() < deadline:
            state = self.state()
            if state.busy and state.name not in BUSY:
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
