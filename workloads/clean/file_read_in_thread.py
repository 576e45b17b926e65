"""Reading a big file in a thread: the counterpart of ../file_read.py.

Why it is clean: a read gives the GIL back while the kernel copies, so the loop's thread runs beside it.
Why a thread of its own, and one only: more threads that compute than cores to compute on leave the loop
    without a core, and a thread that loses its core while it holds the GIL stops the loop.

The file is made at the first call: a hole without data, so nothing is written to the disk, and without a
name, so nothing is left behind.
"""

import asyncio
import functools
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

import diag

POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read")
MIB = 1 << 20
PIECE = 4 * MIB


@functools.cache
def big_file(mebibytes: int) -> BinaryIO:
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # open as long as the process lives
    file.truncate(mebibytes * MIB)
    return file


@functools.cache
def buffer() -> bytearray:
    return bytearray(PIECE)


def read_all(mebibytes: int, passes: int) -> int:
    descriptor = big_file(mebibytes).fileno()
    offsets = range(0, mebibytes * MIB, PIECE)
    piece = buffer()
    return sum(os.preadv(descriptor, [piece], offset) for _ in range(passes) for offset in offsets)


@diag.workload(
    kind="io",
    params={"mebibytes": 64, "passes": 24},
    expect=diag.Clean(because="another thread reads, and the kernel copies without the GIL"),
)
async def file_read_in_thread(mebibytes: int, passes: int) -> int:
    return await asyncio.get_running_loop().run_in_executor(POOL, read_all, mebibytes, passes)
