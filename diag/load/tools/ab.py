"""ApacheBench: closed load over HTTP/1.0, with a connection a request unless told otherwise."""

from __future__ import annotations

import re

from diag.load.external import ToolLoad
from diag.load.tools.reading import number
from diag.recording import Percentile, StreamTotals

_ENDLESS = 1_000_000_000
"""``-t`` implies 50,000 requests unless a higher number follows it (ab(1))."""

_TIME = re.compile(r"^Time taken for tests:\s+([0-9.]+) seconds", re.MULTILINE)
_ROW = re.compile(r"^(Connect|Total):\s+(\d+)\s+(\d+)\s+([0-9.]+)\s+(\d+)\s+(\d+)\s*$", re.MULTILINE)
_PERCENTILE = re.compile(r"^\s*([0-9]+)%\s+([0-9]+)", re.MULTILINE)
_MS = 1_000_000


class ApacheBench:
    """ab of apache2-utils; its percentiles are whole milliseconds."""

    name = "ab"
    package = "apache2-utils"

    def refuses(self, load: ToolLoad) -> str | None:
        """See `diag.load.external.Tool`."""
        if load.http != "1.0":
            return "ab speaks HTTP/1.0 only: add --http 1.0"
        if load.request.body or load.request.method not in ("GET", "HEAD", "DELETE", "OPTIONS"):
            return "ab is not given requests with a body here; diag's own generator sends them"
        if load.total is not None and load.total < load.users:
            return f"ab needs at least as many requests as users ({load.users})"
        return None

    def arguments(self, load: ToolLoad) -> tuple[str, ...]:
        """See `diag.load.external.Tool`. -l: answers may differ in length; -r: errors do not end it."""
        end = (f"-n{load.total}",) if load.total is not None else (f"-t{load.seconds}", f"-n{_ENDLESS}")
        method = () if load.request.method == "GET" else ("-m", load.request.method)
        headers = [part for name, value in load.request.headers for part in ("-H", f"{name}: {value}")]
        return (
            "-q",
            "-l",
            "-r",
            *end,
            f"-c{load.users}",
            f"-s{max(1, load.timeout_ns // 1_000_000_000)}",
            *(("-k",) if load.keep_alive else ()),
            *method,
            *headers,
            load.url,
        )

    def parse(self, text: str, load: ToolLoad) -> StreamTotals:
        """See `diag.load.external.Tool`. A status that is not 2xx counts as failed."""
        took = _TIME.search(text)
        if took is None:
            raise ValueError("its figures are missing")
        complete = number(text, "Complete requests")
        failed = number(text, "Failed requests") + number(text, "Non-2xx responses", default=0)
        rows = {row[0]: [float(value) for value in row[1:]] for row in _ROW.findall(text)}
        total = rows.get("Total", [0.0] * 5)
        connect = rows.get("Connect", [0.0] * 5)
        table = text.partition("Percentage of the requests")[2]
        return StreamTotals(
            stream=load.stream,
            generator=self.name,
            wall_ns=round(float(took[1]) * 1e9),
            answered=max(0, complete - failed),
            failed=failed,
            body_bytes=number(text, "HTML transferred", default=0),
            min_ns=round(total[0] * _MS),
            mean_ns=round(total[1] * _MS),
            sd_ns=round(total[2] * _MS),
            max_ns=round(total[4] * _MS),
            percentiles=tuple(
                Percentile(percent=float(percent), ns=int(ms) * _MS)
                for percent, ms in _PERCENTILE.findall(table)
            ),
            connect_p50_ns=0 if load.keep_alive else round(connect[3] * _MS),
            connect_max_ns=0 if load.keep_alive else round(connect[4] * _MS),
        )
