"""Calls overlap where they await, and only there."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from diag.strategies import Forms
from diag.strategies.gather import TOGETHER, Gather


class Order:
    """Writes down when calls begin and end."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def sync(self) -> None:
        self.seen += ["begin", "end"]

    async def native(self) -> None:
        self.seen.append("begin")
        await asyncio.sleep(0)
        self.seen.append("end")


def answered(forms: Forms) -> object:
    handler = Gather().handler(forms)
    assert inspect.iscoroutinefunction(handler) is forms.on_loop
    return asyncio.run(handler()) if forms.on_loop else handler()


@pytest.mark.parametrize("on_loop", [True, False], ids=["on a loop", "in a loop of its own"])
@pytest.mark.parametrize("together", [0, 3])
def test_what_awaits_overlaps(on_loop: bool, together: int) -> None:
    order, number = Order(), together or TOGETHER
    forms = Forms(sync=order.sync, native=order.native, on_loop=on_loop, together=together)
    assert answered(forms) == {"ok": True}
    assert order.seen == ["begin"] * number + ["end"] * number


@pytest.mark.parametrize("on_loop", [True, False], ids=["on a loop", "in a loop of its own"])
def test_what_never_awaits_does_not(on_loop: bool) -> None:
    order = Order()
    assert answered(Forms(sync=order.sync, on_loop=on_loop)) == {"ok": True}
    assert order.seen == ["begin", "end"] * TOGETHER
