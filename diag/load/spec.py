"""What load to make: frozen values that survive a trip through JSON.

A wrong value raises ValueError, and the message starts with the field it is about:
`streams[0].requests[1].weight: expected an integer of at least 1, got 0`.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_PATH = re.compile(r"[!-~]+")  # printable ASCII without spaces: nothing that could split the request line
_HEADER_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_OURS = {"content-length", "transfer-encoding", "connection"}  # the generator writes these itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of a stream; `weight` is its share in each round."""

    method: str = "GET"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    """Additional headers; Host, Content-Length and Connection are written by the generator."""
    body: bytes = b""
    weight: int = 1
    label: str = ""
    """The route as reports show it; "GET /path" unless given."""

    def __post_init__(self) -> None:
        """Check the fields, and make the label."""
        _matches("method", self.method, _TOKEN, "an HTTP method")
        _matches("path", self.path, _PATH, "a path without spaces, percent-encoded")
        if not self.path.startswith("/") and self.path != "*":
            _refuse("path", "a path that starts with /", self.path)
        _check("body", self.body, bytes, "bytes")
        _integer("weight", self.weight, least=1)
        _check("label", self.label, str, "a string")
        _check("headers", self.headers, tuple, "a tuple of pairs")
        for index, pair in enumerate(self.headers):
            if not isinstance(pair, tuple) or len(pair) != 2:
                _refuse(f"headers[{index}]", "a pair of name and value", pair)
            _matches(f"headers[{index}]", pair[0], _TOKEN, "a header name")
            _matches(f"headers[{index}]", pair[1], _HEADER_VALUE, "a header value on one line")
            if pair[0].lower() in _OURS:
                _refuse(f"headers[{index}]", "a header that the generator does not write itself", pair[0])
        if not self.label:
            object.__setattr__(self, "label", f"{self.method} {self.path}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A fixed number of users; each sends again when answered, after an optional think time."""

    users: int
    think_ns: int = 0
    """Pause between an answer and the next request. Users then start spread over one pause."""

    def __post_init__(self) -> None:
        """Check the fields."""
        _integer("users", self.users, least=1)
        _integer("think_ns", self.think_ns, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Arrivals at a rate, whatever the server does; latency counts from the intended send time."""

    rate: float
    """Requests per second."""
    arrivals: Literal["constant", "poisson"] = "constant"
    connections: int = 16
    """Opened before the clock starts."""
    max_connections: int = 256
    """When all are busy more are opened, up to here; beyond it requests queue in the generator."""
    offsets_ns: tuple[int, ...] = ()
    """Arrivals that were seen, as ns after the start and in order, instead of `rate` and `arrivals`."""
    order: tuple[int, ...] = ()
    """With `offsets_ns`: which of the stream's requests each arrival is."""

    def __post_init__(self) -> None:
        """Check the fields."""
        self._check_schedule()
        if isinstance(self.rate, bool) or not isinstance(self.rate, int | float) or not 0 < self.rate < 1e7:
            _refuse("rate", "a number of requests per second above 0", self.rate)
        _one_of("arrivals", self.arrivals, ("constant", "poisson"))
        _integer("connections", self.connections, least=0)
        _integer("max_connections", self.max_connections, least=1)
        if self.max_connections < self.connections:
            _refuse("max_connections", f"at least connections ({self.connections})", self.max_connections)

    def _check_schedule(self) -> None:
        for field in ("offsets_ns", "order"):
            _check(field, getattr(self, field), tuple, "a tuple of integers")
            for index, number in enumerate(getattr(self, field)):
                _integer(f"{field}[{index}]", number, least=0)
        if len(self.order) != len(self.offsets_ns):
            _refuse("order", f"as many as offsets_ns ({len(self.offsets_ns)})", len(self.order))
        if any(after < before for before, after in itertools.pairwise(self.offsets_ns)):
            _refuse("offsets_ns", "times in order", "others")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Requests, and how they are sent; several streams run at once."""

    requests: tuple[Request, ...]
    load: Closed | Open
    name: str = ""
    duration_ns: int | None = None
    """Send for so long; None: until the total, or until told to stop."""
    total: int | None = None
    """Send so many requests; None: as many as the duration allows."""
    keep_alive: bool = True
    """False: a connection per request, opened by the request and counted in its latency."""
    http: Literal["1.1", "1.0"] = "1.1"
    timeout_ns: int = 30_000_000_000
    """Give a request up so long after it was sent, or a connection so long after it was begun (seen to
    every 50 ms)."""

    def __post_init__(self) -> None:
        """Check the fields."""
        _check("requests", self.requests, tuple, "a tuple of requests")
        if not self.requests:
            _refuse("requests", "at least one request", self.requests)
        for index, request in enumerate(self.requests):
            _check(f"requests[{index}]", request, Request, "a Request")
        if not isinstance(self.load, Closed | Open):
            _refuse("load", "Closed or Open", self.load)
        if isinstance(self.load, Open) and max(self.load.order, default=0) >= len(self.requests):
            _refuse("load.order", f"numbers below {len(self.requests)}", max(self.load.order))
        _check("name", self.name, str, "a string")
        for field in ("duration_ns", "total"):
            if getattr(self, field) is not None:
                _integer(field, getattr(self, field), least=1)
        _check("keep_alive", self.keep_alive, bool, "true or false")
        _one_of("http", self.http, ("1.1", "1.0"))
        _integer("timeout_ns", self.timeout_ns, least=1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSpec:
    """Everything that the generator's process has to know."""

    port: int
    streams: tuple[Stream, ...]
    host: str = "127.0.0.1"
    """Loopback only: diag measures programs on this machine and is no tool against others."""
    records: Literal["full", "histogram"] = "full"
    """"histogram" keeps no record of each request: for ceilings and runs of millions."""
    records_path: str | None = None
    """Where the records go; needed if they are kept."""
    seed: int = 0
    cpu: int | None = None
    """Pin the generator to this core."""
    connect_timeout_ns: int = 5_000_000_000
    """Wait so long for the first connections before the clock starts."""
    drain_ns: int = 5_000_000_000
    """Wait so long for answers after sending has stopped."""
    spin_ns: int = 200_000
    """Spin instead of sleep for the last part of a wait for an arrival or the end of a think time.

    A sleep here ended 20 to 50 µs late (90 % of them), epoll's milliseconds and the timer slack being
    avoided; with 200 µs of spinning 90 % of arrivals were sent within 1 µs, as with 500 µs, for a third
    of the CPU time.
    """

    def __post_init__(self) -> None:
        """Check the fields."""
        _check("host", self.host, str, "a host name or address")
        _integer("port", self.port, least=1, most=65_535)
        _check("streams", self.streams, tuple, "a tuple of streams")
        if not self.streams:
            _refuse("streams", "at least one stream", self.streams)
        for index, stream in enumerate(self.streams):
            _check(f"streams[{index}]", stream, Stream, "a Stream")
        _one_of("records", self.records, ("full", "histogram"))
        if self.records_path is not None:
            _check("records_path", self.records_path, str, "a path")
        if self.records == "full" and not self.records_path:
            _refuse("records_path", "a path (or records='histogram', which keeps none)", self.records_path)
        _integer("seed", self.seed)
        if self.cpu is not None:
            _integer("cpu", self.cpu, least=0)
        for field in ("connect_timeout_ns", "drain_ns", "spin_ns"):
            _integer(field, getattr(self, field), least=0)

    def to_json(self) -> str:
        """Give one line of JSON that `from_json` reads back as an equal spec."""
        return json.dumps(_plain(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> LoadSpec:
        """Read a spec; raise ValueError that names the first wrong field."""
        try:
            raw = json.loads(line)
        except ValueError as error:
            msg = f"spec: not JSON: {error}"
            raise ValueError(msg) from None
        return _build(cls, raw, streams=_each(_stream))


_Convert: TypeAlias = "Callable[[Any], Any]"
_T = TypeVar("_T", LoadSpec, Stream, Request, Closed, Open)


def _stream(raw: Any) -> Stream:
    return _build(Stream, raw, requests=_each(_request), load=_load)


def _request(raw: Any) -> Request:
    return _build(Request, raw, headers=_each(_pair), body=_bytes)


def _load(raw: Any) -> Closed | Open:
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if kind not in ("closed", "open"):
        _refuse("kind", "'closed' or 'open'", kind)
    rest = {key: value for key, value in raw.items() if key != "kind"}
    if kind == "closed":
        return _build(Closed, rest)
    return _build(Open, rest, offsets_ns=_numbers, order=_numbers)


def _numbers(raw: Any) -> Any:
    return tuple(raw) if isinstance(raw, list) else raw


def _pair(raw: Any) -> Any:
    return tuple(raw) if isinstance(raw, list) else raw


def _bytes(raw: Any) -> bytes:
    try:
        return base64.b64decode(raw, validate=True)
    except (TypeError, ValueError, binascii.Error):
        _refuse("", "base64", raw)


def _each(convert: _Convert) -> _Convert:
    def convert_all(raw: Any) -> tuple[Any, ...]:
        if not isinstance(raw, list):
            _refuse("", "a list", raw)
        return tuple(_under(f"[{index}]", convert, item) for index, item in enumerate(raw))

    return convert_all


def _build(cls: type[_T], raw: Any, **converts: _Convert) -> _T:
    if not isinstance(raw, dict):
        _refuse("", f"an object with the fields of {cls.__name__}", raw)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in raw:
        if key not in fields:
            _refuse(str(key), f"a field of {cls.__name__} ({', '.join(fields)})", key)
    for name, field in fields.items():
        if name not in raw and field.default is dataclasses.MISSING:
            _refuse(name, "a value", None)
    return cls(**{
        key: _under(key, converts[key], value) if key in converts else value for key, value in raw.items()
    })  # fmt: skip


def _under(where: str, convert: _Convert, raw: Any) -> Any:
    try:
        return convert(raw)
    except ValueError as error:
        inner = str(error)
        raise ValueError(where + (inner if inner[:1] in "[:" else f".{inner}")) from None


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        plain = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        if isinstance(value, Closed | Open):
            plain["kind"] = type(value).__name__.lower()
        return plain
    return value


def _refuse(field: str, expected: str, got: object) -> NoReturn:
    msg = f"{field}: expected {expected}, got {got!r}"
    raise ValueError(msg)


def _check(field: str, value: object, kind: type, expected: str) -> None:
    if not isinstance(value, kind):
        _refuse(field, expected, value)


def _integer(field: str, value: object, *, least: int | None = None, most: int | None = None) -> None:
    limits = "" if least is None else f" of at least {least}"
    limits += "" if most is None else f" and at most {most}"
    if not isinstance(value, int) or isinstance(value, bool):
        _refuse(field, f"an integer{limits}", value)
    if (least is not None and value < least) or (most is not None and value > most):
        _refuse(field, f"an integer{limits}", value)


def _one_of(field: str, value: object, names: tuple[str, ...]) -> None:
    if value not in names:
        _refuse(field, " or ".join(map(repr, names)), value)


def _matches(field: str, value: object, pattern: re.Pattern[str], expected: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        _refuse(field, expected, value)
