"""A `time.sleep` inside an async handler: the question that everybody asks first.

Where it comes from: "Why does my FastAPI endpoint with `time.sleep(10)` serve one request at a time?"
    Ten seconds are scaled down here; `--param seconds=10` gives the original back.
What blocks: `time.sleep` puts the thread to sleep, and the event loop lives on that thread.
Cause: waiting; no CPU is used, and every other request waits all the same.
Who suffers: every request that arrives during the sleep, `/health` included.
What fixes it: `await asyncio.sleep`, or a plain `def` handler. See clean/asyncio_sleep.py.
"""

import asyncio
import time

import diag


async def blocking_sleep_async(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slept"


@diag.workload(
    kind="io",
    native=blocking_sleep_async,
    params={"seconds": 0.08},
    expect=diag.Blocks(
        at="time.sleep(seconds)", cause="waiting", victims="every request that arrives during the sleep"
    ),
)
def blocking_sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"
