"""One request at a time: whether each route answers, how, and how long it takes when nobody waits.

It is the warm-up as well: what a first call imports or builds is over when the load begins.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from diag.recording import Answer as Said
from diag.recording import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from diag.plan import HttpRequest
    from diag.progress import Progress

ROUNDS = 2
"""The first finds what a first call costs; the second is what the route takes."""

PATIENCE_S = 20.0
"""For one answer; less for each one more that does not come: what all of them wait for may be missing."""

LEAST_PATIENCE_S = 2.0
EVENTS_PATIENCE_S = 1.0
"""For the end of a ``text/event-stream``, which usually has none."""

STREAM = "warm-up"

SHORTEST_LOAD_NS = 2_500_000_000
MORE_A_ROUTE_NS = 200_000_000
LONGEST_LOAD_NS = 30_000_000_000
ROUNDS_UNDER_LOAD = 12
"""Times that each route can be answered within the load, if all of them were to wait for each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a route answered.

    Attributes:
        route: its label.
        status: HTTP status of the last answer, 0 if there was none.
        took_ns: of the last answer.
        problem: why there was none, "" otherwise.
        sent: the requests, as a recording holds them.
        said: the answers, as a recording holds them.
    """

    route: str
    status: int
    took_ns: int
    problem: str
    sent: tuple[Request, ...]
    said: tuple[Said, ...] = ()

    def why_not(self, *, required: bool) -> str:
        """Why this route cannot be driven; "" if it can.

        Args:
            required: True if the user gave the request: then an answer of any status will do.
        """
        if self.problem:
            return self.problem
        if 400 <= self.status < 500 and not required:
            hint = "give a request that fits with --request"
            return f"it answered {self.status} to the request that diag made up; {hint}"
        return ""


def survey(
    url: str, requests: Sequence[HttpRequest], *, timeout_s: float, progress: Progress
) -> list[Answer]:
    """Send each request `ROUNDS` times, one after the other.

    Args:
        url: scheme, host and port of the server.
        requests: one a route.
        timeout_s: for one answer; at most `PATIENCE_S` is waited, and less after some that did not come.
        progress: told how far it is.
    """
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=0)
    longest = min(timeout_s, PATIENCE_S)
    unanswered = 0
    answers: list[Answer] = []
    with httpx.Client(base_url=url, limits=limits, trust_env=False) as client:
        for index, request in enumerate(requests):
            client.timeout = timeout = max(longest / (1 + unanswered), min(longest, LEAST_PATIENCE_S))
            answers.append(_ask(client, request, timeout))
            unanswered += bool(answers[-1].problem)
            progress.advance((index + 1) / len(requests))
    return answers


def load_duration(answers: Sequence[Answer]) -> int:
    """How long to load what answered so, in ns."""
    serial = ROUNDS_UNDER_LOAD * sum(answer.took_ns for answer in answers)
    least = SHORTEST_LOAD_NS + MORE_A_ROUTE_NS * len(answers)
    return min(max(least, serial), LONGEST_LOAD_NS)


def _ask(client: httpx.Client, request: HttpRequest, timeout_s: float) -> Answer:
    sent: list[Request] = []
    said: list[Said] = []
    status = took = 0
    problem = ""
    for _ in range(ROUNDS):
        start = time.monotonic_ns()
        try:
            heard = _exchange(client, request, start + int(timeout_s * 1e9))
            status = heard.status
        except _EndlessError:
            problem = "its answer does not end (text/event-stream): diag does not drive endless streams"
        except httpx.TimeoutException:
            problem = f"no complete answer within {timeout_s:g} s"
        except httpx.HTTPError as error:
            problem = f"no answer: {error or type(error).__name__}"
        if problem:
            break
        end = time.monotonic_ns()
        took = end - start
        sent.append(_record(request.route, heard.port, start, end, status, heard.size))
        said.append(_said(request.route, len(sent), heard))
        if took > timeout_s * 1e9 / 4:
            break  # a second one would try the user's patience more than it could tell
    return Answer(
        route=request.route,
        status=status,
        took_ns=took,
        problem=problem,
        sent=tuple(sent),
        said=tuple(said),
    )


EXCERPT_BYTES = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """An answer, as far as it is looked at."""

    status: int
    size: int
    port: int
    content_type: str
    digest: str
    excerpt: str


def _said(route: str, number: int, heard: _Heard) -> Said:
    return Said(
        route=route,
        number=number,
        status=heard.status,
        content_type=heard.content_type,
        sha256=heard.digest,
        excerpt=heard.excerpt,
    )


class _EndlessError(Exception):
    """A stream of events went on and on."""


def _exchange(client: httpx.Client, request: HttpRequest, deadline: int) -> _Heard:
    """One answer. httpx's own timeout starts anew with each piece of a body."""
    with client.stream(
        request.method, request.path, headers=list(request.headers), content=request.body
    ) as response:
        stream = response.extensions.get("network_stream")
        address = stream.get_extra_info("client_addr") if stream is not None else None
        content_type = response.headers.get("content-type", "")
        events = content_type.startswith("text/event-stream")
        enough = time.monotonic_ns() + int(EVENTS_PATIENCE_S * 1e9)
        size, digest, excerpt = 0, hashlib.sha256(), b""
        for piece in response.iter_raw():
            size += len(piece)
            digest.update(piece)
            excerpt += piece[: EXCERPT_BYTES - len(excerpt)]
            if events and time.monotonic_ns() > enough:
                raise _EndlessError
            if time.monotonic_ns() > deadline:
                raise httpx.ReadTimeout("the answer did not end")
        return _Heard(
            status=response.status_code,
            size=size,
            port=address[1] if address else 0,
            content_type=content_type,
            digest=digest.hexdigest(),
            excerpt=excerpt.decode("utf-8", "replace"),
        )


def _record(route: str, port: int, start: int, end: int, status: int, size: int) -> Request:
    return Request(
        stream=STREAM,
        route=route,
        port=port,
        intended_ns=start,
        sent_ns=start,
        first_byte_ns=end,
        done_ns=end,
        status=status,
        body_bytes=size,
    )
