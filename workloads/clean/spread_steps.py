"""Small steps with others in between: the counterpart of ../convoy.py.

Why it is clean: a step takes 1 ms, and after each one the loop looks at its sockets again.
Why a lock: `await asyncio.sleep(0)` lets everybody else run once; if twenty requests all did steps at
    the same time, that would be a convoy again. They take turns.
What it costs: the same CPU time as before, so an answer comes no sooner; the others just need not wait.
"""

import asyncio

import diag

ONE_AT_A_TIME = asyncio.Lock()


@diag.workload(
    kind="cpu",
    params={"steps": 75, "size": 32_000},
    expect=diag.Clean(because="a step takes 1 ms and never runs together with another one"),
)
async def spread_steps(steps: int, size: int) -> int:
    total = 0
    async with ONE_AT_A_TIME:
        for _ in range(steps):
            total += sum(i * i for i in range(size))
            await asyncio.sleep(0)
    return total
