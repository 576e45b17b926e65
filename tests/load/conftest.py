"""Real servers on real sockets for the load generator: a well-behaved one and one that does as scripted."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from diag.load.client import LoadProcess
from diag.load.spec import Closed, LoadSpec, Request, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from diag.load.records import Records
    from diag.load.result import LoadResult

MS = 1_000_000
S = 1_000_000_000


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        body = b"hello " + self.path.encode()
        self.server.seen.append((self.command, self.path, self.request_version, self.client_address[1]))  # type: ignore[attr-defined]
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body)  # type: ignore[attr-defined]
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, str, int]] = []
        self.bodies: list[bytes] = []

    @property
    def port(self) -> int:
        return self.server_address[1]

    def handle_error(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    """An HTTP/1.1 server that keeps connections alive and remembers what it was asked."""
    with _Server() as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield http
        http.shutdown()
        thread.join()


class Scripted:
    """A server whose every connection is handled by a function of the test."""

    def __init__(
        self, script: Callable[[socket.socket, int], None], listener: socket.socket | None = None
    ) -> None:
        self._script = script
        self._listener = listener or socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number, self.connections = self.connections, self.connections + 1
            self._open.append(sock)
            threading.Thread(target=self._handle, args=(sock, number), daemon=True).start()

    def _handle(self, sock: socket.socket, number: int) -> None:
        with sock, contextlib.suppress(OSError):
            self._script(sock, number)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Make a server out of a function of (socket, number of the connection)."""
    servers: list[Scripted] = []

    def make(script: Callable[[socket.socket, int], None], listener: socket.socket | None = None) -> Scripted:
        servers.append(Scripted(script, listener))
        return servers[-1]

    yield make
    for one in servers:
        one.close()


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that is taken and on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def make_spec(tmp_path: Path) -> Callable[..., LoadSpec]:
    """Make a spec of one stream, closed and with one user unless told otherwise."""

    def make(port: int, *streams: Stream, load: Any = None, requests: Any = None, **fields: Any) -> LoadSpec:
        of_spec = {"drain_ns", "connect_timeout_ns", "seed", "cpu", "records", "host", "spin_ns"} & set(
            fields
        )
        outer = {name: fields.pop(name) for name in of_spec}
        if not streams:
            streams = (Stream(requests=requests or (Request(),), load=load or Closed(users=1), **fields),)
        return LoadSpec(port=port, streams=streams, records_path=str(tmp_path / "records.bin"), **outer)

    return make


@pytest.fixture
def run(make_spec: Callable[..., LoadSpec]) -> Callable[..., tuple[LoadResult, Records]]:
    """Run a load to its end; give its result and its records."""

    def run_load(port: int, *streams: Stream, **fields: Any) -> tuple[LoadResult, Records]:
        with LoadProcess(make_spec(port, *streams, **fields)) as load:
            load.begin()
            result = load.result(timeout_s=30)
            return result, load.records()

    return run_load
