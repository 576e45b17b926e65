"""wrk: closed load over HTTP/1.1 for a duration."""

from __future__ import annotations

import re

from diag.load.external import ToolLoad
from diag.load.tools.reading import duration_ns
from diag.recording import Percentile, StreamTotals

_LATENCY = re.compile(r"^\s*Latency\s+(\S+)\s+(\S+)\s+(\S+)\s+([0-9.]+)%", re.MULTILINE)
_PERCENTILE = re.compile(r"^\s*([0-9.]+)%\s+([0-9.]+(?:us|ms|s|m|h))\s*$", re.MULTILINE)
_REQUESTS = re.compile(r"^\s*([0-9]+) requests in ([0-9.]+\w+), \S+ read", re.MULTILINE)
_SOCKETS = re.compile(r"Socket errors: connect ([0-9]+), read ([0-9]+), write ([0-9]+), timeout ([0-9]+)")
_STATUS = re.compile(r"Non-2xx or 3xx responses: ([0-9]+)")


class Wrk:
    """Will Glozer's wrk; it does not tell the smallest latency, nor the bodies' size."""

    name = "wrk"
    package = "wrk"

    def refuses(self, load: ToolLoad) -> str | None:
        """See `diag.load.external.Tool`."""
        if load.total is not None:
            return "wrk runs for a duration, not for a number of requests: use --duration"
        if load.http != "1.1":
            return "wrk speaks HTTP/1.1 only"
        if load.request.method != "GET" or load.request.body:
            return "wrk sends GET requests only, unless it is programmed in Lua"
        return None

    def arguments(self, load: ToolLoad) -> tuple[str, ...]:
        """See `diag.load.external.Tool`."""
        headers = [f"--header={name}: {value}" for name, value in load.request.headers]
        if not load.keep_alive:
            headers.append("--header=Connection: close")
        return (
            "--threads=1",
            f"--connections={load.users}",
            f"--duration={load.seconds}s",
            f"--timeout={max(1, load.timeout_ns // 1_000_000_000)}s",
            "--latency",
            *headers,
            load.url,
        )

    def parse(self, text: str, load: ToolLoad) -> StreamTotals:
        """See `diag.load.external.Tool`. A status that is neither 2xx nor 3xx counts as failed."""
        latency, requests = _LATENCY.search(text), _REQUESTS.search(text)
        if latency is None or requests is None:
            raise ValueError("its figures are missing")
        sockets = _SOCKETS.search(text)
        connect, read, write, timeout = map(int, sockets.groups()) if sockets else (0, 0, 0, 0)
        status = _STATUS.search(text)
        bad = int(status[1]) if status else 0
        count = int(requests[1])
        longest = duration_ns(latency[3])
        distribution = text[latency.end() :].partition("Latency Distribution")[2]
        percentiles = [
            Percentile(percent=float(percent), ns=duration_ns(value))
            for percent, value in _PERCENTILE.findall(distribution)
        ]
        return StreamTotals(
            stream=load.stream,
            generator=self.name,
            wall_ns=duration_ns(requests[2]),
            answered=max(0, count - bad),
            failed=bad + connect + read + write + timeout,
            timeouts=timeout,
            mean_ns=duration_ns(latency[1]),
            sd_ns=duration_ns(latency[2]),
            max_ns=longest,
            within_sd=round(count * float(latency[4]) / 100),
            percentiles=(*percentiles, Percentile(percent=100.0, ns=longest)),
        )
