"""A blocking DNS lookup inside an async handler.

What blocks: a query is sent to a name server, and `recv` waits 60 ms for the answer.
Cause: waiting.
Who suffers: every other request; and nobody suspects a name lookup, since it is hidden inside
    `connect`, `requests.get` or a database driver.
What fixes it: `loop.getaddrinfo` (which uses a thread) or a resolver that speaks asyncio.
    See clean/async_dns.py.

Why not `socket.getaddrinfo`? Which server that asks, and how long it takes, is up to the machine
(/etc/resolv.conf, caches, whether there is a network at all), and a workload must behave the same
everywhere and must not touch those settings. So this is what a resolver library such as dnspython does:
one UDP query, one blocking receive. The slow name server is a child process on a free port of 127.0.0.1;
it is started at the first call and ends with this process.
"""

import asyncio
import functools
import socket
import struct
import subprocess
import sys

import diag

# Query 7, recursion desired: one question, for the address (type 1, class 1) of db.example.
QUERY = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + b"\x02db\x07example\x00" + struct.pack(">2H", 1, 1)

# A name server that waits for as many seconds as it was told, then answers; it ends with this process, when
# its standard input ends. (`-I`: it has nothing to do with this process's environment.)
# Its answer: the name at offset 12 of the query, type 1, class 1, good for 60 s, 4 bytes: 192.0.2.7.
SERVER = """
import asyncio, socket, struct, sys

class Names(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, query, client):
        answer = struct.pack(">3HIH4B", 0xC00C, 1, 1, 60, 4, 192, 0, 2, 7)
        reply = query[:2] + struct.pack(">5H", 0x8180, 1, 1, 0, 0) + query[12:] + answer
        seconds = float(sys.argv[2])
        asyncio.get_running_loop().call_later(seconds, self.transport.sendto, reply, client)

async def main():
    names = socket.socket(fileno=int(sys.argv[1]))
    await asyncio.get_running_loop().create_datagram_endpoint(Names, sock=names)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@functools.cache
def slow_name_server(seconds: float) -> tuple[tuple[str, int], subprocess.Popen[bytes]]:
    # The kernel keeps queries as soon as the socket is bound, so nobody waits for the child's start.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names:
        names.bind(("127.0.0.1", 0))
        number = names.fileno()
        command = [sys.executable, "-I", "-c", SERVER, str(number), str(seconds)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[number])
        return names.getsockname(), process


async def blocking_dns_async(seconds: float) -> str:
    address, _ = slow_name_server(seconds)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        resolver.connect(address)
        resolver.setblocking(False)
        resolver.send(QUERY)
        reply = await asyncio.get_running_loop().sock_recv(resolver, 512)
    return socket.inet_ntoa(reply[-4:])


@diag.workload(
    kind="io",
    native=blocking_dns_async,
    params={"seconds": 0.06},
    expect=diag.Blocks(at="reply = resolver.recv(512)", cause="waiting"),
)
def blocking_dns(seconds: float) -> str:
    address, _ = slow_name_server(seconds)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        resolver.settimeout(5)
        resolver.connect(address)
        resolver.send(QUERY)
        reply = resolver.recv(512)
    return socket.inet_ntoa(reply[-4:])
