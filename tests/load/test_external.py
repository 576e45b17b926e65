"""Other load generators: their output as they printed it here, and the programs themselves where installed."""

from __future__ import annotations

import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from diag.load.client import LoadError
from diag.load.external import Tool, ToolLoad, run_tool
from diag.load.tools import TOOLS, get_tool
from diag.plan import HttpRequest
from diag.recording import Percentile

MS = 1_000_000
AB = """\
This is ApacheBench, Version 2.3 <$Revision$>
Copyright 1996 Adam Twiss, Zeus Technology Ltd, http://www.zeustech.net/
Licensed to The Apache Software Foundation, http://www.apache.org/

Benchmarking 127.0.0.1 (be patient).....done


Server Software:        BaseHTTP/0.6
Server Hostname:        127.0.0.1
Server Port:            41821

Document Path:          /
Document Length:        Variable

Concurrency Level:      4
Time taken for tests:   0.327 seconds
Complete requests:      500
Failed requests:        0
Total transferred:      58000 bytes
HTML transferred:       2500 bytes
Requests per second:    1526.95 [#/sec] (mean)
Time per request:       2.620 [ms] (mean)
Time per request:       0.655 [ms] (mean, across all concurrent requests)
Transfer rate:          172.97 [Kbytes/sec] received

Connection Times (ms)
              min  mean[+/-sd] median   max
Connect:        0    0   0.1      0       2
Processing:     0    3   3.7      1      38
Waiting:        0    2   3.6      1      38
Total:          0    3   3.7      1      38

Percentage of the requests served within a certain time (ms)
  50%      1
  66%      2
  75%      3
  80%      4
  90%      5
  95%      7
  98%      9
  99%     13
 100%     38 (longest request)
"""
H2LOAD = """\
starting benchmark...
spawning thread #0: 4 total client(s). 500 total requests
Application protocol: http/1.1

finished in 5.70s, 87.67 req/s, 9.93KB/s
requests: 500 total, 500 started, 500 done, 500 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 500 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 56.64KB (58000) total, 39.06KB (40000) headers (space savings 0.00%), 2.44KB (2500) data
                     min         max         mean         sd        +/- sd
time for request:     6.95ms     51.97ms     45.59ms      4.00ms    97.80%
time for connect:       44us       196us       106us        65us    75.00%
time to 1st byte:     7.15ms      7.28ms      7.23ms        59us    75.00%
req/s           :      21.92       21.92       21.92        0.00    50.00%
"""
H2LOAD_BAD = """\
starting benchmark...
spawning thread #0: 4 total client(s). Timing-based test with 0s of warm-up time and 1s of main duration for measurements.
Warm-up started for thread #0.
progress: 25% of clients started
progress: 50% of clients started
progress: 75% of clients started
progress: 100% of clients started
Warm-up phase is over for thread #0.
Main benchmark duration is started for thread #0.
Application protocol: http/1.1
Main benchmark duration is over for thread #0. Stopping all clients.
Stopped all clients for thread #0

finished in 1.00s, 88.00 req/s, 12.11KB/s
requests: 88 total, 92 started, 88 done, 0 succeeded, 88 failed, 0 errored, 0 timeout
status codes: 0 2xx, 0 3xx, 0 4xx, 92 5xx
traffic: 12.11KB (12400) total, 7.19KB (7360) headers (space savings 0.00%), 440B (440) data
                     min         max         mean         sd        +/- sd
time for request:    12.79ms     48.17ms     44.17ms      7.08ms    95.45%
time for connect:       12us        34us        25us         9us    75.00%
time to 1st byte:    12.82ms     13.47ms     13.08ms       275us    75.00%
req/s           :      21.98       21.99       21.98        0.00    75.00%
"""
H2LOAD_REFUSED = """\
starting benchmark...
spawning thread #0: 4 total client(s). 5 total requests

finished in 233us, 0.00 req/s, 0B/s
requests: 5 total, 0 started, 0 done, 0 succeeded, 5 failed, 5 errored, 0 timeout
status codes: 0 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 0B (0) total, 0B (0) headers (space savings 0.00%), 0B (0) data
                     min         max         mean         sd        +/- sd
time for request:        0us         0us         0us         0us     0.00%
time for connect:        0us         0us         0us         0us     0.00%
"""
WRK = """\
Running 1s test @ http://127.0.0.1:41821/
  1 threads and 4 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    43.02ms    8.23ms  48.11ms   95.65%
    Req/Sec    92.10     10.43   101.00     60.00%
  Latency Distribution
     50%   43.99ms
     75%   44.01ms
     90%   47.93ms
     99%   48.11ms
  92 requests in 1.00s, 10.86KB read
Requests/sec:     91.64
Transfer/sec:     10.81KB
"""
WRK_BAD = """\
Running 1s test @ http://127.0.0.1:41821/bad
  1 threads and 4 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    42.12ms    8.33ms  45.42ms   96.00%
    Req/Sec    91.18     19.15   121.00     72.73%
  Latency Distribution
     50%   43.93ms
     75%   43.99ms
     90%   44.36ms
     99%   45.42ms
  100 requests in 1.10s, 13.69KB read
  Socket errors: connect 1, read 2, write 0, timeout 3
  Non-2xx or 3xx responses: 100
Requests/sec:     90.94
Transfer/sec:     12.45KB
"""


def load(**changes: object) -> ToolLoad:
    """Four users that ask for a page, for a second."""
    values: dict[str, object] = {
        "request": HttpRequest(route="GET /", method="GET", path="/", headers=(("X-A", "b c"),)),
        "stream": "work",
        "port": 1,
        "users": 4,
        "duration_ns": 1_000 * MS,
    }
    return ToolLoad(**(values | changes))  # type: ignore[arg-type]


def test_ab_is_read() -> None:
    totals = get_tool("ab").parse(AB, load(keep_alive=False, http="1.0"))
    assert (totals.answered, totals.failed, totals.wall_ns, totals.body_bytes) == (500, 0, 327 * MS, 2500)
    assert (totals.mean_ns, totals.sd_ns, totals.max_ns) == (3 * MS, 3_700_000, 38 * MS)
    assert totals.connect_max_ns == 2 * MS
    assert totals.percentiles[0] == Percentile(percent=50.0, ns=MS)
    assert totals.percentiles[-2:] == (
        Percentile(percent=99.0, ns=13 * MS),
        Percentile(percent=100.0, ns=38 * MS),
    )


def test_failures_of_ab_are_counted() -> None:
    """Of 500 complete ones 30 were cut off, and 20 others had another status."""
    text = AB.replace("Failed requests:        0", "Failed requests:        30\nNon-2xx responses:      20")
    totals = get_tool("ab").parse(text, load())
    assert (totals.answered, totals.failed) == (450, 50)


def test_h2load_is_read() -> None:
    totals = get_tool("h2load").parse(H2LOAD, load())
    assert (totals.answered, totals.failed, totals.wall_ns, totals.body_bytes) == (500, 0, 5_700 * MS, 2500)
    assert (totals.min_ns, totals.max_ns, totals.mean_ns) == (6_950_000, 51_970_000, 45_590_000)
    assert (totals.sd_ns, totals.within_sd, totals.connect_max_ns) == (4 * MS, 489, 196_000)
    bad = get_tool("h2load").parse(H2LOAD_BAD, load())
    assert (bad.answered, bad.failed) == (0, 88)
    refused = get_tool("h2load").parse(H2LOAD_REFUSED, load())
    assert (refused.answered, refused.failed, refused.wall_ns) == (0, 5, 233_000)


def test_wrk_is_read() -> None:
    totals = get_tool("wrk").parse(WRK, load())
    assert (totals.answered, totals.failed, totals.wall_ns) == (92, 0, 1_000 * MS)
    assert (totals.mean_ns, totals.sd_ns, totals.max_ns, totals.within_sd) == (
        43_020_000,
        8_230_000,
        48_110_000,
        88,
    )
    assert [one.percent for one in totals.percentiles] == [50, 75, 90, 99, 100]
    assert totals.percentiles[0].ns == 43_990_000
    bad = get_tool("wrk").parse(WRK_BAD, load())
    assert (bad.answered, bad.failed, bad.timeouts) == (0, 106, 3)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@pytest.mark.parametrize(
    "text", ["", "unable to connect to 127.0.0.1:1 Connection refused\n", "Latency x\n1 requests"]
)
def test_output_without_figures_is_refused(tool: Tool, text: str) -> None:
    with pytest.raises(ValueError, match=r"missing|no duration|has no line"):
        tool.parse(text, load())


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("wrk", {"total": 100}, "--duration"),
        ("wrk", {"http": "1.0"}, "HTTP/1.1 only"),
        ("wrk", {"request": HttpRequest(route="", method="POST", path="/", body=b"x")}, "GET"),
        ("ab", {}, "--http 1.0"),
        ("ab", {"http": "1.0", "total": 3}, "at least as many requests"),
        ("h2load", {"keep_alive": False}, "keeps its connections"),
        ("h2load", {"total": 3}, "at least as many requests"),
    ],
)
def test_what_a_tool_cannot_do_is_said(name: str, changes: dict[str, object], words: str) -> None:
    reason = get_tool(name).refuses(load(**changes))
    assert reason is not None
    assert words in reason


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[str | None]

    def do_GET(self) -> None:
        self.seen.append(self.headers["X-A"])
        self.send_response(500 if self.path == "/bad" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    handler = type("Handler", (_Handler,), {"seen": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as one:
        thread = threading.Thread(target=one.serve_forever)
        thread.start()
        yield one
        one.shutdown()
        thread.join()


LOADS = {
    "wrk": load(),
    "ab": load(http="1.0", keep_alive=False, total=40),
    "h2load": load(total=40),
}


@pytest.mark.parametrize("name", LOADS)
def test_the_real_program_drives_a_server(name: str, server: http.server.ThreadingHTTPServer) -> None:
    """Its figures are what the server saw, its CPU time is known, and it is told the header."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed: apt install {get_tool(name).package} (.ci/run does)")
    wanted = LOADS[name]
    beats: list[float] = []
    values = {field: getattr(wanted, field) for field in wanted.__slots__} | {"port": server.server_port}
    result = run_tool(get_tool(name), ToolLoad(**values), alive=lambda: True, beat=beats.append, pause_s=0.05)
    assert result is not None
    seen = server.RequestHandlerClass.seen  # type: ignore[attr-defined]
    assert set(seen) == {"b c"}
    assert 0 <= len(seen) - result.totals.answered <= 2 * wanted.users
    assert (result.totals.failed, result.totals.generator) == (0, name)
    assert result.totals.answered == 40 or wanted.total is None
    assert result.summary.cpu_ns > 0
    assert result.summary.cpu_ns < result.totals.wall_ns + 100 * MS
    assert beats


def test_a_tool_that_is_missing_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(LoadError, match="apt install wrk"):
        run_tool(get_tool("wrk"), load(), alive=lambda: True, beat=lambda _: None)


def test_a_tool_ends_when_the_server_dies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is killed and reaped, whatever it was doing."""
    pid_file = tmp_path / "pid"
    program = tmp_path / "wrk"
    program.write_text(f"#!/bin/sh\necho $$ > {pid_file}\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def alive() -> bool:
        return not pid_file.exists() or not pid_file.read_text().strip()

    assert run_tool(get_tool("wrk"), load(), alive=alive, beat=lambda _: None, pause_s=0.01) is None
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_output_that_cannot_be_read_is_an_error_with_its_last_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "wrk"
    program.write_text("#!/bin/sh\necho unable to connect; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(LoadError, match="status 1.*its last line: unable to connect"):
        run_tool(get_tool("wrk"), load(), alive=lambda: True, beat=lambda _: None)
