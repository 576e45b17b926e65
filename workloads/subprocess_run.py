"""A `subprocess.run` inside an async handler.

What blocks: `run` starts a program and waits until it has ended.
Cause: waiting; the program uses its own CPU time, this thread uses none.
Who suffers: every other request, for as long as the program runs.
What fixes it: `asyncio.create_subprocess_exec`, if the program is seldom needed; it still starts it on the
    loop. One program that is started once otherwise. See clean/subprocess_worker.py.
"""

import asyncio
import subprocess

import diag


async def subprocess_run_async(seconds: float) -> int:
    process = await asyncio.create_subprocess_exec("sleep", str(seconds))
    return await process.wait()


@diag.workload(
    kind="io",
    native=subprocess_run_async,
    params={"seconds": 0.06},
    expect=diag.Blocks(at='subprocess.run(["sleep"', cause="waiting"),
)
def subprocess_run(seconds: float) -> int:
    done = subprocess.run(["sleep", str(seconds)], check=False)
    return done.returncode
