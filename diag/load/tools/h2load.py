"""h2load over HTTP/1.1: closed load, for a number of requests or a duration."""

from __future__ import annotations

import re

from diag.load.external import ToolLoad
from diag.load.tools.reading import duration_ns
from diag.recording import StreamTotals

_FINISHED = re.compile(r"^finished in ([0-9.]+\w+),", re.MULTILINE)
_REQUESTS = re.compile(
    r"^requests: .* started, (\d+) done, (\d+) succeeded, (\d+) failed, \d+ errored, (\d+) timeout",
    re.MULTILINE,
)
_DATA = re.compile(r"\((\d+)\) data$", re.MULTILINE)
_TIME = re.compile(r"^time for request:\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+([0-9.]+)%", re.MULTILINE)
_CONNECT = re.compile(r"^time for connect:\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)", re.MULTILINE)


class H2load:
    """h2load of nghttp2; it gives no percentiles, but min, max, mean, sd and what is within one sd."""

    name = "h2load"
    package = "nghttp2-client"

    def refuses(self, load: ToolLoad) -> str | None:
        """See `diag.load.external.Tool`."""
        if load.http != "1.1" or not load.keep_alive:
            return "h2load speaks HTTP/1.1 and keeps its connections"
        if load.request.body or load.request.method != "GET":
            return "h2load is given GET requests only here; diag's own generator sends others"
        if load.total is not None and load.total < load.users:
            return f"h2load needs at least as many requests as users ({load.users})"
        return None

    def arguments(self, load: ToolLoad) -> tuple[str, ...]:
        """See `diag.load.external.Tool`."""
        end = f"--requests={load.total}" if load.total is not None else f"--duration={load.seconds}"
        headers = [f"--header={name}: {value}" for name, value in load.request.headers]
        return ("--h1", end, f"--clients={load.users}", "--threads=1", *headers, load.url)

    def parse(self, text: str, load: ToolLoad) -> StreamTotals:
        """See `diag.load.external.Tool`. Status 4xx counts as failed, as h2load does it."""
        finished, requests, times = _FINISHED.search(text), _REQUESTS.search(text), _TIME.search(text)
        if finished is None or requests is None or times is None:
            raise ValueError("its figures are missing")
        done, succeeded, failed, timeouts = map(int, requests.groups())
        low, high, mean, sd = (duration_ns(value) for value in times.groups()[:4])
        connect, data = _CONNECT.search(text), _DATA.search(text)
        return StreamTotals(
            stream=load.stream,
            generator=self.name,
            wall_ns=duration_ns(finished[1]),
            answered=succeeded,
            failed=failed,
            timeouts=timeouts,
            body_bytes=int(data[1]) if data else 0,
            min_ns=low,
            max_ns=high,
            mean_ns=mean,
            sd_ns=sd,
            within_sd=round(done * float(times[5]) / 100),
            connect_max_ns=duration_ns(connect[2]) if connect else 0,
        )
