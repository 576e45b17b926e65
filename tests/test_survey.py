"""One request at a time: what answers, what does not, and how long that is waited for."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from diag.plan import HttpRequest
from diag.progress import Silent
from diag.survey import LONGEST_LOAD_NS, MORE_A_ROUTE_NS, SHORTEST_LOAD_NS, Answer, load_duration, survey

STATUS = {"/ok": 200, "/slow": 200, "/missing": 404, "/broken": 500}
SLOW_S = 0.3


class _Handler(socketserver.StreamRequestHandler):
    """Answers by path; streams events for ever at ``/events``; says nothing at paths that it does not know."""

    def handle(self) -> None:
        line = self.rfile.readline()
        path = line.split()[1].decode() if line.split() else ""
        if path == "/dies":
            return
        if path in STATUS:
            length = 0
            while (header := self.rfile.readline().strip()) != b"":
                if header.lower().startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            body = b"ok" + self.rfile.read(length)
            time.sleep(SLOW_S if path == "/slow" else 0)
            head = f"HTTP/1.1 {STATUS[path]} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            self.wfile.write(head.encode() + body)
            return
        if path == "/trickles":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        if b"/events" in line:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        with contextlib.suppress(OSError):
            while not self.server.over.wait(0.05):
                self.wfile.write({"/events": b"data: 1\n\n", "/trickles": b"x"}.get(path, b""))


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


def test_a_route_is_asked_twice_and_timed(url: str) -> None:
    (answer,) = asked(url, "/slow")
    assert 300_000_000 <= answer.took_ns < 2_000_000_000
    assert [request.body_bytes for request in answer.sent] == [2, 2]
    assert all(request.port for request in answer.sent)
    assert answer.why_not(required=False) == ""


def test_a_slow_route_is_not_asked_again(url: str) -> None:
    (answer,) = asked(url, "/slow", timeout_s=1.0)
    assert len(answer.sent) == 1


def test_a_body_is_sent(url: str) -> None:
    request = HttpRequest(route="POST /ok", method="POST", path="/ok", body=b"12345")
    (answer,) = survey(url, [request], timeout_s=5, progress=Silent())
    assert [request.body_bytes for request in answer.sent] == [7, 7]


def test_a_request_that_diag_made_up_and_is_refused_is_not_driven(url: str) -> None:
    (answer,) = asked(url, "/missing")
    assert "it answered 404" in answer.why_not(required=False)
    assert answer.why_not(required=True) == ""


def test_a_handler_that_fails_is_driven(url: str) -> None:
    (answer,) = asked(url, "/broken")
    assert (answer.status, answer.why_not(required=False)) == (500, "")


@pytest.mark.parametrize(
    ("path", "words"), [("/dies", "no answer"), ("/trickles", "no complete answer within 1 s")]
)
def test_what_gives_no_answer_says_why(url: str, path: str, words: str) -> None:
    (answer,) = asked(url, path, timeout_s=1.0)
    assert words in answer.why_not(required=True)


def test_a_server_that_is_gone_is_said_for_each_route() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answers = asked(f"http://127.0.0.1:{unused.getsockname()[1]}", "/a", "/b", timeout_s=2)
    assert ["no answer" in answer.why_not(required=False) for answer in answers] == [True, True]


def test_the_load_lasts_as_long_as_the_routes_need() -> None:
    def answer(took_ns: int) -> Answer:
        return Answer(route="GET /", status=200, took_ns=took_ns, problem="", sent=())

    assert load_duration([answer(1)]) == SHORTEST_LOAD_NS + MORE_A_ROUTE_NS
    assert load_duration([answer(10**9)]) == 12 * 10**9
    assert load_duration([answer(10**10)]) == LONGEST_LOAD_NS
