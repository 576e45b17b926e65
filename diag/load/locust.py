"""An existing Locust master in place of diag's own generator: it is told what to do, and its figures read.

    with Master("http://127.0.0.1:8089") as master:
        reason = master.refuses(load)
        result = drive_locust(master, load, target="http://127.0.0.1:8000", alive=…, began=…, ended=…)

What is sent is its locustfile's matter: diag sets the host, the number of users and the duration.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from diag.load.client import LoadError
from diag.load.external import ToolLoad, ToolResult
from diag.load.locust_master import Master, State
from diag.load.result import BOUND_SHARE
from diag.recording import LoadSummary, Percentile, StreamTotals

REPORT_S = 3.0
"""Between two reports of a worker (WORKER_REPORT_INTERVAL in locust/runners.py), the last one included."""

SHORT_NS = 15_000_000_000
"""Workers tell how busy they were over 5 s (CPU_MONITOR_INTERVAL in locust/runners.py): of a shorter load,
that may be the time before it."""

_SETTLED_S = REPORT_S + 0.6
_SPAWN_S = 60.0
_STOP_S = 30.0
_MS = 1_000_000


def drive_locust(
    master: Master,
    load: ToolLoad,
    *,
    target: str,
    alive: Callable[[], bool],
    began: Callable[[int], None],
    ended: Callable[[int], None],
    beat: Callable[[float], None],
    pause_s: float = 0.1,
) -> ToolResult | None:
    """Have a master's workers load a server; None if the server died meanwhile.

    Args:
        master: that has workers.
        load: what to do; its request is not sent, for the locustfile says what is.
        target: the server's address, as the workers reach it.
        alive: False once the server is dead.
        began: called with the time when the users are asked for; their start is in the figures.
        ended: called with the time when they are stopped, before the last figures are in.
        beat: called now and then with the part that is done.
        pause_s: between two beats.

    Raises:
        LoadError: the master cannot do it, or does not answer any more.
    """
    reason = master.refuses(load)
    if reason is not None:
        raise LoadError(reason)
    longest_s = load.seconds + _SPAWN_S + _STOP_S
    busy: dict[str, float] = {}
    master.begin(target, load.users, longest_s)
    began(time.monotonic_ns())
    try:
        survived = _hold(master, load, busy, alive, beat, pause_s)
    finally:
        with contextlib.suppress(LoadError):
            master.end()
        ended(time.monotonic_ns())
    if not survived:
        return None
    row = _settle(master, pause_s)
    return _result(row, master.state(), load, max(busy.values(), default=0.0) / 100, len(busy))


def _hold(
    master: Master,
    load: ToolLoad,
    busy: dict[str, float],
    alive: Callable[[], bool],
    beat: Callable[[float], None],
    pause_s: float,
) -> bool:
    """Wait for the users to run, then for the duration; False if the server died.

    How busy each worker was at most is noted in `busy`.
    """
    asked = time.monotonic()
    until = None
    while until is None or time.monotonic() < until:
        if not alive():
            return False
        state = master.state()
        for worker, percent in state.busy.items():
            busy[worker] = max(percent, busy.get(worker, 0.0))
        now = time.monotonic()
        if until is None and state.name == "running":
            until = now + load.duration_ns / 1e9
        elif until is None and now - asked > _SPAWN_S:
            raise LoadError(
                f"Locust had {state.users} of {load.users} users after {_SPAWN_S:g} s ({state.name})"
            )
        elif not state.busy:
            raise LoadError("every Locust worker has gone")
        beat(0.0 if until is None else min(1.0, 1 - (until - now) / (load.duration_ns / 1e9)))
        time.sleep(pause_s)
    return True


def _settle(master: Master, pause_s: float) -> dict[str, str]:
    """The figures, once the workers' last reports are in."""
    deadline = time.monotonic() + _STOP_S
    row, changed = master.figures(), time.monotonic()
    while time.monotonic() < min(deadline, changed + _SETTLED_S):
        time.sleep(pause_s)
        later = master.figures()
        if later["Request Count"] != row["Request Count"]:
            changed = time.monotonic()
        row = later
    return row


def _result(row: dict[str, str], state: State, load: ToolLoad, share: float, workers: int) -> ToolResult:
    try:
        requests, failed = int(row["Request Count"]), int(row["Failure Count"])
        rate, size = float(row["Requests/s"]), float(row["Average Content Size"])
        percentiles = [
            Percentile(percent=float(name.removesuffix("%")), ns=round(float(value) * _MS))
            for name, value in row.items()
            if name.endswith("%") and value not in ("", "N/A")
        ]
        low, mean, high = (
            round(float(row[f"{which} Response Time"]) * _MS) for which in ("Min", "Average", "Max")
        )
    except (KeyError, ValueError) as error:
        raise LoadError(f"the Locust master's figures cannot be read: {error!r}") from None
    if not requests:
        raise LoadError("Locust's users sent no request: does its locustfile have tasks?")
    wall = round(requests / rate * 1e9) if rate else load.duration_ns
    totals = StreamTotals(
        stream=load.stream,
        generator="locust",
        wall_ns=wall,
        answered=requests - failed,
        failed=failed,
        body_bytes=round(size * requests),
        min_ns=low,
        mean_ns=mean,
        max_ns=high,
        percentiles=tuple(percentiles),
    )
    summary = LoadSummary(
        wall_ns=wall,
        cpu_ns=round(share * wall),
        lag_p99_ns=0,
        reconnects=0,
        generator_bound=share > BOUND_SHARE,
    )
    notes = [f"{count:,} requests failed: {words}" for words, count in state.errors]
    if load.duration_ns < SHORT_NS:
        notes.append(
            "Locust tells every 5 s how busy its workers are: of so short a trial it is hardly known."
        )
    notes.append(
        f"What Locust's {workers} workers sent is their locustfile's; the busiest used {share:.0%} of a core."
    )
    return ToolResult(totals=totals, summary=summary, notes=tuple(notes))
