"""Each request has a loop of its own, which is closed when it is answered."""

from __future__ import annotations

import asyncio

from diag.strategies import Forms
from diag.strategies.loop_per_request import LoopPerRequest


def test_each_call_makes_a_loop_and_closes_it() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())

    handler = LoopPerRequest().handler(Forms(native=work))
    assert [handler(), handler()] == [{"ok": True}] * 2
    assert len(set(map(id, loops))) == 2
    assert all(loop.is_closed() for loop in loops)
