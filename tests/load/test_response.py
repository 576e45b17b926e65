"""The response scanner finds the end of every response, however its bytes are cut."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diag.load.response import MAX_HEAD, MalformedResponseError, ResponseScanner

BODY = st.binary(max_size=300)


def _chunked(parts: list[bytes], extension: bytes, trailer: bytes) -> bytes:
    chunks = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts if part)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailer + b"\r\n"


FIXED = st.builds(
    lambda body, status, interim: (
        interim + b"HTTP/1.1 %d Fine\r\nServer: x\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body,
        status,
        len(body),
    ),
    BODY,
    st.sampled_from([200, 404, 500]),
    st.sampled_from(
        [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"]
    ),
)
CHUNKED = st.builds(
    lambda parts, extension, trailer: (_chunked(parts, extension, trailer), 200, sum(map(len, parts))),
    st.lists(BODY, max_size=4),
    st.sampled_from([b"", b";name=value", b" "]),
    st.sampled_from([b"", b"X-Sum: 1\r\n"]),
)


def _feed(data: bytes, cuts: list[int], *, head_request: bool = False) -> ResponseScanner:
    scanner = ResponseScanner(head_request=head_request)
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    for start, end in itertools.pairwise(edges):
        if end > start:
            scanner.feed(data[start:end])
    return scanner


@given(st.one_of(FIXED, CHUNKED), st.lists(st.integers(0, 1000), max_size=30))
def test_any_cutting_gives_the_same_result(response: tuple[bytes, int, int], cuts: list[int]) -> None:
    data, status, size = response
    scanner = _feed(data, cuts)
    assert (scanner.done, scanner.status, scanner.body_bytes) == (True, status, size)
    assert scanner.keep_alive
    assert not scanner.excess


@given(st.one_of(FIXED, CHUNKED))
def test_byte_by_byte_it_is_done_with_the_last_byte_only(response: tuple[bytes, int, int]) -> None:
    data, _, _ = response
    scanner = ResponseScanner()
    assert [scanner.feed(data[index : index + 1]) for index in range(len(data))].index(True) == len(data) - 1


@given(
    st.one_of(FIXED, CHUNKED), st.binary(min_size=1, max_size=20), st.lists(st.integers(0, 1000), max_size=5)
)
def test_bytes_behind_the_end_make_the_connection_unusable(
    response: tuple[bytes, int, int], excess: bytes, cuts: list[int]
) -> None:
    data, status, size = response
    scanner = _feed(data, [cut for cut in cuts if cut < len(data)])
    again = ResponseScanner()
    assert again.feed(data + excess)
    assert (again.status, again.body_bytes, again.excess, again.keep_alive) == (status, size, True, False)
    assert scanner.body_bytes == again.body_bytes


@given(st.lists(st.binary(max_size=60), max_size=10), st.booleans())
def test_garbage_never_crashes(pieces: list[bytes], valid_start: bool) -> None:
    scanner = ResponseScanner()
    try:
        if valid_start:
            scanner.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            scanner.feed(piece)
        scanner.feed_eof()
    except MalformedResponseError:
        pass


@given(st.one_of(FIXED, CHUNKED), st.integers(0, 400), st.integers(0, 255))
def test_a_flipped_byte_never_crashes(response: tuple[bytes, int, int], at: int, byte: int) -> None:
    data = bytearray(response[0])
    data[at % len(data)] = byte
    with contextlib.suppress(MalformedResponseError):
        _feed(bytes(data), [at]).feed_eof()


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0", True),
        (b"HTTP/1.1 200\r\nContent-Length: 0", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive, close", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0, 0\r\ncontent-length:0", True),
    ],
)
def test_keep_alive_follows_version_and_connection_header(head: bytes, keep_alive: bool) -> None:
    scanner = ResponseScanner()
    assert scanner.feed(head + b"\r\n\r\n")
    assert scanner.keep_alive is keep_alive


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(status: int) -> None:
    scanner = ResponseScanner()
    assert scanner.feed(b"HTTP/1.1 %d X\r\nContent-Length: 10\r\n\r\n" % status)
    assert scanner.body_bytes == 0


@pytest.mark.parametrize("framing", [b"Content-Length: 10", b"Transfer-Encoding: chunked"])
def test_the_answer_to_head_has_no_body(framing: bytes) -> None:
    scanner = _feed(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n", [], head_request=True)
    assert scanner.done
    assert scanner.keep_alive


def test_switching_protocols_ends_the_connection() -> None:
    scanner = _feed(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", [])
    assert (scanner.done, scanner.status, scanner.keep_alive) == (True, 101, False)


def test_without_a_length_the_body_lasts_until_the_close() -> None:
    scanner = _feed(b"HTTP/1.1 200 OK\r\n\r\nall of this", [4, 25])
    assert not scanner.done
    assert scanner.feed_eof()
    assert (scanner.body_bytes, scanner.keep_alive) == (11, False)


def test_the_end_of_the_stream_does_not_complete_a_fixed_body() -> None:
    assert not _feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", []).feed_eof()


def test_bare_line_feeds_are_taken() -> None:
    scanner = _feed(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", [7])
    assert (scanner.done, scanner.body_bytes, scanner.head) == (True, 2, None)


def test_a_head_that_tells_the_length_is_given_for_recognition() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
    scanner = _feed(data, [])
    assert scanner.head == data[:-6]
    assert scanner.total == len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 5000,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD,
    ],
)
def test_what_is_not_http_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        _feed(data, [])
