"""Installed load generators in place of diag's own: ApacheBench, wrk and h2load.

They are told the same load, run on the same core, and what they print is read into the same sums.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from diag.load.client import LoadError
from diag.load.result import BOUND_SHARE
from diag.plan import HttpRequest
from diag.recording import LoadSummary, StreamTotals

_GRACE_NS = 20_000_000_000

# The tool dies with diag (PR_SET_PDEATHSIG, prctl(2)), and runs on the generator's core. The first line that
# is printed is the CPU time of this, which is not the tool's.
_BOOT = """
import ctypes, os, signal, sys, time
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]): sys.exit(1)
if sys.argv[2]: os.sched_setaffinity(0, {int(sys.argv[2])})
os.write(1, b"%d\\n" % time.process_time_ns())
os.execv(sys.argv[3], sys.argv[3:])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLoad:
    """What a tool is to do.

    Attributes:
        request: that is sent again and again.
        stream: the name of its stream.
        port: where the server listens, on loopback.
        users: connections, each sending when answered; 0 for an open load, which no tool here makes.
        duration_ns: how long, where there is no total.
        total: how many requests.
        keep_alive: False for a connection a request.
        http: the version asked for.
        timeout_ns: for an answer.
        cpu: the core to run on, None for any.
    """

    request: HttpRequest
    stream: str
    port: int
    users: int
    duration_ns: int
    total: int | None = None
    keep_alive: bool = True
    http: Literal["1.1", "1.0"] = "1.1"
    timeout_ns: int = 30_000_000_000
    cpu: int | None = None

    @property
    def url(self) -> str:
        """Of the request."""
        return f"http://127.0.0.1:{self.port}{self.request.path}"

    @property
    def seconds(self) -> int:
        """The duration in whole seconds, one at least: the tools know no shorter ones."""
        return max(1, math.ceil(self.duration_ns / 1e9))


class Tool(Protocol):
    """What is asked of a tool: one file each.

    Attributes:
        name: of its program.
        package: of Debian, that it comes in.
    """

    name: str
    package: str

    def refuses(self, load: ToolLoad) -> str | None:
        """Why it cannot make this load, None if it can."""
        ...

    def arguments(self, load: ToolLoad) -> tuple[str, ...]:
        """Its command line after the program's name."""
        ...

    def parse(self, text: str, load: ToolLoad) -> StreamTotals:
        """What it printed, as sums; raises ValueError where that cannot be read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool measured.

    Attributes:
        totals: of the stream.
        summary: CPU and wall time of the tool.
        notes: sentences.
    """

    totals: StreamTotals
    summary: LoadSummary
    notes: tuple[str, ...] = ()


def run_tool(
    tool: Tool,
    load: ToolLoad,
    *,
    alive: Callable[[], bool],
    beat: Callable[[float], None],
    pause_s: float = 0.1,
) -> ToolResult | None:
    """Run a tool to its end; None if the server died meanwhile.

    Args:
        tool: one of `diag.load.tools.TOOLS`.
        load: what to do.
        alive: False once the server is dead.
        beat: called now and then with the part that is done.
        pause_s: between two beats.

    Raises:
        LoadError: it is not installed, cannot make this load, failed, or its figures cannot be read.
    """
    program = shutil.which(tool.name)
    if program is None:
        raise LoadError(f"{tool.name} is not installed: apt install {tool.package}")
    reason = tool.refuses(load)
    if reason is not None:
        raise LoadError(reason)
    with tempfile.TemporaryFile() as output:
        started = time.monotonic_ns()
        process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                "-c",
                _BOOT,
                str(os.getpid()),
                _core(load),
                program,
                *tool.arguments(load),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        cpu = _wait(process, started, load, alive, beat, pause_s)
        if cpu is None:
            return None
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    boot, _, said = text.partition("\n")
    return _result(tool, load, said, process.returncode, cpu - int(boot or 0))


def _core(load: ToolLoad) -> str:
    return "" if load.cpu is None else str(load.cpu)


def _wait(
    process: subprocess.Popen[bytes],
    started: int,
    load: ToolLoad,
    alive: Callable[[], bool],
    beat: Callable[[float], None],
    pause_s: float,
) -> int | None:
    """CPU time of the tool in ns; None if it was ended because the server died, or because it did not end."""
    longest = (
        (load.seconds * 1_000_000_000 if load.total is None else 1_800_000_000_000)
        + load.timeout_ns
        + _GRACE_NS
    )
    try:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return int((usage.ru_utime + usage.ru_stime) * 1e9)
            passed = time.monotonic_ns() - started
            if not alive() or passed > longest:
                return None
            beat(min(1.0, passed / (load.seconds * 1e9)))
            time.sleep(pause_s)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            process.wait()


def _result(tool: Tool, load: ToolLoad, text: str, code: int, cpu_ns: int) -> ToolResult:
    try:
        totals = tool.parse(text, load)
    except ValueError as error:
        last = next(
            (line.strip() for line in reversed(text.splitlines()) if line.strip()), "it printed nothing"
        )
        raise LoadError(f"{tool.name} ended with status {code}, and {error}; its last line: {last}") from None
    summary = LoadSummary(
        wall_ns=totals.wall_ns,
        cpu_ns=cpu_ns,
        lag_p99_ns=0,
        reconnects=0,
        generator_bound=cpu_ns > BOUND_SHARE * totals.wall_ns,
    )
    notes = (f"{totals.failed:,} requests failed, as {tool.name} counts them.",) if totals.failed else ()
    return ToolResult(totals=totals, summary=summary, notes=notes)
