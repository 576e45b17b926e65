"""An asynchronous HTTP call: the counterpart of ../http_call.py.

Why it is clean: the loop serves others between the request and its answer.
What remains: httpx uses the loop's CPU for about a millisecond a call, in many small steps; a hundred calls
    at once would be a convoy (see ../convoy.py). Hence four users here.

The slow server is a child process on a free port of 127.0.0.1. It is started at the first call, takes
nothing from this process's GIL, and ends with this process.
"""

import functools
import socket
import subprocess
import sys

import httpx

import diag

# A server that waits for as many seconds as the path says, then answers; it ends with this process, when
# its standard input ends. (`-I`: it has nothing to do with this process's environment.)
SERVER = """
import asyncio, socket, sys

async def answer(reader, writer):
    path = (await reader.readuntil(b"\\r\\n\\r\\n")).split()[1]
    await asyncio.sleep(float(path.strip(b"/")))
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nConnection: close\\r\\n\\r\\nsunny")
    await writer.drain()
    writer.close()

async def main():
    await asyncio.start_server(answer, sock=socket.socket(fileno=int(sys.argv[1])))
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@functools.cache
def slow_server() -> tuple[str, subprocess.Popen[bytes]]:
    # The kernel accepts connections as soon as the socket listens, so nobody waits for the child's start.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.fileno()
        command = [sys.executable, "-I", "-c", SERVER, str(number)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[number])
        return f"http://127.0.0.1:{listener.getsockname()[1]}", process


@functools.cache
def client() -> httpx.AsyncClient:
    # Neither proxies from the environment nor certificates are needed to reach 127.0.0.1.
    return httpx.AsyncClient(trust_env=False, verify=False)


@diag.workload(
    kind="io",
    params={"seconds": 0.06},
    users=4,
    expect=diag.Clean(because="the answer is awaited, so the loop serves others meanwhile"),
)
async def http_async_client(seconds: float) -> str:
    url, _ = slow_server()
    answer = await client().get(f"{url}/{seconds}")
    return answer.text
