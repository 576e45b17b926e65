"""A program that is started once and then talked to: the counterpart of ../subprocess_run.py.

Why it is clean: the loop sends the program a line and awaits a line; it serves others meanwhile.
Why not `asyncio.create_subprocess_exec` for each request: it awaits the program's end, but it starts the
    program on the loop, which stands still until the new process has replaced its memory by the program's:
    half a millisecond here on an idle machine, and 11 ms with four busy processes beside it.
What becomes of the program: it reads its end of the socket, and ends when this process does.
"""

import asyncio
import functools
import socket
import subprocess

import diag

PROGRAM = 'while read seconds; do sleep "$seconds"; echo done; done'
ONE_AT_A_TIME = asyncio.Lock()


@functools.cache
def started() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair()
    with theirs:
        program = subprocess.Popen(["sh", "-c", PROGRAM], stdin=theirs, stdout=theirs)
    ours.setblocking(False)
    return ours, program


@diag.workload(
    kind="io",
    params={"seconds": 0.06},
    expect=diag.Clean(because="the program's answer is awaited, so the loop serves others meanwhile"),
)
async def subprocess_worker(seconds: float) -> str:
    loop = asyncio.get_running_loop()
    async with ONE_AT_A_TIME:
        connection, _ = started()
        await loop.sock_sendall(connection, f"{seconds}\n".encode())
        answer = await loop.sock_recv(connection, 100)
    return answer.decode().strip()
