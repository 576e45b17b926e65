"""A matrix product inside an async handler.

What blocks: a product of two 1500 × 1500 matrices, computed by the BLAS library that numpy brings.
Cause: on the CPU without the GIL.
Who suffers: every other request on the loop; and, since BLAS uses as many threads as there are cores,
    everything else on the machine too. Several at once make each other slower; `OPENBLAS_NUM_THREADS=1`
    (set before numpy is imported) gives each one core.
What fixes it: a thread. See clean/numpy_matmul_in_thread.py.
Why zeros: `np.zeros` is quick at the first call, and a product of zeros takes as long as any other.
"""

import functools

import numpy as np

import diag


@functools.cache
def matrices(size: int) -> tuple[np.ndarray, ...]:
    return np.zeros((size, size)), np.zeros((size, size)), np.zeros((size, size))


@diag.workload(
    kind="cpu",
    params={"size": 1_500},
    expect=diag.Blocks(
        at="np.matmul(a, b, out=product)",
        cause="on-cpu-no-gil",
        victims="every other request on the loop, and whatever else needs the cores that BLAS takes",
    ),
)
def numpy_matmul(size: int) -> float:
    a, b, product = matrices(size)
    np.matmul(a, b, out=product)
    return float(product[0, 0])
