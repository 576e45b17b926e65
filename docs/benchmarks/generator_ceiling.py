"""How fast is diag's load generator, beside wrk? Run it from the repository: needs nginx and wrk.

    python docs/benchmarks/generator_ceiling.py --install --seconds 4 --rounds 5

`--install` fetches nginx and wrk from Debian or Ubuntu first; nginx's service need not run. A static nginx with
one worker is pinned to one core, the generators to another. Each round gives each a turn, in a seeded random
order, so that whatever else the machine does falls on all alike. Prints requests per second, CPU time per request,
and the ratio to wrk of the same round: its median with a bootstrap interval, and whether diag meets its aims.
Where neither generator uses up its core, nginx was the limit, and only the CPU per request tells them apart. On a
machine that others use, take many short turns: `--seconds 1 --rounds 20`.

Of wrk all of its CPU time counts, its start (a few ms) included; of diag the time from the first request to the
last answer, without the start of Python, which is over before the clock starts.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from diag.analysis.statistics import bootstrap_interval
from diag.load.client import LoadProcess
from diag.load.spec import Closed, LoadSpec, Open, Request, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NGINX_CONF = """
worker_processes 1; daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ default_type text/plain; return 200 "hello\\n"; }}
    }}
}}
"""
PACKAGES = ("nginx-light", "wrk")
INSTALL = "needs {}: run it again with --install, or install " + " and ".join(PACKAGES)
FULL = 0.8
"""Below this share of its core a generator is not the limit."""

AIM_RATE, AIM_CPU = 1.0, 1.25
"""diag is to reach at least wrk's requests per second, at no more than this many times its CPU per request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One turn of one generator."""

    requests_per_s: float
    cpu_us: float
    """CPU time of the generator per request, in µs."""
    used: float
    """The share of its core that it used."""
    note: str = ""


@contextlib.contextmanager
def nginx(cpu: int) -> Iterator[int]:
    """Run a static nginx pinned to `cpu`; give its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        conf = Path(folder, "nginx.conf")
        conf.write_text(NGINX_CONF.format(folder=folder, port=port))
        process = subprocess.Popen(
            [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(conf), "-p", folder],
            stderr=subprocess.DEVNULL,
        )
        try:
            os.sched_setaffinity(process.pid, {cpu})
            deadline = time.monotonic() + 5
            while socket.socket().connect_ex(("127.0.0.1", port)):
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit("nginx does not start: " + Path(folder, "error.log").read_text())
            yield port
        finally:
            process.terminate()
            process.wait()


def run_diag(port: int, cpu: int, args: argparse.Namespace, *, records: bool, ping: bool = False) -> Sample:
    """Drive nginx with diag's generator."""
    duration_ns = int(args.seconds * 1e9)
    closed = Stream(requests=(Request(),), load=Closed(users=args.connections), duration_ns=duration_ns)
    pings = Stream(requests=(Request(path="/ping"),), load=Open(rate=50), duration_ns=duration_ns)
    with tempfile.NamedTemporaryFile() as file:
        spec = LoadSpec(
            port=port,
            cpu=cpu,
            streams=(closed, pings) if ping else (closed,),
            records="full" if records else "histogram",
            records_path=file.name,
        )
        with LoadProcess(spec) as load:
            load.begin()
            result = load.result()
    note = f"core {result.utilisation:.0%} used, run queue {result.runqueue_ns / result.wall_ns:.1%}"
    if result.failed:
        note += f", {result.failed} FAILED"
    if ping:
        note += f", lag p99 {result.lag_p99_ns / 1000:.0f} µs"
    return Sample(
        requests_per_s=result.requests_per_s,
        cpu_us=result.cpu_ns / result.answered / 1000,
        used=result.utilisation,
        note=note,
    )


def run_wrk(port: int, cpu: int, args: argparse.Namespace) -> Sample:
    """Drive nginx with wrk."""
    # taskset, as a thread that wrk has started already would not follow sched_setaffinity.
    command = ["taskset", "-c", str(cpu), "wrk", "-t1", f"-c{args.connections}", f"-d{args.seconds}s"]
    began = time.monotonic()
    process = subprocess.Popen([*command, f"http://127.0.0.1:{port}/"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    found = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", output)
    if not found or not rate:
        sys.exit("wrk said: " + output)
    cpu_s = usage.ru_utime + usage.ru_stime
    used = cpu_s / (time.monotonic() - began)
    note = f"core {used:.0%} used"
    note += "".join(
        f", {line.strip()}" for line in output.splitlines() if "errors" in line or "Non-2xx" in line
    )
    return Sample(requests_per_s=float(rate[1]), cpu_us=cpu_s * 1e6 / int(found[1]), used=used, note=note)


def report(samples: dict[str, list[Sample]], reference: str) -> None:
    """Print medians, and the ratios to `reference` round by round."""
    print(
        "\nmedians; best of all rounds (others on the machine can only slow a turn down); ratios: median [95 %]"
    )
    print(f"{'':<26}{'req/s':>9}{'best':>9}{'CPU µs':>8}{'best':>6}   ratio to {reference}: req/s, CPU")
    for name, own in samples.items():
        rates, costs = [s.requests_per_s for s in own], [s.cpu_us for s in own]
        line = f"{name:<26}{statistics.median(rates):>9,.0f}{max(rates):>9,.0f}"
        line += f"{statistics.median(costs):>8.2f}{min(costs):>6.2f}   "
        for field in ("requests_per_s", "cpu_us"):
            ratios = _ratios(own, samples[reference], field)
            low, high = bootstrap_interval(ratios, seed=1)
            line += f"{statistics.median(ratios):.2f} [{low:.2f}-{high:.2f}]  "
        print(line)


def judge(own: list[Sample], reference: list[Sample]) -> None:
    """Print whether the aims are met, as far as the intervals tell."""
    for words, field, aim, sign in (
        ("requests per second", "requests_per_s", AIM_RATE, 1),
        ("CPU per request", "cpu_us", AIM_CPU, -1),
    ):
        low, high = bootstrap_interval(_ratios(own, reference, field), seed=1)
        worst, best = (low, high) if sign > 0 else (high, low)
        idle = max(statistics.median(s.used for s in samples) for samples in (own, reference)) < FULL
        if idle and field == "requests_per_s":
            print(
                f"aim: {words}: not decided, as neither used up its core: nginx or the machine was the limit"
            )
            continue
        met = "met" if sign * (worst - aim) >= 0 else "missed" if sign * (best - aim) < 0 else "not decided"
        print(
            f"aim: {words} {'at least' if sign > 0 else 'at most'} {aim:g} × wrk's: {met} [{low:.2f}-{high:.2f}]"
        )


def _ratios(own: list[Sample], reference: list[Sample], field: str) -> list[float]:
    return [
        getattr(mine, field) / getattr(theirs, field) for mine, theirs in zip(own, reference, strict=True)
    ]


def main() -> None:
    """Take turns, and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=4, help="length of a turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each generator")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the order of turns")
    parser.add_argument("--install", action="store_true", help="apt-get install nginx and wrk first")
    args = parser.parse_args()
    if args.install:
        as_root = () if os.geteuid() == 0 else ("sudo",)
        subprocess.run(
            [*as_root, "apt-get", "install", "-y", "--no-install-recommends", *PACKAGES], check=True
        )
    missing = [
        tool for tool in ("nginx", "wrk") if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin")
    ]
    if missing:
        sys.exit(INSTALL.format(" and ".join(missing)))
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("needs two cores: on one, the generator and nginx would measure each other")
    contenders: dict[str, Callable[[int], Sample]] = {
        "wrk": lambda port: run_wrk(port, cores[1], args),
        "diag, records": lambda port: run_diag(port, cores[1], args, records=True),
        "diag, histogram": lambda port: run_diag(port, cores[1], args, records=False),
        "diag, records + 50/s open": lambda port: run_diag(port, cores[1], args, records=True, ping=True),
    }
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    order, chance = list(contenders), random.Random(args.seed)
    with nginx(cores[0]) as port:
        for number in range(args.rounds):
            chance.shuffle(order)
            for name in order:
                sample = contenders[name](port)
                samples[name].append(sample)
                print(
                    f"round {number + 1}  {name:<28}{sample.requests_per_s:>10,.0f} req/s"
                    f"{sample.cpu_us:>8.2f} µs  {sample.note}",
                    flush=True,
                )
    report(samples, "wrk")
    judge(samples["diag, records"], samples["wrk"])


if __name__ == "__main__":
    main()
