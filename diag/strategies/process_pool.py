"""`process-pool`: the work is called in another process of a pool."""

from __future__ import annotations

import asyncio
import functools
import os
import pickle
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from diag.hosting import READY, SERVE, SPOOL
from diag.inspection import WorkloadInfo
from diag.own_code import own_traceback
from diag.strategies.forms import DONE, Forms, Handler, Handlers, Serves, called, counted, needs_sync

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

# `multiprocessing` is imported where a pool is made: a target of another strategy does not get to see it.

START_TIMEOUT_S = 60.0
DAEMONIC = ("hypercorn",)
"""Servers whose workers are daemonic processes of `multiprocessing`."""


class ProcessPool:
    """The work leaves the handler's GIL alone; its arguments and its result travel through a pipe.

    The pool is made when the app is loaded, and the first request finds all of its processes running, the
    workload's file imported in each. There is one a core; `--pool` sets another number.

    The processes are spawned. A forked one would inherit the locks of threads that it does not have, the
    server's sockets and the agent's files; and a fork server would outlive the worker that asked for it.
    They end when the process that made them does, however that ended. hypercorn's workers may start none.
    """

    name = "process-pool"
    description = "the work is called in a process of a pool, and awaited"
    default = False
    patched = None

    def applies(self, workload: WorkloadInfo, framework: Handlers) -> str | None:  # noqa: ARG002  # any will do
        """It needs a synchronous form whose arguments can be pickled."""
        return needs_sync(workload) or workload.confined or None

    def refuses(self, server: Serves) -> str | None:
        """A daemonic process of `multiprocessing` must not start others (seen with hypercorn 0.18)."""
        if server.name in DAEMONIC:
            return f"{server.name}'s workers are daemonic processes, which Python lets start no others"
        return None

    def detail(self, workload: WorkloadInfo, *, pool: int, together: int) -> str:  # noqa: ARG002
        """The pool's size."""
        return counted(pool or default_processes(), "process", "processes")

    def handler(self, forms: Forms) -> Handler:
        """An `async def` that awaits the pool, or a `def` that waits for it.

        Raises:
            TypeError: the work's arguments, or the work, cannot be sent to another process.
        """
        work, params = called(forms), dict(forms.params)
        pool = started_pool(
            forms.elsewhere or functools.partial(_itself, work), params, forms.pool or default_processes()
        )

        async def handle() -> dict[str, bool]:
            await asyncio.get_running_loop().run_in_executor(pool, call, params)
            return DONE

        def wait_for_it() -> dict[str, bool]:
            pool.submit(call, params).result()
            return DONE

        return handle if forms.on_loop else wait_for_it


def default_processes() -> int:
    """Processes of a pool unless a number is given: one for each core that this process may use."""
    return len(os.sched_getaffinity(0))


def started_pool(
    make: Callable[[], Callable[..., object]], params: Mapping[str, object], size: int
) -> ProcessPoolExecutor:
    """A pool all of whose processes are running and have made the work.

    Args:
        make: is pickled, and called once in each process for the work.
        params: that it will be called with; only looked at.
        size: processes.

    Raises:
        TypeError: something cannot be pickled.
        RuntimeError: `make` failed there; the message holds the user's frames of the traceback.
    """
    import multiprocessing  # noqa: PLC0415
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415

    for what, value in (("arguments", params), ("function", make)):
        try:
            pickle.dumps(value)
        except Exception as error:  # what an object does when it is pickled is its own affair
            raise TypeError(f"the workload's {what} cannot be sent to another process: {error}") from error
    context = multiprocessing.get_context("spawn")
    all_here = context.Barrier(size)
    pool = ProcessPoolExecutor(size, mp_context=context, initializer=_begin, initargs=(make, all_here))
    # Each of these waits for all others, so no process can take two of them.
    failures = [future.result() for future in [pool.submit(_arrive) for _ in range(size)]]
    if any(failures):
        pool.shutdown()
        raise RuntimeError(f"the workload could not be loaded in another process\n{max(failures)}")
    return pool


def _itself(work: Callable[..., object]) -> Callable[..., object]:
    return work


_work: list[Callable[..., object]] = []
_barrier: list[Any] = []
_failure: list[str] = []


def _begin(make: Callable[[], Callable[..., object]], all_here: Any) -> None:
    """In a process of the pool: end with its maker, be no worker of the server, and make the work."""
    import multiprocessing  # noqa: PLC0415

    maker = multiprocessing.parent_process()
    assert maker is not None
    threading.Thread(target=_end_with, args=(maker.sentinel,), daemon=True).start()
    for variable in (SPOOL, READY, SERVE):
        os.environ.pop(variable, None)
    _barrier.append(all_here)
    try:
        _work.append(make())
    except BaseException as error:  # noqa: BLE001  # what an initializer raises would only be logged
        _failure.append(own_traceback(error))


def _end_with(sentinel: int) -> None:
    """The call queue is no help: each process of the pool holds its writing end open too."""
    from multiprocessing.connection import wait  # noqa: PLC0415

    wait([sentinel])
    os._exit(1)


def _arrive() -> str:
    """What went wrong here, "" if all is well."""
    _barrier[0].wait(START_TIMEOUT_S)
    return "".join(_failure)


def call(params: Mapping[str, object]) -> object:
    """In a process of the pool: the work; what it returns is sent back, as it would be in a program."""
    return _work[0](**params)
