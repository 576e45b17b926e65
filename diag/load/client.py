"""The parent's side of the load generator.

For example::

    from diag.load.client import LoadProcess
    from diag.load.records import read_records
    from diag.load.spec import Closed, LoadSpec, Open, Request, Stream

    spec = LoadSpec(
        port=8000,
        records_path="/tmp/records.bin",
        streams=(
            Stream(requests=(Request(path="/work"),), load=Closed(users=4), duration_ns=5_000_000_000),
            Stream(requests=(Request(path="/ping"),), load=Open(rate=50), duration_ns=5_000_000_000),
        ),
    )
    with LoadProcess(spec) as load:
        load.wait_connected(timeout_s=10)   # connections are open, the clock has not started
        started_ns = load.begin()           # CLOCK_MONOTONIC, as all times in the records
        result = load.result(timeout_s=30)  # or: load.poll() now and then, load.stop() to end early
    for stream in result.streams:
        print(stream.name, stream.answered, stream.errors, stream.latency.percentile(99) / 1e6, "ms")
    for record in read_records(spec.records_path):
        ...
"""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diag.load.records import Records, read_records
from diag.load.result import LoadResult, read_result

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from diag.load.spec import LoadSpec

_GRACE_S = 5.0  # beyond drain: the summary has to be made and read

# -I: neither the user's environment variables nor modules of the working directory get into the
# generator. -S: no site-packages, which it needs as little. The path goes last, behind the standard library.
_BOOT = "import sys; sys.path.append(sys.argv[1]); from diag.load.process import main; sys.exit(main())"
_ROOT = str(Path(__file__).resolve().parents[2])


class LoadError(Exception):
    """The load could not be made; the message says why."""


class LoadProcess:
    """A generator process: started at once, its clock by `begin`. Use it as a context manager."""

    def __init__(self, spec: LoadSpec) -> None:
        """Start the process and give it the spec; it begins to connect."""
        self._spec = spec
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close()
        self._process = subprocess.Popen(  # our own command
            [sys.executable, "-I", "-S", "-c", _BOOT, _ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            bufsize=0,
        )
        self._buffer = b""
        self._connected = False
        self._notes: list[str] = []
        self.wanted = self.opened = 0
        self._started_ns = 0
        self._result: LoadResult | None = None
        self._write(spec.to_json())

    @property
    def pid(self) -> int:
        """The process id of the generator, for what watches CPU use."""
        return self._process.pid

    def wait_connected(self, timeout_s: float = 15.0) -> None:
        """Wait until the connections are open. Raises LoadError if none can be opened, or in time."""
        self._until(lambda: self._connected, timeout_s, "connect")

    def begin(self, timeout_s: float = 5.0) -> int:
        """Start the clock; give the time of the start, in ns of CLOCK_MONOTONIC."""
        self.wait_connected()
        self._write("start")
        self._until(lambda: self._started_ns > 0, timeout_s, "start")
        return self._started_ns

    def poll(self) -> LoadResult | None:
        """Give the result if the load is over, else None; never wait."""
        self._take_events(0)
        return self._result

    def stop(self) -> None:
        """Stop sending. Answers are still waited for, up to `drain_ns`; a second call ends that too."""
        with contextlib.suppress(LoadError):  # over already
            self._write("stop")

    def result(self, timeout_s: float | None = None) -> LoadResult:
        """Wait for the end and give the result.

        Without a timeout, waits as long as the spec's durations and drain allow, or for ever if a stream
        has no duration. Raises LoadError when the time is up or the process fails.
        """
        if timeout_s is None:
            timeout_s = self._longest_s()
        self._until(lambda: self._result is not None, timeout_s, "finish")
        assert self._result is not None
        return self._result

    def records(self) -> Records:
        """Read the records written so far."""
        if self._spec.records_path is None:
            msg = "no records are kept: the spec has no records_path"
            raise LoadError(msg)
        return read_records(self._spec.records_path)

    def close(self) -> None:
        """End the process, if it still runs, and close its pipes."""
        process = self._process
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            process.wait(1)  # the end of its input makes it exit
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._stderr.close()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()

    def _longest_s(self) -> float | None:
        durations = [stream.duration_ns for stream in self._spec.streams]
        if None in durations:
            return None
        longest_ns = max(duration or 0 for duration in durations)
        return (longest_ns + self._spec.drain_ns) / 1e9 + _GRACE_S

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
        except (OSError, ValueError):
            raise self._broken("the load generator has gone") from None

    def _until(self, condition: Any, timeout_s: float | None, verb: str) -> None:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not condition():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                msg = f"the load generator did not {verb} within {timeout_s:g} s"
                raise LoadError(msg)
            self._take_events(left)

    def _take_events(self, timeout_s: float | None) -> None:
        assert self._process.stdout is not None
        poller = select.poll()  # not select(): the parent may have more than 1,024 descriptors
        poller.register(self._process.stdout, select.POLLIN)
        if self._result is not None or not poller.poll(None if timeout_s is None else timeout_s * 1000):
            return
        data = self._process.stdout.read(1 << 20)
        if not data:
            raise self._broken("the load generator ended unexpectedly")
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._take_event(json.loads(line))

    def _take_event(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "failed":
            raise LoadError(event["reason"])
        if kind == "connected":
            self._connected = True
            self._notes = event["notes"]
            self.wanted, self.opened = event["wanted"], event["opened"]
        elif kind == "started":
            self._started_ns = event["monotonic_ns"]
        elif kind == "done":
            self._result = read_result(self._spec, event["summary"], self._notes)

    def _broken(self, what: str) -> LoadError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._stderr.seek(0)
        said = self._stderr.read().decode("utf-8", "replace").strip()
        return LoadError(f"{what} (exit status {self._process.returncode}){': ' + said if said else ''}")
