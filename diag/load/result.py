"""What a load came to, per route, per stream and as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diag.load.histogram import Histogram
from diag.load.records import ErrorCode

if TYPE_CHECKING:
    from diag.load.spec import LoadSpec, Stream

BOUND_SHARE = 0.8
"""A generator that uses more of its core than this is the bottleneck itself (DESIGN.md, section 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestResult:
    """What became of one request of a stream: of one route."""

    label: str
    statuses: dict[int, int]
    """How many answers had which HTTP status."""
    errors: dict[ErrorCode, int]
    """How many requests got no answer, by why."""
    body_bytes: int
    latency: Histogram
    """ns from the intended send time to the complete answer, of all answered requests."""
    failed_after: Histogram
    """ns from the intended send time until a request without an answer was given up."""

    @property
    def answered(self) -> int:
        """How many requests got an answer, of whatever status."""
        return sum(self.statuses.values())

    @property
    def failed(self) -> int:
        """How many got none."""
        return sum(self.errors.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResult:
    """What became of a stream."""

    name: str
    requests: tuple[RequestResult, ...]
    connects: int
    """Connections opened, those before the start included."""
    reconnects: int
    """How many of them replaced an earlier one of the same slot."""
    retries: int
    """Requests sent again because the server closed an idle connection under them."""
    idle_closes: int
    """Idle connections that the server closed."""
    longest_queue: int
    """Most arrivals of an open stream that waited for a connection at once."""
    lag: Histogram
    """ns by which the generator itself was late for an arrival or the end of a think time."""

    @property
    def answered(self) -> int:
        """How many requests got an answer, of whatever status."""
        return sum(request.answered for request in self.requests)

    @property
    def failed(self) -> int:
        """How many got none."""
        return sum(request.failed for request in self.requests)

    @property
    def statuses(self) -> dict[int, int]:
        """How many answers had which HTTP status."""
        return _added(request.statuses for request in self.requests)

    @property
    def errors(self) -> dict[ErrorCode, int]:
        """How many requests got no answer, by why."""
        return _added(request.errors for request in self.requests)

    @property
    def latency(self) -> Histogram:
        """The latencies of all its requests."""
        return Histogram.merged(request.latency for request in self.requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load came to. Times are ns of CLOCK_MONOTONIC."""

    streams: tuple[StreamResult, ...]
    started_ns: int
    stopped_ns: int
    """When the last stream stopped sending."""
    ended_ns: int
    """When the last answer was in, or was given up."""
    cpu_ns: int
    """CPU time of the generator from start to stop, spinning included."""
    spun_ns: int
    """How much of it was spinning for arrivals."""
    runqueue_ns: int
    """How long the generator was ready and had no core: the machine's fault."""
    notes: tuple[str, ...]
    """What could not be done as asked, in sentences."""

    @property
    def wall_ns(self) -> int:
        """How long requests were sent."""
        return self.stopped_ns - self.started_ns

    @property
    def answered(self) -> int:
        """How many requests of all streams got an answer."""
        return sum(stream.answered for stream in self.streams)

    @property
    def failed(self) -> int:
        """How many got none."""
        return sum(stream.failed for stream in self.streams)

    @property
    def requests_per_s(self) -> float:
        """Answers per second of all streams, while requests were sent."""
        return self.answered * 1e9 / max(1, self.wall_ns)

    @property
    def utilisation(self) -> float:
        """Share of its core that the generator used for work; spinning is not work."""
        return max(0, self.cpu_ns - self.spun_ns) / max(1, self.wall_ns)

    @property
    def generator_bound(self) -> bool:
        """Whether the generator may have been the bottleneck: do not rank what it measured.

        Waiting for a core counts as use: a generator that never gets to rest is the bottleneck, whether
        its core is busy with it or with others.
        """
        return self.utilisation + self.runqueue_ns / max(1, self.wall_ns) > BOUND_SHARE

    @property
    def lag_p99_ns(self) -> int:
        """How late the generator itself was for 99 % of what had a due time; 0 if nothing had."""
        return Histogram.merged(stream.lag for stream in self.streams).percentile(99)


def read_result(spec: LoadSpec, summary: dict[str, Any], notes: list[str]) -> LoadResult:
    """Make the result of `spec` from the summary that the generator process sent."""
    streams = tuple(
        _stream_result(
            stream,
            index,
            form,
            [item for item in summary["requests"] if item["stream"] == index],
        )
        for index, (stream, form) in enumerate(zip(spec.streams, summary["streams"], strict=True))
    )
    times = ("started_ns", "stopped_ns", "ended_ns", "cpu_ns", "spun_ns", "runqueue_ns")
    return LoadResult(streams=streams, notes=tuple(notes), **{key: summary[key] for key in times})


def _stream_result(
    stream: Stream, index: int, form: dict[str, Any], requests: list[dict[str, Any]]
) -> StreamResult:
    counts = ("connects", "reconnects", "retries", "idle_closes", "longest_queue")
    return StreamResult(
        name=stream.name or f"stream {index}",
        requests=tuple(
            _request_result(request.label, item)
            for request, item in zip(stream.requests, requests, strict=True)
        ),
        lag=Histogram.from_json(form["lag"]),
        **{key: form[key] for key in counts},
    )


def _request_result(label: str, form: dict[str, Any]) -> RequestResult:
    statuses = {int(status): count for status, count in form["statuses"].items()}
    return RequestResult(
        label=label,
        statuses={status: count for status, count in statuses.items() if status > 0},
        errors={ErrorCode(status): count for status, count in statuses.items() if status < 0},
        body_bytes=form["body_bytes"],
        latency=Histogram.from_json(form["latency"]),
        failed_after=Histogram.from_json(form["failed_after"]),
    )


def _added(parts: Any) -> dict[Any, int]:
    total: dict[Any, int] = {}
    for part in parts:
        for key, count in part.items():
            total[key] = total.get(key, 0) + count
    return total
