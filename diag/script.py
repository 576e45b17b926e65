"""Runs a script as it is, with the agent in it, until it ends or has to be ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from diag import overlay
from diag.agent import words
from diag.hosting import RUN_ID, SPOOL
from diag.limits import UNLIMITED
from diag.reap import kill_run, run_pids
from diag.recording import Degradation
from diag.servers.exits import describe_exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from diag.limits import Confinement
    from diag.plan import ScriptPlan
    from diag.probes.observer import Observer

POLL_S = 0.1
INTERRUPT_GRACE_S = 3.0
"""What a script has for ending itself after an interrupt, its ``finally`` clauses included."""

_RUNNER = str(Path(words.__file__).with_name("__main__.py"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptEnd:
    """How a script ended.

    Attributes:
        failure: why it counts as failed, "" if it does not.
        notes: what has to be known about the run besides.
    """

    failure: str = ""
    notes: tuple[Degradation, ...] = ()


def run_script(
    plan: ScriptPlan, observer: Observer, tick: Callable[[], None], limits: Confinement = UNLIMITED
) -> ScriptEnd:
    """Run a script to its end; nothing of it is left afterwards.

    Args:
        plan: the script.
        observer: what watches it.
        tick: called about every `POLL_S` while it runs.
        limits: for its processes, none unless given.
    """
    child = None
    try:
        child = _start(plan, observer, limits)
        observer.sample(lambda: run_pids(observer.run_id))
        return _await(child, plan, observer.run_id, tick)
    except BaseException:
        if child is not None:
            _interrupt(child)
        raise
    finally:
        kill_run(observer.run_id, grace_s=0.5)
        if child is not None:
            child.wait()


def _start(plan: ScriptPlan, observer: Observer, limits: Confinement) -> subprocess.Popen[bytes]:
    what = ["-m", plan.folder, plan.module] if plan.module else [plan.path]
    return subprocess.Popen(
        limits.wrap([sys.executable, _RUNNER, *what, *plan.args]),
        cwd=plan.cwd,
        env={**os.environ, **_overlaid(plan, observer), SPOOL: observer.spool, RUN_ID: observer.run_id},
        stdin=_stdin(),
        stdout=2,  # standard output is for the verdict
        start_new_session=True,  # Ctrl-C reaches diag alone, which then ends the script
    )


def _overlaid(plan: ScriptPlan, observer: Observer) -> dict[str, str]:
    """Variables with which changed text is run in place of files."""
    if plan.overlay is None:
        return {}
    return overlay.write(os.path.join(observer.spool, overlay.FOLDER), plan.overlay, pickles=True)


def _stdin() -> int | None:
    """What is piped into diag is the script's; a terminal cannot be read from another session."""
    try:
        return subprocess.DEVNULL if os.isatty(0) else None
    except OSError:
        return subprocess.DEVNULL


def _await(
    child: subprocess.Popen[bytes], plan: ScriptPlan, run_id: str, tick: Callable[[], None]
) -> ScriptEnd:
    deadline = time.monotonic_ns() + plan.timeout_ns
    while child.poll() is None:
        if time.monotonic_ns() > deadline:
            ports = _listening(run_pids(run_id))
            _interrupt(child)
            return ScriptEnd(notes=_ended_by_diag(plan.timeout_ns / 1e9, ports))
        tick()
        time.sleep(POLL_S)
    return ScriptEnd(failure=f"the script {describe_exit(child.returncode)}" if child.returncode else "")


def _listening(pids: Iterable[int]) -> tuple[int, ...]:
    """Ports on which some processes wait for connections."""
    ports = set()
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            connections = psutil.Process(pid).net_connections("inet")
            ports |= {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}
    return tuple(sorted(ports))


def _ended_by_diag(seconds: float, ports: Sequence[int]) -> tuple[Degradation, ...]:
    notes = [
        Degradation(
            slug="script-timeout",
            text=f"The script was still running after {seconds:g} s and was interrupted (--timeout).",
        )
    ]
    if ports:
        where = f"port {', '.join(map(str, ports))}"
        text = f"It listens on {where}, and diag sends a script no requests: only what reached it is judged."
        notes.append(Degradation(slug="script-serves", text=text))
    return tuple(notes)


def _interrupt(child: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C does, so that it can end what it has begun."""
    with contextlib.suppress(OSError):
        os.killpg(child.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(INTERRUPT_GRACE_S)
