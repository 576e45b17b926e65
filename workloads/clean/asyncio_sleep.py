"""Waiting without blocking: the counterpart of ../blocking_sleep.py.

Why it is clean: `await asyncio.sleep` sets a timer and gives the loop back until it rings.
"""

import asyncio

import diag


@diag.workload(
    kind="io",
    params={"seconds": 0.08},
    expect=diag.Clean(because="the sleep is awaited, so the loop serves others meanwhile"),
)
async def asyncio_sleep(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slept"
