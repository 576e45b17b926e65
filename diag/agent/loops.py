"""Switching the agent on and off: it hooks into the one place where every loop starts to run."""

from __future__ import annotations

import asyncio
import asyncio.base_events
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from diag.agent import canary, gc_pauses, process, selector_loop, uv_loop
from diag.agent import words as w
from diag.agent.lane import LoopLane

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_lanes: dict[Any, LoopLane] = {}
_hooked: list[tuple[Any, Any]] = []


def install(spool: str | None = None) -> bool:
    """Start watching the event loops of this process; does nothing the second time.

    Args:
        spool: folder for what is seen; ``DIAG_SPOOL`` from the environment unless given.

    Returns:
        True if the agent is in place, False if it is switched off or has no spool folder.
    """
    if spool is not None:
        os.environ["DIAG_SPOOL"] = spool
    spool_files = process.current()
    if spool_files is None:
        return False
    if not _hooked:
        gc_pauses.watch(spool_files)
        _hook(asyncio.base_events.BaseEventLoop)
        os.register_at_fork(after_in_child=_forget)
        if "uvloop" in sys.modules:
            _hook(sys.modules["uvloop"].Loop)
        else:
            sys.meta_path.insert(0, _UvloopFinder())
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return True
    attach(loop)
    return True


def uninstall() -> None:
    """Stop watching; loops go on as if the agent had never been there."""
    for loop in list(_lanes):
        detach(loop)
    for loop_class, real in _hooked:
        loop_class.run_forever = real
    _hooked.clear()
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _UvloopFinder)]
    gc_pauses.unwatch()
    spool = process.current()
    if spool is not None:
        spool.close()


def _hook(loop_class: Any) -> None:
    """Every way to run a loop ends in `run_forever`."""
    real = loop_class.run_forever

    def run_forever(self: Any) -> Any:
        attach(self)
        try:
            return real(self)
        finally:
            detach(self)

    run_forever.__doc__ = real.__doc__
    loop_class.run_forever = run_forever
    _hooked.append((loop_class, real))


def attach(loop: Any) -> None:
    """Start timing a loop that runs, or is about to run, in this thread."""
    spool = process.current()
    if spool is None or loop in _lanes:
        return
    lane = loop.__dict__.get("_diag_lane")
    if lane is None or lane.process is not spool or lane.tid != threading.get_native_id():
        lane = _new_lane(spool, loop)
        if lane is None:
            return
        loop._diag_lane = lane
    _lanes[loop] = lane
    if spool.words[lane.base + w.L_KIND] == w.KIND_UVLOOP:
        uv_loop.watch(lane)
    else:
        selector_loop.watch(lane)
    canary.plant_on_loop(lane)


def _new_lane(spool: process.Process, loop: Any) -> LoopLane | None:
    if type(loop).__module__.partition(".")[0] == "uvloop":
        kind = w.KIND_UVLOOP
    elif hasattr(loop, "_selector") and hasattr(loop, "_ready"):
        kind = w.KIND_ASYNCIO
    else:
        spool.event({"k": "note", "slug": "unknown-loop", "detail": type(loop).__qualname__})
        return None
    lane = LoopLane(spool, loop, kind)
    if lane.number < 0:
        spool.event({"k": "note", "slug": "too-many-lanes", "detail": ""})
        return None
    return lane


def detach(loop: Any) -> None:
    lane = _lanes.pop(loop, None)
    if lane is not None:
        lane.stop()


def _forget() -> None:
    process.forget()
    _lanes.clear()
    selector_loop.forget()


class _UvloopFinder:
    """Import hook: patches uvloop at the moment the target imports it."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Part of the import system's protocol."""
        if name != "uvloop":
            return None
        import importlib.util  # noqa: PLC0415  # only in a target that uses uvloop

        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            _hook(module.Loop)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
