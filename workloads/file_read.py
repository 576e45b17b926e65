"""Reading a big file inside an async handler.

What blocks: a 64 MiB file, read 24 times over in pieces of 4 MiB.
Cause: on the CPU without the GIL. That surprises: the file is in the page cache after the first time, and
    then a read is the kernel copying memory on this thread's time. A read that has to wait for a disk or
    a network file system would be waiting. Either way the loop stands still.
Who suffers: every other request on the loop.
What fixes it: a thread. (There is no readiness to await: to `epoll` a file is always ready.)
    See clean/file_read_in_thread.py.

The file is made at the first call: a hole without data, so nothing is written to the disk, and without a
name, so nothing is left behind.
"""

import functools
import os
import tempfile
from typing import BinaryIO

import diag

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


@diag.workload(
    kind="io",
    params={"mebibytes": 64, "passes": 24},
    expect=diag.Blocks(at="os.preadv(descriptor, [piece], offset)", cause="on-cpu-no-gil"),
)
def file_read(mebibytes: int, passes: int) -> int:
    descriptor = big_file(mebibytes).fileno()
    offsets = range(0, mebibytes * MIB, PIECE)
    piece = buffer()
    return sum(os.preadv(descriptor, [piece], offset) for _ in range(passes) for offset in offsets)
