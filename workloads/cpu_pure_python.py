"""Pure-Python computing inside an async handler.

What blocks: a sum of squares, two million of them, with no `await` in between.
Cause: on the CPU, holding the GIL.
Who suffers: every other request. A thread is half a fix: the loop then competes for the GIL and gets
    its turn only every 5 ms (`sys.getswitchinterval`).
What fixes it: another process, which has a GIL of its own. See clean/cpu_in_process_pool.py.
"""

import diag


@diag.workload(
    kind="cpu",
    params={"count": 2_000_000},
    expect=diag.Blocks(at="sum(i * i for i in range(count))", cause="on-cpu-gil"),
)
def cpu_pure_python(count: int) -> int:
    return sum(i * i for i in range(count))
