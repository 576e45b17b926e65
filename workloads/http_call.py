"""A synchronous HTTP call inside an async handler.

What blocks: `httpx.get` (or `requests.get`, `urlopen`) waits for a server that takes 60 ms to answer.
Cause: waiting.
Who suffers: every other request, for as long as somebody else's server takes.
What fixes it: an asynchronous client. See clean/http_async_client.py.

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


# Neither proxies from the environment nor certificates are needed to reach 127.0.0.1.
LOCAL = {"trust_env": False, "verify": False}


async def http_call_async(seconds: float) -> str:
    url, _ = slow_server()
    async with httpx.AsyncClient(**LOCAL) as client:
        return (await client.get(f"{url}/{seconds}")).text


@diag.workload(
    kind="io",
    native=http_call_async,
    params={"seconds": 0.06},
    expect=diag.Blocks(at="answer = client.get(", cause="waiting"),
)
def http_call(seconds: float) -> str:
    url, _ = slow_server()
    with httpx.Client(**LOCAL) as client:
        answer = client.get(f"{url}/{seconds}")
    return answer.text
