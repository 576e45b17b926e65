"""Plain asyncio: no framework and no server but `asyncio.start_server`.

The app is what that is given: a callable of a reader and a writer. It speaks as much HTTP/1.1 as a load
generator needs: GET, keep-alive, and HTTP/1.0 with and without it.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Literal, cast

from diag.frameworks.built import BuiltOnly

Handler = Callable[[], object]


class AsyncioFramework(BuiltOnly):
    """Handlers are awaited in the task of their connection."""

    name = "asyncio"
    interface: Literal["asgi", "wsgi", "streams"] = "streams"
    handlers: tuple[Literal["async", "def"], ...] = ("async",)

    def unavailable(self) -> str | None:
        """It needs no package."""
        return None

    def build(self, handlers: Mapping[str, Handler]) -> object:
        """See `diag.frameworks.Framework`."""

        async def ping() -> dict[str, bool]:
            return {"pong": True}

        return StreamsApp({**handlers, "/ping": ping})


class StreamsApp:
    """Answers the requests of one connection after the other.

    Attributes:
        begin: called with the connection's writer when a request begins.
    """

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)
        self.begin: Callable[[asyncio.StreamWriter], object] = _nothing

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection until either side has had enough."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.begin(writer)
                method, path, keep_alive, length = read_head(head)
                if length:
                    await reader.readexactly(length)
                status, content = await self._answer(method, path)
                writer.write(response(status, content, keep_alive=keep_alive))
                await writer.drain()
                if not keep_alive:
                    break
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            pass  # the client is gone, or speaks something else
        finally:
            writer.close()

    async def _answer(self, method: str, path: str) -> tuple[HTTPStatus, object]:
        handler = self._handlers.get(path.partition("?")[0])
        if handler is None:
            return HTTPStatus.NOT_FOUND, {"found": False}
        if method != "GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, {"allowed": "GET"}
        try:
            return HTTPStatus.OK, await cast("Awaitable[object]", handler())
        except Exception:  # noqa: BLE001  # as every server does: the connection goes on
            traceback.print_exc()
            return HTTPStatus.INTERNAL_SERVER_ERROR, {"ok": False}


def read_head(head: bytes) -> tuple[str, str, bool, int]:
    """Method, path, whether the connection is kept, and the body's length.

    Raises:
        ValueError: it is no HTTP/1 request.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, version = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    connection = headers.get("connection", "").lower()
    keep_alive = connection == "keep-alive" if version == "HTTP/1.0" else connection != "close"
    return method, path, keep_alive, int(headers.get("content-length", "0"))


def response(status: HTTPStatus, content: object, *, keep_alive: bool) -> bytes:
    """A whole answer in JSON."""
    body = json.dumps(content).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(body)}\r\n"
        f"connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _nothing(_writer: asyncio.StreamWriter) -> None:
    """Nobody watches."""


FRAMEWORK = AsyncioFramework()
