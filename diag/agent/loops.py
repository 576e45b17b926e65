"""Switching the agent on and off: it hooks into the one place where every loop starts to run."""

from __future__ import annotations

import asyncio
import asyncio.base_events
import functools
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from diag.agent import canary, gc_pauses, gevent_hub, lane, process, selector_loop, stacks, startup, uv_loop
from diag.agent import words as w
from diag.agent.lane import LoopLane

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_lanes: dict[Any, LoopLane] = {}
_hooked: list[tuple[Any, str, Any]] = []
_fork_hooked: list[bool] = []


def install(spool: str | None = None) -> bool:
    """Start watching the event loops of this process; does nothing the second time.

    Args:
        spool: folder for what is seen; ``DIAG_SPOOL`` from the environment unless given.

    Returns:
        True if the agent is in place, False if it is switched off or has no spool folder.
    """
    if spool is not None:
        os.environ["DIAG_SPOOL"] = spool
    files = process.current()
    if files is None:
        return False
    if not _fork_hooked:  # this one cannot be taken back
        _fork_hooked.append(True)
        os.register_at_fork(after_in_child=_forget)
    if not _hooked:
        gc_pauses.watch(files)
        _hook(asyncio.base_events.BaseEventLoop, "run_forever")
        for name, hook in _ON_IMPORT.items():
            if name in sys.modules:
                hook(sys.modules[name])
            else:
                sys.meta_path.insert(0, _HookingFinder(name))
    hub = gevent_hub.started_hub()
    if hub is not None:
        attach(hub)
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
    for loop_class, name, real in _hooked:
        setattr(loop_class, name, real)
    _hooked.clear()
    uv_loop.unhook()
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _HookingFinder)]
    gc_pauses.unwatch()
    files = process.current()
    if files is not None:
        stacks.stop(files)


def _hook(loop_class: Any, name: str) -> None:
    """Every way to run a loop ends in this method of its class."""
    real = getattr(loop_class, name)

    @functools.wraps(real)
    def run_forever(self: Any) -> Any:
        attached = attach(self)
        try:
            return real(self)
        finally:
            if attached:
                detach(self)

    setattr(loop_class, name, run_forever)
    _hooked.append((loop_class, name, real))


def _hook_uvloop(module: Any) -> None:
    _hook(module.Loop, "run_forever")
    uv_loop.hook(module.Loop)


def _hook_gevent(module: Any) -> None:
    _hook(module.Hub, "run")


_ON_IMPORT = {"uvloop": _hook_uvloop, "gevent.hub": _hook_gevent}


def attach(loop: Any) -> bool:
    """Start timing a loop that runs, or is about to run, in this thread.

    Returns:
        True if it was not watched before: then `detach` must follow.
    """
    spool = process.current()
    if spool is None or loop in _lanes:
        return False
    if not spool.canary_planted:
        stacks.await_watcher(spool)  # not in the loop: what waits there would be charged with it
    try:
        found = _new_lane(spool, loop)
        if found is None:
            selector_loop.set_running(loop, None, runs=True)
            return True
        _watch(found)
    except Exception as error:  # a loop that cannot be watched must run all the same
        spool.note("unknown-loop", f"{type(loop).__qualname__} ({error})")
        return False
    return True


def _watch(found: LoopLane) -> None:
    kind = found.process.words[found.base + w.L_KIND]
    if kind == w.KIND_UVLOOP:
        uv_loop.watch(found)
    elif kind == w.KIND_GEVENT:
        gevent_hub.watch(found)
    else:
        selector_loop.watch(found)
    _lanes[found.loop] = found
    gc_pauses.watch(found.process)  # anew in a forked child
    canary.plant_on_loop(found)
    if kind != w.KIND_GEVENT:
        startup.watch(found.loop)


def _new_lane(spool: process.Process, loop: Any) -> LoopLane | None:
    if type(loop).__module__.partition(".")[0] == "uvloop" or _is_uvloop(loop):
        kind = w.KIND_UVLOOP
    elif gevent_hub.is_hub(loop):
        kind = w.KIND_GEVENT
    elif hasattr(loop, "_selector") and hasattr(loop, "_ready"):
        kind = w.KIND_ASYNCIO
    else:
        spool.note("unknown-loop", type(loop).__qualname__)
        return None
    number = spool.take_lane(kind, threading.get_native_id(), stacks.thread_state())
    if number < 0:
        spool.note("too-many-lanes")
        return None
    return LoopLane(spool, loop, number)


def _is_uvloop(loop: Any) -> bool:
    uvloop = sys.modules.get("uvloop")
    return uvloop is not None and isinstance(loop, uvloop.Loop)


def detach(loop: Any) -> None:
    """Stop timing a loop; its lane may be used by another one then."""
    found = _lanes.pop(loop, None)
    if found is None:
        selector_loop.set_running(loop, None, runs=False)
        return
    if found.finish_canary is not None:
        found.finish_canary()
    found.stop()
    found.process.flush()
    found.process.give_lane(found.number)


def _forget() -> None:
    """In a forked child: nothing of what the parent watches is this process'."""
    hubs = [loop for loop in _lanes if gevent_hub.is_hub(loop)]
    for found in _lanes.values():
        found.quiet = True
        found.release()
    _lanes.clear()
    gc_pauses.unwatch()
    selector_loop.forget()
    lane.forget()
    process.forget()
    for hub in hubs:
        gevent_hub.resume_in_child(hub, attach)


class _HookingFinder:
    """Import hook: patches a package's loop at the moment the target imports it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Part of the import system's protocol."""
        if name != self.name:
            return None
        import importlib.util  # only in a target that has such a loop

        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            _ON_IMPORT[name](module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
