"""Five products of two random arrays in one request, as the preset `numpy-gather` serves them.

Where it comes from: a comparison in which Flask took 71 s and FastAPI 31.9 s for arrays of
    (10000, 10000), "because FastAPI runs async functions in parallel".
What blocks: `tolist()` makes a Python object of each number. Nothing here awaits anything, so gathered
    or not, the five products are computed one after the other on one thread.
Cause: on the CPU, holding the GIL.
Who suffers: every other request; and, gathered, the memory: all five lists are alive at the end.
What fixes it: to leave the numbers in their array; and a process for what computes.
"""

import asyncio

import numpy as np

import diag

TOGETHER = 5


async def product(size: int, lists: bool) -> object:
    random = np.random.default_rng()
    first, second = random.random((size, size)), random.random((size, size))
    result = first * second
    if not lists:
        return result
    return result.tolist()


@diag.workload(
    kind="cpu",
    params={"size": 1_000, "lists": True},
    expect=diag.Blocks(at="return result.tolist()", cause="on-cpu-gil"),
)
async def one_after_another(size: int, lists: bool) -> None:
    for _ in range(TOGETHER):
        await product(size, lists)


@diag.workload(
    kind="cpu",
    params={"size": 1_000, "lists": True},
    expect=diag.Blocks(at="return result.tolist()", cause="on-cpu-gil"),
)
async def gathered(size: int, lists: bool) -> None:
    await asyncio.gather(*(product(size, lists) for _ in range(TOGETHER)))
