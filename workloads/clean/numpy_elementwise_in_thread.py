"""An element-wise product of numpy arrays in a thread: the counterpart of ../numpy_elementwise.py.

Why it is clean: numpy gives the GIL back for each large product, so the loop's thread runs beside it.
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
def arrays(size: int) -> tuple[np.ndarray, ...]:
    return np.zeros(size), np.zeros(size), np.zeros(size)


def products(size: int, passes: int) -> float:
    a, b, product = arrays(size)
    for _ in range(passes):
        np.multiply(a, b, out=product)
    return float(product[0])


@diag.workload(
    kind="cpu",
    params={"size": 2_000_000, "passes": 120},
    expect=diag.Clean(because="another thread multiplies, and it does not hold the GIL meanwhile"),
)
async def numpy_elementwise_in_thread(size: int, passes: int) -> float:
    return await asyncio.get_running_loop().run_in_executor(POOL, products, size, passes)
