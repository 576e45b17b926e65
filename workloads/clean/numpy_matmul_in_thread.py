"""A matrix product in a thread: the counterpart of ../numpy_matmul.py.

Why it is clean: BLAS computes without the GIL, so the loop's thread runs beside it.
What remains: BLAS takes every core. On a busy machine the loop waits for the CPU, which is the machine's
    fault (run-queue wait) and not a block.
Why a thread of its own, and one only: more threads that compute than cores to compute on leave the loop
    without a core, and a thread that loses its core while it holds the GIL stops the loop.
"""

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import diag

POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="multiply")


@functools.cache
def matrices(size: int) -> tuple[np.ndarray, ...]:
    return np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size))


def product_of(size: int) -> float:
    a, b, product = matrices(size)
    np.matmul(a, b, out=product)
    return float(product[0, 0])


@diag.workload(
    kind="cpu",
    params={"size": 1_500},
    expect=diag.Clean(because="another thread multiplies, and BLAS does not hold the GIL meanwhile"),
)
async def numpy_matmul_in_thread(size: int) -> float:
    return await asyncio.get_running_loop().run_in_executor(POOL, product_of, size)
