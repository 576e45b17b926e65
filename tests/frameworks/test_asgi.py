"""A bare ASGI callable keeps the protocol."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from diag.frameworks import get_framework


async def handle() -> dict[str, bool]:
    return {"ok": True}


APP = get_framework("asgi").build({"/work": handle})


def test_it_answers_and_knows_what_it_has_not() -> None:
    async def asked() -> list[tuple[int, object]]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://x") as client:
            answers = [await client.get(path) for path in ("/work", "/ping", "/nowhere")]
            return [(answer.status_code, answer.json()) for answer in answers]

    assert asyncio.run(asked()) == [(200, {"ok": True}), (200, {"pong": True}), (404, {"found": False})]


def test_it_says_yes_to_the_beginning_and_the_end() -> None:
    events = iter(["lifespan.startup", "lifespan.shutdown"])
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": next(events)}

    async def send(message: dict[str, str]) -> None:
        sent.append(message["type"])

    asyncio.run(APP({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_it_refuses_what_is_not_http() -> None:
    with pytest.raises(NotImplementedError, match="websocket"):
        asyncio.run(APP({"type": "websocket"}, None, None))
