"""Imports a target in a process of its own and says what it is.

A process of its own, because the user's code may hang, exit, crash or print on import, and because diag
itself must not hold what the target holds.

    inspection = inspect_target(parse_target("shop/api.py"))
    inspection.interface, inspection.framework         # "asgi", "fastapi"
    [route.label for route in inspection.routes]       # ["GET /items/{id}", ...]
    app = app_to_serve(target, inspection)             # for diag.servers.process.start_server
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from diag.errors import TargetError
from diag.frameworks.wire import decode
from diag.guard import Guard
from diag.hosting import RUN_ID, with_diag_importable
from diag.inspection import Inspection, RouteInfo, WorkloadInfo
from diag.own_code import is_own_file
from diag.plan import ServedApp, ServedUnit
from diag.targets import AppTarget, WorkloadTarget, roots

__all__ = [
    "Inspection",
    "RouteInfo",
    "WorkloadInfo",
    "app_to_serve",
    "inspect_target",
    "workloads_to_serve",
]

IMPORT_TIMEOUT_S = 30.0
_GRACE_S = 2.0
_OUTPUT_LINES = 15
_HANG_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+) in (?P<name>.*)$')


def inspect_target(target: AppTarget | WorkloadTarget, *, timeout_s: float = IMPORT_TIMEOUT_S) -> Inspection:
    """Import the target's module as its server will, and say what is in it.

    Args:
        target: an app or a workload file.
        timeout_s: seconds that the import may take.

    Raises:
        TargetError: it cannot be imported (with the user's frames of the traceback), exits, crashes,
            hangs (with the line), or holds no app or workload of that name.
    """
    run_id = f"{os.getpid()}-{secrets.token_hex(4)}"
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as hang, Guard(run_id):
        child, pipe = _start(target, output, hang, timeout_s, run_id)
        try:
            line = _read_line(pipe, child, time.monotonic() + timeout_s + _GRACE_S)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_GRACE_S)
        finally:
            _end(child)
            os.close(pipe)
        answer: dict[str, Any] = json.loads(line) if line else {}
        if "inspection" not in answer:
            raise _error(answer, target, child.returncode, _text(hang), _text(output), timeout_s)
    inspection = decode(answer["inspection"])
    if isinstance(target, WorkloadTarget):
        return _chosen_workloads(inspection, target)
    return inspection


def app_to_serve(target: AppTarget, inspection: Inspection) -> ServedApp:
    """What a server loads for an app."""
    place = target.place
    return ServedApp(
        kind="app",
        module=place.module,
        file="" if place.module else place.file,
        attribute=inspection.attribute,
        factory=inspection.factory,
        framework=inspection.framework,
        interface=inspection.interface,
        sys_path=place.sys_path,
    )


def workloads_to_serve(
    target: WorkloadTarget,
    units: Sequence[ServedUnit],
    *,
    framework: str,
    interface: str,
    params: Mapping[str, object] | None = None,
    pool: int = 0,
    together: int = 0,
) -> ServedApp:
    """What a server loads for workloads.

    Args:
        target: the file.
        units: its workloads, each with its route and its strategy.
        framework: that serves them.
        interface: of that framework.
        params: keyword arguments that replace the workloads' own, where they take them.
        pool: threads or processes of a strategy's own pool, 0 for its default.
        together: calls that one request gathers, 0 for the default.
    """
    place = target.place
    return ServedApp(
        kind="workload",
        module=place.module,
        file="" if place.module else place.file,
        framework=framework,
        units=tuple(units),
        params=dict(params or {}),
        pool=pool,
        together=together,
        interface=interface,
        sys_path=place.sys_path,
    )


def _start(
    target: AppTarget | WorkloadTarget, output: IO[bytes], hang: IO[bytes], timeout_s: float, run_id: str
) -> tuple[subprocess.Popen[bytes], int]:
    """The child, and the end of the pipe on which it answers."""
    reading, writing = os.pipe()
    place = target.place
    order = {
        "kind": target.kind,
        "module": place.module,
        "file": place.file,
        "sys_path": place.sys_path,
        "roots": roots(target),
        "attribute": getattr(target, "attribute", ""),
        "factory": getattr(target, "factory", False),
        "shown": target.text.partition(":")[0],
        "pipe": writing,
        "hang": hang.fileno(),
        "timeout_s": timeout_s,
    }
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "diag.frameworks.inspect_child", json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(writing, hang.fileno()),
            cwd=place.cwd,
            env=with_diag_importable({**os.environ, RUN_ID: run_id}),
            start_new_session=True,
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return child, reading


def _readable(pipe: int) -> bool:
    return bool(select.select([pipe], [], [], 0)[0])


def _read_line(pipe: int, child: subprocess.Popen[bytes], deadline: float) -> bytes:
    """The child's line; b"" if it ended without one, or too late.

    Not until end of file: a process that the user's code forked may hold the pipe open for ever.
    """
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], 0.05)
        if ready:
            part = os.read(pipe, 65536)
            if not part:
                return b""
            line += part
        # It may have answered and ended since that look, as on a busy machine: look once more.
        elif (child.poll() is not None or time.monotonic() > deadline) and not _readable(pipe):
            return b""
    return line


def _end(child: subprocess.Popen[bytes]) -> None:
    """End its process group; what the user's import started elsewhere is ended by the guard."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _chosen_workloads(inspection: Inspection, target: WorkloadTarget) -> Inspection:
    found = inspection.workloads
    chosen = tuple(_as_named(w, target.names) for w in found if _is_named(w, target.names))
    if chosen:
        return Inspection(file=inspection.file, workloads=chosen, notes=inspection.notes)
    names = ", ".join(w.name for w in found)
    raise TargetError(
        f"{target.text} holds no workload{f' named {target.names[0]}' if target.names else ''}",
        cause=f"Its workloads are {names}."
        if names
        else "None of its functions can be called without arguments.",
        next_step=f"diag explain {target.text.partition(':')[0]}" + (f":{found[0].name}" if found else ""),
        slug="no-workload",
    )


def _is_named(workload: WorkloadInfo, names: tuple[str, ...]) -> bool:
    return not names or workload.name in names or any(name in names for name in workload.functions)


def _as_named(workload: WorkloadInfo, names: tuple[str, ...]) -> WorkloadInfo:
    """Without its synchronous form, if only the native one was asked for."""
    if not names or workload.name in names or workload.functions[0] in names:
        return workload
    return replace(workload, has_sync=False)


def _error(
    answer: Mapping[str, Any],
    target: AppTarget | WorkloadTarget,
    returncode: int | None,
    hang: str,
    output: str,
    timeout_s: float,
) -> TargetError:
    match answer.get("error"):
        case "no-app":
            return TargetError(
                answer["what"], cause=answer["cause"], next_step=answer["next_step"], slug="no-app"
            )
        case "exit":
            return TargetError(
                f"{target.text} ends the program while it is imported (exit code {answer['code']})",
                cause="It calls sys.exit() at top level.",
                next_step='put the call under if __name__ == "__main__":',
                detail=_joined(answer["traceback"], output),
                slug="exits-on-import",
            )
        case "import":
            return _import_error(answer, target, output)
    if hang:
        return _hangs(target, hang, output, timeout_s)
    return TargetError(
        f"{target.text} ended the interpreter while it was imported ({_exit_words(returncode)})",
        cause="A native extension crashed, or the code called os._exit() or a signal.",
        next_step=f"python -X faulthandler -c 'import {target.place.module or Path(target.place.file).stem}'",
        detail=output,
        slug="crashes-on-import",
    )


def _import_error(answer: Mapping[str, Any], target: AppTarget | WorkloadTarget, output: str) -> TargetError:
    missing, top = answer["missing"], answer["missing"].partition(".")[0]
    message = "".join(f": {line}" for line in answer["message"].strip().splitlines()[:1])
    if missing and any((Path(r) / top).exists() or (Path(r) / f"{top}.py").exists() for r in roots(target)):
        cause = f"There is a {top}, but no {missing} in it."
        next_step = f"correct the import of {missing}"
    elif missing:
        cause = f"The module {missing} is not installed in the environment that diag runs in ({sys.prefix})."
        next_step = f"{sys.executable} -m pip install {top}"
    elif answer["type"] == "KeyError" and "environ" in answer["traceback"]:
        name = answer["message"].strip("'\"")
        cause = f"It reads the environment variable {name}, which is not set."
        next_step = f"{name}=... diag explain {target.text}"
    else:
        cause = f"Its own code raised {answer['type']}."
        next_step = "correct it; importing it must not fail"
    return TargetError(
        f"{target.text} cannot be imported: {answer['type']}{message}",
        cause=cause,
        next_step=next_step,
        detail=_joined(answer["traceback"], output),
        slug="import-error",
    )


def _hangs(target: AppTarget | WorkloadTarget, dump: str, output: str, timeout_s: float) -> TargetError:
    """The user's innermost line in the thread that imports; the dump has the innermost frame first."""
    stacks = [[m for m in map(_HANG_FRAME.match, part.splitlines()) if m] for part in dump.split("\n\n")]
    importing = next((s for s in stacks if any(m["file"].endswith("inspect_child.py") for m in s)), [])
    own = next((m for m in importing if is_own_file(m["file"], roots(target))), None)
    return TargetError(
        f"{target.text} was still being imported after {timeout_s:g} s",
        cause=f"It hangs at {own['file']}:{own['line']} in {own['name']}."
        if own
        else "It hangs in a library.",
        next_step='put what takes long under if __name__ == "__main__":, or into the app\'s lifespan',
        detail=_joined(dump if own is None else "", output),
        slug="hangs-on-import",
    )


def _joined(traceback: str, output: str) -> str:
    return "\n".join(part for part in (traceback, output and f"It printed:\n{output}") if part)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    text = file.read()[-64_000:].decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-_OUTPUT_LINES * 4 :])


def _exit_words(returncode: int | None) -> str:
    if returncode is None:
        return "no exit code"
    if returncode < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-returncode).name}"
    return f"exit code {returncode}"
