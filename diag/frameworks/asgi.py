"""A bare ASGI callable: what is left when the framework is taken away."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Literal, cast

from diag.frameworks.built import BuiltOnly

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class AsgiFramework(BuiltOnly):
    """A dictionary of paths. There is no thread pool for `def` handlers: every handler is an `async def`."""

    name = "asgi"
    interface: Literal["asgi", "wsgi", "streams"] = "asgi"
    handlers: tuple[Literal["async", "def"], ...] = ("async",)

    def unavailable(self) -> str | None:
        """It needs no package."""
        return None

    def build(self, handlers: Mapping[str, Callable[[], object]]) -> object:
        """See `diag.frameworks.Framework`."""
        answers = {**handlers, "/ping": _ping}

        async def app(scope: _Scope, receive: _Receive, send: _Send) -> None:
            if scope["type"] == "lifespan":
                await _live(receive, send)
                return
            if scope["type"] != "http":
                raise NotImplementedError(f"no {scope['type']} here")
            handler = answers.get(scope["path"])
            if handler is None:
                await _answer(send, 404, {"found": False})
            else:
                await _answer(send, 200, await cast("Awaitable[object]", handler()))

        return app


async def _ping() -> dict[str, bool]:
    return {"pong": True}


async def _live(receive: _Receive, send: _Send) -> None:
    """Say yes to start and end."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _answer(send: _Send, status: int, content: object) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


FRAMEWORK = AsgiFramework()
