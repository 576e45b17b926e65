"""Many small steps at once: no single one is long, together they hold the loop.

What blocks: `gather` starts twenty tasks, and the loop runs all that are ready before it looks at its
    sockets again: twenty steps of 4 ms are 75 ms in which nobody else is served.
Cause: on the CPU, holding the GIL. A detector that looks at one step at a time reports nothing.
Who suffers: every other request.
What fixes it: one step at a time, with the others in between; or another process.
    See clean/spread_steps.py.
"""

import asyncio

import diag


async def step(size: int) -> int:
    return sum(i * i for i in range(size))


@diag.workload(
    kind="cpu",
    params={"steps": 20, "size": 120_000},
    expect=diag.Blocks(at="sum(i * i for i in range(size))", cause="on-cpu-gil", convoy=True),
)
async def convoy(steps: int, size: int) -> int:
    return sum(await asyncio.gather(*(step(size) for _ in range(steps))))
