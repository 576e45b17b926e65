"""What the generator sends, what it records, and what it makes of servers that misbehave."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from diag.load.client import LoadError, LoadProcess
from diag.load.records import ErrorCode
from diag.load.spec import Closed, Open, Request, Stream
from diag.load.summing import totals_of
from diag.recording import CLOSED_UNDER

if TYPE_CHECKING:
    from collections.abc import Callable

MS = 1_000_000
S = 1_000_000_000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def read_request(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            raise ConnectionError
        data += more
    return data


def answering(
    *pieces: bytes, pause: Callable[[], object] = lambda: None
) -> Callable[[socket.socket, int], None]:
    def script(sock: socket.socket, _number: int) -> None:
        while True:
            read_request(sock)
            for piece in pieces:
                sock.sendall(piece)
                pause()

    return script


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# --- closed streams


@pytest.mark.parametrize(("users", "total"), [(1, 1), (3, 100), (20, 7), (8, 1000)])
def test_a_total_gives_exactly_so_many_records(server: Any, run: Any, users: int, total: int) -> None:
    result, records = run(server.port, load=Closed(users=users), total=total)
    assert len(records) == total == len(server.seen) == result.answered
    assert result.streams[0].statuses == {200: total}
    assert result.failed == 0


def test_times_are_in_order_and_latencies_add_up(server: Any, run: Any) -> None:
    result, records = run(server.port, load=Closed(users=2), total=200)
    for record in records:
        assert result.started_ns <= record.intended_ns <= record.sent_ns < record.first_byte_ns
        assert record.first_byte_ns <= record.done_ns <= result.ended_ns
    latencies = sorted(record.latency_ns for record in records)
    histogram = result.streams[0].latency
    assert (histogram.min, histogram.max, len(histogram)) == (latencies[0], latencies[-1], 200)
    assert histogram.mean == pytest.approx(sum(latencies) / 200)


def test_the_local_port_is_what_the_server_saw(server: Any, run: Any) -> None:
    _, records = run(server.port, load=Closed(users=3), total=30)
    assert Counter(records.column("port")) == Counter(port for *_, port in server.seen)


def test_a_duration_ends_the_stream_and_every_request_is_recorded(server: Any, run: Any) -> None:
    result, records = run(server.port, load=Closed(users=2), duration_ns=200 * MS)
    assert len(records) == len(server.seen) == result.answered > 2
    assert 200 * MS <= result.wall_ns < 2 * S
    assert max(records.column("intended_ns")) <= result.stopped_ns


def test_requests_share_each_round_by_weight(server: Any, run: Any) -> None:
    requests = (Request(path="/a", weight=3), Request(path="/b"), Request(path="/c", label="see"))
    result, records = run(server.port, requests=requests, load=Closed(users=2), total=50)
    assert Counter(path for _, path, *_ in server.seen) == {"/a": 30, "/b": 10, "/c": 10}
    assert Counter(records.column("request")) == {0: 30, 1: 10, 2: 10}
    assert [(item.label, item.answered) for item in result.streams[0].requests] == [
        ("GET /a", 30),
        ("GET /b", 10),
        ("see", 10),
    ]
    assert {record.request: record.body_bytes for record in records} == {0: 8, 1: 8, 2: 8}


def test_the_seed_decides_the_order(server: Any, run: Any) -> None:
    requests = tuple(Request(path=f"/{index}") for index in range(8))
    orders = [
        list(run(server.port, requests=requests, total=24, seed=seed)[1].column("request"))
        for seed in (1, 1, 2)
    ]
    assert orders[0] == orders[1] != orders[2]


def test_users_who_think_pause_between_requests(server: Any, run: Any) -> None:
    _, records = run(server.port, load=Closed(users=1, think_ns=20 * MS), total=4)
    for before, after in itertools.pairwise(records):
        assert after.intended_ns - before.done_ns == pytest.approx(20 * MS, abs=100)
        assert after.sent_ns >= after.intended_ns


def test_bodies_and_headers_arrive(server: Any, run: Any) -> None:
    requests = (Request(method="POST", path="/x", body=b"\0" * 5, headers=(("X-A", "b"),)),)
    result, _ = run(server.port, requests=requests, total=3)
    assert server.bodies == [b"\0" * 5] * 3
    assert result.streams[0].statuses == {200: 3}


def test_statuses_are_counted_not_judged(server: Any, run: Any) -> None:
    result, _ = run(server.port, requests=(Request(path="/missing"), Request(path="/")), total=4)
    assert result.streams[0].statuses == {200: 2, 404: 2}
    assert result.failed == 0


def test_answers_to_head_have_no_body(server: Any, run: Any) -> None:
    requests = (Request(method="HEAD", path="/"), Request(path="/"))
    _, records = run(server.port, requests=requests, total=20)
    assert {(record.request, record.status, record.body_bytes) for record in records} == {
        (0, 200, 0),
        (1, 200, 7),
    }


def test_connections_are_open_before_the_start_and_kept(server: Any, run: Any) -> None:
    result, records = run(server.port, load=Closed(users=5), total=100)
    assert (result.streams[0].connects, result.streams[0].reconnects) == (5, 0)
    assert len(set(records.column("port"))) == 5
    assert result.notes == ()


def test_a_connection_per_request_is_counted_in_its_latency(server: Any, run: Any) -> None:
    result, records = run(server.port, load=Closed(users=2), total=20, keep_alive=False)
    assert len({port for *_, port in server.seen}) == 20
    assert result.streams[0].connects == 20
    assert all(record.sent_ns > record.intended_ns for record in records)


def test_http_1_0_says_so_and_closes(server: Any, run: Any) -> None:
    _, records = run(server.port, total=5, http="1.0", keep_alive=False)
    assert {version for _, _, version, _ in server.seen} == {"HTTP/1.0"}
    assert len(records) == len(set(records.column("port"))) == 5


def test_histogram_mode_keeps_no_records(server: Any, make_spec: Any, tmp_path: Any) -> None:
    with LoadProcess(make_spec(server.port, total=10, records="histogram")) as load:
        load.begin()
        assert load.result(10).answered == 10
    assert not (tmp_path / "records.bin").exists()


def test_streams_run_side_by_side(server: Any, run: Any) -> None:
    closed = Stream(
        requests=(Request(path="/work"),), load=Closed(users=4), duration_ns=300 * MS, name="work"
    )
    ping = Stream(requests=(Request(path="/ping"),), load=Open(rate=50), duration_ns=300 * MS, name="ping")
    result, records = run(server.port, closed, ping)
    paths = Counter(path for _, path, *_ in server.seen)
    assert paths["/ping"] == 15 == result.streams[1].answered
    assert paths["/work"] == result.streams[0].answered > 15
    assert Counter(records.column("stream")) == {0: paths["/work"], 1: 15}
    assert [stream.name for stream in result.streams] == ["work", "ping"]


def test_the_generator_knows_what_it_used(server: Any, run: Any) -> None:
    result, _ = run(server.port, load=Closed(users=1), duration_ns=200 * MS)
    assert 0 < result.cpu_ns <= result.wall_ns * 1.1
    assert 0 < result.utilisation <= 1.1


# --- open streams


def test_constant_arrivals_are_intended_exactly_on_time(server: Any, run: Any) -> None:
    result, records = run(server.port, load=Open(rate=200), duration_ns=250 * MS)
    intended = sorted(records.column("intended_ns"))
    assert intended == [result.started_ns + index * 5 * MS for index in range(50)]
    assert len(result.streams[0].lag) == 50
    assert result.lag_p99_ns > 0


def test_a_total_limits_an_open_stream(server: Any, run: Any) -> None:
    _, records = run(server.port, load=Open(rate=500, arrivals="poisson"), total=30)
    assert len(records) == 30
    assert len(set(records.column("intended_ns"))) == 30


def test_a_stall_is_charged_to_every_request_that_should_have_been_sent(scripted: Any, run: Any) -> None:
    """No coordinated omission: 300 ms at 100/s delay 30 requests, by 300, 290, 280 … ms."""
    lock, calls, stalled = threading.Lock(), itertools.count(), [0, 0]

    def script(sock: socket.socket, _number: int) -> None:
        while True:
            read_request(sock)
            with lock:
                if next(calls) == 30:
                    stalled[0] = time.monotonic_ns()
                    threading.Event().wait(0.3)
                    stalled[1] = time.monotonic_ns()
            sock.sendall(OK)

    load = Open(rate=100, connections=2, max_connections=4)
    result, records = run(scripted(script).port, load=load, duration_ns=1 * S)
    assert len(records) == 100
    within = [r for r in records if stalled[0] < r.intended_ns < stalled[1]]
    assert 28 <= len(within) <= 32
    for record in within:
        assert record.done_ns >= stalled[1]
        assert record.latency_ns >= stalled[1] - record.intended_ns
    # Only four could be on their way; the others waited in the generator and kept their time.
    assert result.streams[0].longest_queue >= 20
    assert sum(record.sent_ns > record.intended_ns + 20 * MS for record in within) >= 20
    assert len(set(records.column("port"))) <= 4


def test_more_connections_are_opened_while_all_are_busy(scripted: Any, run: Any) -> None:
    gate = threading.Event()
    arrived = itertools.count(1)

    def script(sock: socket.socket, _number: int) -> None:
        while True:
            read_request(sock)
            if next(arrived) == 10:
                gate.set()
            gate.wait(10)
            sock.sendall(OK)

    load = Open(rate=200, connections=1, max_connections=50)
    result, _ = run(scripted(script).port, load=load, total=10)
    assert result.answered == result.streams[0].connects == 10


def test_idle_connections_take_turns(server: Any, run: Any) -> None:
    _, records = run(server.port, load=Open(rate=200, connections=5), total=20)
    assert max(Counter(records.column("port")).values()) <= 5


def test_what_was_never_sent_is_recorded_too(scripted: Any, run: Any) -> None:
    def silent(sock: socket.socket, _number: int) -> None:
        while sock.recv(65536):
            pass

    load = Open(rate=100, connections=1, max_connections=2)
    result, records = run(scripted(silent).port, load=load, duration_ns=100 * MS, drain_ns=50 * MS)
    assert result.streams[0].errors == {ErrorCode.UNFINISHED: 10}
    assert sum(record.sent_ns == 0 for record in records) == 8
    assert all(record.first_byte_ns == 0 and record.done_ns == result.ended_ns for record in records)
    assert len(result.streams[0].requests[0].failed_after) == 10


def test_a_dead_server_costs_an_open_stream_one_error_an_arrival(dead_port: int, run: Any) -> None:
    load = Open(rate=100, connections=0)
    result, _ = run(dead_port, load=load, duration_ns=200 * MS)
    assert result.streams[0].errors == {ErrorCode.CONNECT_REFUSED: 20}


# --- answers of every form


@pytest.mark.parametrize(
    ("pieces", "size"),
    [
        ((OK,), 2),
        ((OK[:-2], OK[-2:]), 2),
        (tuple(OK[index : index + 1] for index in range(len(OK))), 2),
        ((b"HTTP/1.1 204 No\r\n\r\n",), 0),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", OK), 2),
        ((b"HTTP/1.1 100 Continue\r\n\r\n" + OK,), 2),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", b"x" * 300_000), 300_000),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",), 3),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", b"c\r", b"\n0\r\n", b"\r\n"), 3),
        ((b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",), 1),
    ],
)
def test_an_answer_is_complete_however_it_comes(scripted: Any, run: Any, pieces: Any, size: int) -> None:
    result, records = run(scripted(answering(*pieces)).port, total=12, timeout_ns=10 * S)
    assert set(records.column("status")) <= {200, 204}
    assert set(records.column("body_bytes")) == {size}
    assert result.streams[0].connects == 1
    assert result.streams[0].requests[0].body_bytes == 12 * size


def test_a_head_that_differs_each_time_is_read_each_time(scripted: Any, run: Any) -> None:
    def script(sock: socket.socket, _number: int) -> None:
        for number in itertools.count():
            read_request(sock)
            body = b"x" * (number % 7)
            sock.sendall(
                b"HTTP/1.1 200 OK\r\nX-Id: %d\r\nContent-Length: %d\r\n\r\n%s" % (number, len(body), body)
            )

    _, records = run(scripted(script).port, total=700)
    assert list(records.column("body_bytes")) == [number % 7 for number in range(700)]


def test_first_and_last_byte_are_told_apart(scripted: Any, run: Any) -> None:
    script = answering(OK[:-1], OK[-1:], pause=lambda: threading.Event().wait(0.03))
    _, records = run(scripted(script).port, total=3)
    assert all(record.done_ns - record.first_byte_ns > 20 * MS for record in records)


def test_a_server_that_says_close_is_connected_to_again(scripted: Any, run: Any) -> None:
    def script(sock: socket.socket, _number: int) -> None:
        read_request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the close")

    result, records = run(scripted(script).port, total=10)
    assert result.streams[0].statuses == {200: 10}
    assert set(records.column("body_bytes")) == {15}
    assert (result.streams[0].connects, result.streams[0].retries) == (10, 0)


def test_bytes_behind_an_answer_cost_the_connection_not_the_answer(scripted: Any, run: Any) -> None:
    result, _ = run(scripted(answering(OK + b"more")).port, total=6)
    assert result.streams[0].statuses == {200: 6}
    assert result.streams[0].connects == 6


def test_a_large_request_is_sent_in_parts(scripted: Any, run: Any) -> None:
    got: list[int] = []
    body = b"x" * 8_000_000

    def script(sock: socket.socket, _number: int) -> None:
        data = read_request(sock)
        left = len(body) - len(data.partition(b"\r\n\r\n")[2])
        while left:
            left -= len(sock.recv(min(left, 100_000)))
        got.append(len(body))
        sock.sendall(OK)
        read_request(sock)

    result, _ = run(scripted(script).port, requests=(Request(method="PUT", body=body),), total=1)
    assert got == [len(body)]
    assert result.answered == 1


def test_an_early_answer_to_a_large_request_is_taken(scripted: Any, run: Any) -> None:
    def script(sock: socket.socket, _number: int) -> None:
        read_request(sock)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(1 << 20):
            pass

    result, _ = run(scripted(script).port, requests=(Request(method="POST", body=b"x" * 8_000_000),), total=3)
    assert result.streams[0].statuses == {413: 3}


def test_an_answer_before_a_reset_is_still_taken(scripted: Any, run: Any) -> None:
    def script(sock: socket.socket, _number: int) -> None:
        read_request(sock)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        sock.close()  # unread bytes of the request turn this into a reset

    result, _ = run(scripted(script).port, requests=(Request(method="PUT", body=b"x" * 8_000_000),), total=3)
    # The kernel may drop what was not read before the reset: then it is one, and said to be one.
    assert set(result.streams[0].statuses) <= {413}
    assert set(result.streams[0].errors) <= {ErrorCode.RESET}
    assert result.answered + result.failed == 3


def test_ipv6_loopback_is_loopback(scripted: Any, run: Any) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    one = scripted(answering(OK), listener)
    result, _ = run(one.port, host="::1", total=5)
    assert result.streams[0].statuses == {200: 5}


# --- servers that misbehave


def _close_without_answer(sock: socket.socket, _number: int) -> None:
    read_request(sock)


def _reset_after_request(sock: socket.socket, _number: int) -> None:
    read_request(sock)
    reset(sock)


def _close_amid_head(sock: socket.socket, _number: int) -> None:
    read_request(sock)
    sock.sendall(OK[:20])


def _close_amid_body(sock: socket.socket, _number: int) -> None:
    read_request(sock)
    sock.sendall(OK[:-1])


def _talk_garbage(sock: socket.socket, _number: int) -> None:
    read_request(sock)
    sock.sendall(b"220 mail.example.org ESMTP\r\n")
    sock.recv(1)


def _stay_silent(sock: socket.socket, _number: int) -> None:
    while sock.recv(65536):
        pass


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (_close_without_answer, ErrorCode.PREMATURE_CLOSE),
        (_reset_after_request, ErrorCode.RESET),
        (_close_amid_head, ErrorCode.PREMATURE_CLOSE),
        (_close_amid_body, ErrorCode.PREMATURE_CLOSE),
        (_talk_garbage, ErrorCode.MALFORMED),
        (_stay_silent, ErrorCode.TIMED_OUT),
    ],
)
def test_failures_are_told_apart(scripted: Any, run: Any, script: Any, code: ErrorCode) -> None:
    result, records = run(scripted(script).port, total=3, timeout_ns=100 * MS)
    assert result.streams[0].errors == {code: 3}
    assert all(record.done_ns >= record.intended_ns for record in records)
    if code is ErrorCode.TIMED_OUT:
        assert all(record.latency_ns >= 100 * MS for record in records)


def test_a_user_goes_on_after_a_failure(scripted: Any, run: Any) -> None:
    def script(sock: socket.socket, number: int) -> None:
        if number == 0:
            _close_amid_body(sock, number)
        else:
            answering(OK)(sock, number)

    result, _ = run(scripted(script).port, total=5)
    assert (result.answered, result.failed, result.streams[0].reconnects) == (4, 1, 1)


@pytest.mark.parametrize("close", [lambda sock: sock.close(), reset])
def test_a_keep_alive_connection_closed_between_requests_is_no_error(
    scripted: Any, run: Any, close: Callable[[socket.socket], None]
) -> None:
    def script(sock: socket.socket, _number: int) -> None:
        for _ in range(3):
            read_request(sock)
            sock.sendall(OK)
        # Answer three, then close at the next request without a word of it, as a worker that retires.
        read_request(sock)
        close(sock)

    result, records = run(scripted(script).port, total=30)
    assert set(records.column("status")) == {200}
    assert len(records) == 30
    assert result.streams[0].retries >= 7


def test_a_post_is_never_sent_twice(scripted: Any, run: Any) -> None:
    got: list[int] = []

    def script(sock: socket.socket, _number: int) -> None:
        read_request(sock)
        got.append(1)
        sock.sendall(OK)
        read_request(sock)
        got.append(1)

    result, _ = run(scripted(script).port, requests=(Request(method="POST"),), total=10)
    assert result.streams[0].retries == 0
    assert len(got) <= 10 == result.answered + result.failed
    assert set(result.streams[0].errors) == {ErrorCode.CLOSED_UNDER}
    assert totals_of(result)[0].failed == 0


def test_a_server_that_dies_of_posts_is_not_excused(scripted: Any, run: Any) -> None:
    """On a fresh connection, which is what comes after each that crossed a closing."""

    def script(sock: socket.socket, number: int) -> None:
        read_request(sock)
        if number == 0:
            sock.sendall(OK)
            read_request(sock)

    result, _ = run(scripted(script).port, requests=(Request(method="POST"),), total=10)
    assert result.streams[0].errors == {ErrorCode.CLOSED_UNDER: 1, ErrorCode.PREMATURE_CLOSE: 8}


def test_the_code_of_a_crossed_request_is_the_recordings_own() -> None:
    assert CLOSED_UNDER == ErrorCode.CLOSED_UNDER


def test_an_idle_connection_that_the_server_closes_is_opened_again(scripted: Any, run: Any) -> None:
    def script(sock: socket.socket, number: int) -> None:
        read_request(sock)
        sock.sendall(OK)
        if number == 0:
            # Unasked-for words on an idle connection, then the end.
            sock.sendall(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
        else:
            answering(OK)(sock, number)

    result, _ = run(scripted(script).port, load=Closed(users=1, think_ns=50 * MS), total=3)
    assert result.streams[0].statuses == {200: 3}
    assert result.streams[0].connects == 2


def test_a_server_that_dies_does_not_make_the_generator_spin(scripted: Any, make_spec: Any) -> None:
    one = scripted(answering(OK, pause=lambda: threading.Event().wait(0.001)))
    with LoadProcess(make_spec(one.port, load=Closed(users=2), duration_ns=1500 * MS)) as load:
        load.begin()
        while len(load.records()) < 2:
            load.poll()
        one.close()
        result = load.result(20)
    # 5, 10, 20 … ms of pause: eight failures a user in a second and a half, not thousands.
    assert 2 <= result.failed <= 24
    assert set(result.streams[0].errors) <= {
        ErrorCode.CONNECT_REFUSED,
        ErrorCode.PREMATURE_CLOSE,
        ErrorCode.RESET,
        ErrorCode.CONNECT_RESET,
    }
    assert result.utilisation < 0.5


def test_a_full_backlog_is_reported_and_not_waited_for_for_ever(make_spec: Any) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        spec = make_spec(
            listener.getsockname()[1],
            load=Closed(users=8),
            duration_ns=100 * MS,
            drain_ns=50 * MS,
            connect_timeout_ns=200 * MS,
        )
        with LoadProcess(spec) as load:
            load.begin()
            result = load.result(10)
    assert "of 8 connections were not open at the start" in result.notes[0]
    assert result.streams[0].errors == {ErrorCode.UNFINISHED: 8}


def test_a_port_without_a_server_fails_with_its_reason(dead_port: int, make_spec: Any) -> None:
    spec = make_spec(dead_port, load=Closed(users=3), total=1, connect_timeout_ns=150 * MS)
    with LoadProcess(spec) as load, pytest.raises(LoadError, match="none of 3 connections.*nothing listens"):
        load.wait_connected(10)


# --- arrivals that were recorded


def test_recorded_arrivals_are_sent_again_one_by_one(server: Any, run: Any) -> None:
    """Each at its time, even where several come at once, and each the request that it was; then it is over."""
    offsets, order = (0, 20 * MS, 20 * MS, 90 * MS), (1, 0, 1, 1)
    load = Open(rate=1.0, offsets_ns=offsets, order=order)
    result, records = run(server.port, load=load, requests=(Request(path="/a"), Request(path="/b")))
    assert [
        record.intended_ns - result.started_ns for record in sorted(records, key=lambda r: r.intended_ns)
    ] == [*offsets]
    assert Counter(path for _, path, *_ in server.seen) == {"/a": 1, "/b": 3}
    assert server.seen[0][1] == "/b"
    assert result.answered == len(records) == 4
