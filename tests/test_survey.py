"""One request at a time: what answers, what does not, and how long that is waited for."""

from __future__ import annotations

import contextlib
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from diag.plan import HttpRequest
from diag.progress import Silent
from diag.survey import Answer, survey


class _Handler(socketserver.StreamRequestHandler):
    """Answers ``/ok``; streams events for ever at ``/events``; says nothing else."""

    def handle(self) -> None:
        line = self.rfile.readline()
        if b"/ok" in line:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        if b"/events" in line:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        with contextlib.suppress(OSError):
            while b"/ok" not in line and not self.server.over.wait(0.05):
                self.wfile.write(b"data: 1\n\n" if b"/events" in line else b"")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.over = threading.Event()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.over.set()
        server.shutdown()
        thread.join()


def asked(url: str, *paths: str, timeout_s: float = 30) -> list[Answer]:
    requests = [HttpRequest(route=f"GET {path}", method="GET", path=path) for path in paths]
    return survey(url, requests, timeout_s=timeout_s, progress=Silent())


def test_what_answers_can_be_driven(url: str) -> None:
    (answer,) = asked(url, "/ok")
    assert (answer.status, answer.problem, len(answer.sent)) == (200, "", 2)


def test_an_endless_stream_of_events_is_not_waited_for(url: str) -> None:
    start = time.monotonic()
    (answer,) = asked(url, "/events")
    assert "does not end" in answer.problem
    assert time.monotonic() - start < 5


def test_the_more_does_not_answer_the_less_is_waited(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty routes that wait for the same database must not take twenty times the patience."""
    monkeypatch.setattr("diag.survey.LEAST_PATIENCE_S", 0.2)
    assert [answer.problem for answer in asked(url, "/a", "/b", "/c", "/ok", timeout_s=0.5)] == [
        "no complete answer within 0.5 s",
        "no complete answer within 0.25 s",
        "no complete answer within 0.2 s",
        "",
    ]
