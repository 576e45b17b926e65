"""Requests as the bytes that are sent, made once before the clock starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from diag.load.spec import LoadSpec, Request, Stream

# RFC 9110, 9.2.2: only these may be sent twice without asking.
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

Row = tuple[int, int, int, int, int, int, int, int, int]
"""A record in the order of `records.FIELDS`."""


class WireRequest:
    """A request ready to be sent, what is known of its answers, and the rows not written yet."""

    __slots__ = (
        "add",
        "heads",
        "idempotent",
        "index",
        "is_head",
        "last_head",
        "last_known",
        "rows",
        "size",
        "stream",
        "wire",
    )

    def __init__(self, stream: int, index: int, wire: bytes, method: str) -> None:
        """Hold the bytes `wire` of request `index` of the stream number `stream`."""
        self.stream = stream
        self.index = index
        self.wire = wire
        self.size = len(wire)
        self.is_head = method == "HEAD"
        self.idempotent = method in _IDEMPOTENT
        self.rows: list[Row] = []
        self.add: Callable[[Row], None] = self.rows.append
        self.heads: dict[bytes, tuple[int, int, int]] = {}
        """Heads of answers seen: the exact bytes, to (status, bytes of the whole answer, of its body).

        Servers repeat a head byte for byte until the date in it changes, so nearly every answer is
        recognised without being parsed. It is kept per request since HEAD changes what a head means.
        """
        self.last_head = b"\0"
        """The head learned last, with its empty line: most answers begin with it, and comparing costs
        0.15 µs less than looking up. Nothing begins with the initial value."""
        self.last_known = (0, 0, 0)


NO_REQUEST = WireRequest(-1, -1, b"", "")
"""What a connection carries that carries nothing: None would cost the hot loop a test."""


def encode(spec: LoadSpec, stream: Stream, request: Request) -> bytes:
    """Give the request's bytes."""
    given = {name.lower() for name, _ in request.headers}
    lines = [f"{request.method} {request.path} HTTP/{stream.http}"]
    if "host" not in given:
        host = f"[{spec.host}]" if ":" in spec.host else spec.host
        lines.append(f"Host: {host}:{spec.port}")
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.body or request.method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(request.body)}")
    if stream.http == "1.0" and stream.keep_alive:
        lines.append("Connection: keep-alive")
    elif stream.http == "1.1" and not stream.keep_alive:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body
