"""Plain asyncio speaks as much HTTP as a load generator needs."""

from __future__ import annotations

import asyncio

import pytest

from diag.frameworks import get_framework
from diag.frameworks.asyncio_streams import read_head

OK = b'{"ok": true}'


async def handle() -> dict[str, bool]:
    return {"ok": True}


async def fail() -> None:
    raise ZeroDivisionError("on purpose")


def talked(*parts: bytes) -> bytes:
    """All that a server says on one connection to what a client sends, until it closes it or is told all."""

    async def conversation() -> bytes:
        app = get_framework("asyncio").build({"/work": handle, "/fail": fail})
        server = await asyncio.start_server(app, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        server.close()
        return answer

    return asyncio.run(conversation())


GET = b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_connection_is_kept_for_further_requests() -> None:
    answer = talked(GET, GET[:9], GET[9:])
    assert answer.count(OK) == 2
    assert answer.count(b"connection: keep-alive\r\n") == 2


def test_requests_sent_at_once_are_answered_in_order() -> None:
    answer = talked(b"GET /ping HTTP/1.1\r\n\r\n" + GET)
    assert answer.index(b'{"pong": true}') < answer.index(OK)


@pytest.mark.parametrize(
    ("version", "header", "kept"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: close\r\n", False),
        ("1.0", "", False),
        ("1.0", "Connection: Keep-Alive\r\n", True),
    ],
)
def test_the_client_says_whether_the_connection_is_kept(version: str, header: str, kept: bool) -> None:
    head = f"GET /work HTTP/{version}\r\n{header}\r\n".encode()
    assert talked(head, head).count(OK) == (2 if kept else 1)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /work?x=1 HTTP/1.1\r\n\r\n", 200),
        (b"GET /nowhere HTTP/1.1\r\n\r\n", 404),
        (b"POST /work HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"GET /fail HTTP/1.1\r\n\r\n", 500),
    ],
)
def test_every_request_has_its_status_and_the_next_one_is_answered(head: bytes, status: int) -> None:
    answer = talked(head, GET)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.endswith(OK)


@pytest.mark.parametrize("noise", [b"hello\r\n\r\n", b"x" * 70_000, b"GET /work HTTP/1.1\r\nHost", b""])
def test_what_is_no_request_ends_the_connection(noise: bytes) -> None:
    assert talked(noise) == b""


def test_a_head_is_read() -> None:
    head = b"POST /a?b HTTP/1.1\r\nContent-Length: 12\r\nX: a: b\r\n\r\n"
    assert read_head(head) == ("POST", "/a?b", True, 12)
