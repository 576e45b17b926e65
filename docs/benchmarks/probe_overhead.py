"""What the probes cost: the same server process with them on, off, on, off … under the same load.

    python docs/benchmarks/probe_overhead.py --loop asyncio --seconds 60

A hello-world FastAPI app on uvicorn is loaded at full speed over keep-alive connections. A switch in the
app takes the agent off its event loop and puts it back every quarter of a second; both ratios are between adjacent
halves of one process, so that what differs between processes and what the machine does meanwhile cancels
out. The watcher runs all the time, as it does in a run. Printed: the median of the paired ratios with a
bootstrap interval, for throughput and for CPU time per request.

Exit code 0; this is a measurement, not a test.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from diag.load.client import LoadProcess
from diag.load.spec import Closed, LoadSpec, Request, Stream
from diag.probes.observer import Observer
from diag.servers.ports import free_port

HALF_S = 0.25
APP = '''
import asyncio, os, time
from fastapi import FastAPI
import diag.agent
from diag.agent import loops, uv_loop

app = FastAPI()
count = 0

@app.get("/")
async def hello():
    return {"hello": "world"}

bare = app
diag.agent.install()
watched = diag.agent.wrap_asgi(app)
uv_loop.unhook()  # it matters before a loop runs only, and would slow the half without the agent
serve = watched

async def counted(scope, receive, send):
    """Outside of what is measured, in both halves alike."""
    global count, serve
    if scope["type"] == "http":
        if scope["path"] == "/switch":
            loop = asyncio.get_running_loop()
            on = scope["query_string"] == b"on=1"
            serve = watched if on else bare
            (loops.attach if on else loops.detach)(loop)
            text = '{"count": %d, "cpu": %d, "at": %d}' % (count, time.process_time_ns(), time.monotonic_ns())
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": text.encode()})
            return
        count += 1
    await serve(scope, receive, send)
'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--null", action="store_true", help="never switch on: what the method itself shows")
    options = parser.parse_args()
    pairs = measure(options.loop, options.seconds, options.users, null=options.null)
    print(f"{options.loop}, {options.users} connections, {len(pairs)} pairs of {HALF_S} s")
    show("throughput with / without", [rate for rate, _ in pairs], "at least 0.99")
    show("CPU per request with / without", [cpu for _, cpu in pairs], "at most 1.01")


def measure(loop: str, seconds: float, users: int, *, null: bool) -> list[tuple[float, float]]:
    """Ratios of throughput and of CPU time per request, one of each a pair of halves."""
    with Observer("overhead") as observer, tempfile.TemporaryDirectory() as folder:
        Path(folder, "hello_switched.py").write_text(APP)
        port = free_port("127.0.0.1")
        environment = {
            **os.environ,
            "DIAG_SPOOL": observer.spool,
            "PYTHONPATH": folder + os.pathsep + _root(),
        }
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "hello_switched:counted",
            "--port",
            str(port),
            "--loop",
            loop,
        ]
        server = subprocess.Popen([*command, "--no-access-log", "--log-level", "warning"], env=environment)
        try:
            if len(os.sched_getaffinity(0)) > 1:
                os.sched_setaffinity(server.pid, {0})
            _until_ready(port)
            return _switched(port, seconds, users, null=null)
        finally:
            server.terminate()
            server.wait()


def _switched(port: int, seconds: float, users: int, *, null: bool) -> list[tuple[float, float]]:
    stream = Stream(
        requests=(Request(path="/"),), load=Closed(users=users), duration_ns=int((seconds + 10) * 1e9)
    )
    cores = sorted(os.sched_getaffinity(0))
    spec = LoadSpec(
        port=port, streams=(stream,), records="histogram", cpu=cores[-1] if len(cores) > 1 else None
    )
    halves: list[tuple[bool, float, float]] = []
    with (
        LoadProcess(spec) as load,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        load.begin()

        def switch(on: bool) -> dict[str, int]:
            return json.loads(client.get("/switch", params={"on": int(on and not null)}).content)

        switch(True)
        time.sleep(2)
        before = switch(True)
        # on, off, off, on, on, off, off …: a drift of the machine favours neither.
        for index in range(int(seconds / HALF_S)):
            on = index % 4 in {0, 3}
            time.sleep(HALF_S)
            after = switch((index + 1) % 4 in {0, 3})
            count = after["count"] - before["count"]
            halves.append(
                (on, count / (after["at"] - before["at"]), (after["cpu"] - before["cpu"]) / max(1, count))
            )
            before = after
    return [
        (a[1] / b[1], a[2] / b[2]) if a[0] else (b[1] / a[1], b[2] / a[2])
        for a, b in zip(halves[::2], halves[1::2], strict=False)
    ]


def show(name: str, ratios: list[float], target: str) -> None:
    """The median with a 95 % bootstrap interval."""
    chooser = random.Random(0)
    medians = sorted(statistics.median(chooser.choices(ratios, k=len(ratios))) for _ in range(2000))
    print(
        f"  {name:32} {statistics.median(ratios):.4f}  [{medians[50]:.4f}, {medians[1949]:.4f}]   target: {target}"
    )


def _until_ready(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server did not start")


def _root() -> str:
    return str(Path(__file__).resolve().parents[2])


if __name__ == "__main__":
    main()
