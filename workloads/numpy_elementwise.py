"""An element-wise product of numpy arrays inside an async handler.

What blocks: two million products, 120 times over (as one image after another would be).
Cause: on the CPU without the GIL: numpy gives it back during the inner loop of a large array. (It keeps
    it for arrays of up to 500 elements and for arrays of Python objects.)
Who suffers: every other request on the loop.
What fixes it: a thread. See clean/numpy_elementwise_in_thread.py.
Why `out=`: `a * b` would ask for a new array each time, and finding the memory for it would be measured as
    well. Why zeros: `np.zeros` is quick at the first call, and a product of zeros takes as long as any other.
"""

import functools

import numpy as np

import diag


@functools.cache
def arrays(size: int) -> tuple[np.ndarray, ...]:
    return np.zeros(size), np.zeros(size), np.zeros(size)


@diag.workload(
    kind="cpu",
    params={"size": 2_000_000, "passes": 120},
    expect=diag.Blocks(at="np.multiply(a, b, out=product)", cause="on-cpu-no-gil"),
)
def numpy_elementwise(size: int, passes: int) -> float:
    a, b, product = arrays(size)
    for _ in range(passes):
        np.multiply(a, b, out=product)
    return float(product[0])
