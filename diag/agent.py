"""What runs inside the target: exact step times, "busy since" words for the watcher, and nothing else.

Standard library only. It is installed by `diag.frameworks.hosted` in a server's worker, or around a
script by ``python -m diag.agent SCRIPT ARGS``. ``DIAG_AGENT=0`` in the environment switches it off.

How it sees a block:

* asyncio: `Handle._run` is replaced by a function that calls it and reads the clock once afterwards; the
  end of one step is the start of the next, and the return of the selector's `select` is the start of the
  first. So every step of an iteration is timed exactly, at one clock reading each.
* uvloop runs its handles in C: the methods that schedule a callback are wrapped, and the callback timed.
* a WSGI worker has no loop: its unit is the request.

What leaves the process goes through files in the spool folder (`diag.probes.spool` reads them): a mapped
file of words, a mapped file of served requests, a file of JSON lines for what lasted 1 ms or longer, and
the file that `faulthandler` writes the thread's stack to when the watcher sends SIGURG. Mapped files lose
nothing when the process is killed. SIGURG is ignored by default, so that one sent too late does no harm.
"""

from __future__ import annotations

import asyncio
import asyncio.base_events
import contextvars
import faulthandler
import json
import mmap
import os
import signal
import sys
import threading
import time
from asyncio import events
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator
    from importlib.machinery import ModuleSpec

SLOW_NS = 1_000_000
"""Steps from here on are written down one by one; also how old a reading of CPU time may become."""

CANARY_NS = 50_000_000
WATCHER_PATIENCE_NS = 1_000_000_000
STACK_SIGNAL = signal.SIGURG
UVLOOP_IDLE_NS = 100_000
"""A pause between two uvloop steps above this ends an iteration (its poll is not visible from Python)."""

MAX_WAITERS = 64

# Layout of the mapped words, in 8-byte units. `diag.probes.spool` reads them by these names.
WORDS_MAGIC = 0x31474149444747
HEADER_WORDS = 16
H_MAGIC, H_PID, H_ACK, H_SERVED, H_SERVED_DROPPED, H_STACKS_OK, H_CAPACITY = range(7)
LANE_WORDS = 80
L_TID, L_KIND, L_STEP_SINCE, L_ITERATION_SINCE, L_ITERATION, L_STEPS, L_BUSY, L_DROPPED = range(8)
L_BUCKETS = 16
MAX_LANES = 128
KIND_ASYNCIO, KIND_UVLOOP, KIND_WORKER = 1, 2, 3
SERVED_WORDS = 4
MAX_SERVED = 4_000_000
PUBLISH_NS = 20_000_000

_clock = time.monotonic_ns
_thread_time = time.thread_time_ns
_sleep = time.sleep  # taken now: a target may forbid or patch time.sleep later
_dumps = json.dumps
_request: contextvars.ContextVar[int] = contextvars.ContextVar("diag_request", default=0)

_process: _Process | None = None
_lanes: dict[Any, _LoopLane] = {}
_patched: set[str] = set()
_original_run = events.Handle._run


class _Process:
    """The spool files of this process."""

    def __init__(self, spool: str) -> None:
        self.spool = spool
        self.pid = os.getpid()
        base = os.path.join(spool, str(self.pid))
        self.words = _mapped(base + ".words", (HEADER_WORDS + MAX_LANES * LANE_WORDS) * 8)
        self.served = _mapped(base + ".served", MAX_SERVED * SERVED_WORDS * 8)
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC
        self.events_fd = os.open(base + ".events", flags, 0o600)
        self.stacks_fd = os.open(base + ".stacks", flags, 0o600)
        self.served_count = 0
        self.canary_planted = False
        self.lane_count = 0
        self.free_slots: list[int] = []
        self.lock = threading.Lock()
        self.words[H_PID] = self.pid
        self.words[H_STACKS_OK] = int(self._register_stacks())
        self.words[H_MAGIC] = WORDS_MAGIC  # last: now the watcher may read

    def _register_stacks(self) -> bool:
        if signal.getsignal(STACK_SIGNAL) not in (signal.SIG_DFL, signal.SIG_IGN):
            self.event({"k": "note", "slug": "signal-taken"})
            return False
        faulthandler.register(STACK_SIGNAL, file=self.stacks_fd, all_threads=False, chain=False)
        return True

    def event(self, record: dict[str, object]) -> None:
        """Append one JSON line; one write, so that lines of several threads do not mix."""
        try:
            os.write(self.events_fd, _dumps(record).encode() + b"\n")
        except OSError:
            self.words[H_SERVED_DROPPED] += 1

    def new_slot(self, kind: int, tid: int) -> int:
        """A lane's place in the words; -1 when all are taken."""
        with self.lock:
            if self.free_slots:
                lane = self.free_slots.pop()
            elif self.lane_count < MAX_LANES:
                lane = self.lane_count
                self.lane_count += 1
            else:
                return -1
        base = HEADER_WORDS + lane * LANE_WORDS
        self.words[base + L_STEP_SINCE] = 0
        self.words[base + L_TID] = tid
        self.words[base + L_KIND] = kind
        return lane

    def serve(self, tid: int, port: int, start: int, end: int) -> None:
        """Write one served request down."""
        count = self.served_count
        if count >= MAX_SERVED:
            self.words[H_SERVED_DROPPED] += 1
            return
        self.served_count = count + 1
        at = count * 4
        served = self.served
        served[at] = tid
        served[at + 1] = port
        served[at + 2] = start
        served[at + 3] = end
        self.words[H_SERVED] = count + 1

    def stack_bytes(self) -> int:
        """Size of the stack file now."""
        return os.fstat(self.stacks_fd).st_size


def _mapped(path: str, size: int) -> memoryview[int]:
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(fd, size)  # sparse: only pages that are written take room
        return memoryview(mmap.mmap(fd, size)).cast("q")
    finally:
        os.close(fd)


class _Readings:
    """CPU and run-queue time of the calling thread, as differences from the reading before."""

    def __init__(self) -> None:
        self.at = _clock()
        self.cpu = _thread_time()
        try:
            self.fd = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
            self.run_queue = self._read()
        except (OSError, ValueError, IndexError):
            self.fd = -1
            self.run_queue = 0

    def _read(self) -> int:
        return int(os.pread(self.fd, 64, 0).split()[1])

    def take(self, now: int) -> tuple[int, int | None, int]:
        """CPU ns and run-queue ns (None where unreadable) since the last reading, and when that was."""
        cpu = _thread_time()
        before_at, before_cpu, before_queue = self.at, self.cpu, self.run_queue
        self.at, self.cpu = now, cpu
        if self.fd < 0:
            return cpu - before_cpu, None, before_at
        self.run_queue = self._read()
        return cpu - before_cpu, self.run_queue - before_queue, before_at

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)


class _LoopLane:
    """State of one event loop; the closures made for it are what runs at each step."""

    def __init__(self, process: _Process, loop: Any, kind: int) -> None:
        self.process = process
        self.loop = loop
        self.tid = threading.get_native_id()
        self.lane = process.new_slot(kind, self.tid)
        self.base = HEADER_WORDS + self.lane * LANE_WORDS
        self.buckets = [0] * 64
        self.published = 0
        self.quiet = False
        self.readings = _Readings()
        self.iteration = 0
        self.step: Callable[[Any], None] | None = None  # asyncio: the timed `Handle._run`
        self.timed: Callable[..., object] | None = None  # uvloop: calls a callback and times it
        self.block: tuple[int, int] | None = None  # uvloop: the block that following steps waited for

    def publish(self, now: int) -> None:
        """Copy the totals to the words, at most every `PUBLISH_NS`."""
        self.published = now + PUBLISH_NS
        words, base = self.process.words, self.base
        words[base + L_ITERATION] = self.iteration
        words[base + L_STEPS] = sum(self.buckets)
        for index, count in enumerate(self.buckets):
            words[base + L_BUCKETS + index] = count

    def slow(self, start: int, now: int, callback: Any, context: Any) -> None:
        """Take a reading, and write the step down if it was long."""
        cpu, run_queue, since = self.readings.take(now)
        if now - start < SLOW_NS or self.quiet:
            return
        key = context.get(_request, 0) if context is not None else _request.get()
        label, task = _describe(callback)
        self.process.event(
            {
                "k": "step",
                "l": self.lane,
                "i": self.iteration,
                "s": start,
                "e": now,
                "c": cpu,
                "q": run_queue,
                "g": start - since,
                "r": key,
                "n": label,
                "t": task,
                "o": self.process.stack_bytes(),
                "w": self._waiters(now),
            }
        )
        self.block = (start, now)

    def waited(self, callback: Any) -> None:
        """Write down that a uvloop step came right behind a block (its queue is not visible from Python)."""
        key = _request.get()
        if self.block is not None and not self.quiet:
            start, end = self.block
            label = _describe(callback)[0]
            self.process.event({"k": "waiter", "l": self.lane, "e": end, "w": [key, label, start]})

    def _waiters(self, now: int) -> list[list[object]]:
        """Who is ready to run on an asyncio loop: what is queued, and timers that are due."""
        loop = self.loop
        found: list[list[object]] = []
        try:
            for handle in list(loop._ready)[:MAX_WAITERS]:
                if not handle._cancelled:
                    found.append(_waiter(handle, 0))
            for timer in list(loop._scheduled)[:MAX_WAITERS]:
                when = int(timer._when * 1e9)
                if when < now and not timer._cancelled:
                    found.append(_waiter(timer, when))
        except Exception:  # noqa: BLE001  # a loop that keeps its queue elsewhere has no waiters to show
            return found
        return found


def _waiter(handle: Any, since: int) -> list[object]:
    callback = handle._callback
    if since and handle._args:  # a timer that resolves a future: the task behind the future is who waits
        callbacks = getattr(handle._args[0], "_callbacks", None)
        if callbacks:
            callback = callbacks[0][0]
    return [handle._context.get(_request, 0), _describe(callback)[0], since]


def _describe(callback: Any) -> tuple[str, str]:
    """The coroutine or callback in words, and the task's name."""
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task) or hasattr(owner, "get_coro"):
        coroutine = owner.get_coro()
        return getattr(coroutine, "__qualname__", type(coroutine).__name__), owner.get_name()
    inner = getattr(callback, "func", callback)
    name = getattr(inner, "__qualname__", None) or type(inner).__name__
    return str(name), ""


# asyncio ------------------------------------------------------------------------------------------------


def _watch_asyncio(lane: _LoopLane) -> Callable[[Any], None]:
    """Put the clock around a selector loop's poll; returns the timed form of `Handle._run`."""
    words = lane.process.words
    step_word = lane.base + L_STEP_SINCE
    iteration_word = lane.base + L_ITERATION_SINCE
    run, clock, buckets, slow, readings = _original_run, _clock, lane.buckets, lane.slow, lane.readings
    selector = lane.loop._selector
    select = selector.select
    started = clock()

    def timed_select(timeout: float | None = None) -> Any:
        nonlocal started
        words[step_word] = 0
        words[iteration_word] = 0
        result = select(timeout)
        started = now = clock()
        if now - readings.at >= SLOW_NS:
            readings.take(now)
            if now >= lane.published:
                lane.publish(now)
        lane.iteration += 1
        words[step_word] = now
        words[iteration_word] = now
        return result

    def timed_run(handle: Any) -> None:
        nonlocal started
        run(handle)
        now = clock()
        buckets[(now - started).bit_length()] += 1
        # One comparison for two purposes: a long step is always older than the last reading.
        if now - readings.at >= SLOW_NS:
            slow(started, now, handle._callback, handle._context)
            now = clock()
        started = now
        words[step_word] = now

    selector.select = timed_select
    return timed_run


def _dispatch(handle: Any) -> None:
    """`Handle._run` while several loops of this process run at once."""
    lane = _lanes.get(handle._loop)
    if lane is None or lane.step is None:
        _original_run(handle)
    else:
        lane.step(handle)


def _choose_run() -> None:
    """Make `Handle._run` as direct as the number of running loops allows."""
    timed = [lane.step for lane in list(_lanes.values()) if lane.step is not None]
    chosen: Any = _original_run if not timed else timed[0] if len(timed) == 1 else _dispatch
    events.Handle._run = chosen  # type: ignore[method-assign]


# uvloop -------------------------------------------------------------------------------------------------


def _watch_uvloop(lane: _LoopLane) -> Callable[..., object]:
    """The function that calls a callback in its place and times it."""
    words = lane.process.words
    step_word = lane.base + L_STEP_SINCE
    iteration_word = lane.base + L_ITERATION_SINCE
    clock, buckets, slow, readings = _clock, lane.buckets, lane.slow, lane.readings
    ended = clock()

    def timed(callback: Any, *args: object) -> object:
        nonlocal ended
        start = clock()
        if start - ended > UVLOOP_IDLE_NS:
            lane.iteration += 1
            lane.block = None
            words[iteration_word] = start
            if start - readings.at >= SLOW_NS:
                readings.take(start)
                if start >= lane.published:
                    lane.publish(start)
        elif lane.block is not None:
            lane.waited(callback)
        words[step_word] = start
        try:
            return callback(*args)
        finally:
            ended = now = clock()
            buckets[(now - start).bit_length()] += 1
            if now - readings.at >= SLOW_NS:
                slow(start, now, callback, None)
                ended = clock()
            words[step_word] = 0

    return timed


def _patch_uvloop(module: Any) -> None:
    """Wrap what schedules callbacks in `uvloop.Loop`, a Python subclass of the C loop."""
    if "uvloop" in _patched:
        return
    _patched.add("uvloop")
    loop_class = module.Loop

    def wrap(name: str, position: int) -> None:
        real = getattr(loop_class, name)

        def schedule(self: Any, *args: Any, **keywords: Any) -> Any:
            lane = _lanes.get(self)
            if lane is None or lane.timed is None or len(args) <= position:
                return real(self, *args, **keywords)
            return real(self, *args[:position], lane.timed, *args[position:], **keywords)

        schedule.__name__ = name
        schedule.__qualname__ = f"Loop.{name}"
        setattr(loop_class, name, schedule)

    real_soon = loop_class.call_soon

    # The only one on the path of every request, therefore written out.
    def call_soon(self: Any, callback: Any, *args: Any, context: Any = None) -> Any:
        lane = _lanes.get(self)
        if lane is None:
            return real_soon(self, callback, *args, context=context)
        return real_soon(self, lane.timed, callback, *args, context=context)

    loop_class.call_soon = call_soon
    for name, position in (("call_soon_threadsafe", 0), ("call_later", 1), ("call_at", 1)):
        wrap(name, position)
    for name in ("add_reader", "add_writer"):
        wrap(name, 1)
    _hook_run_forever(loop_class)


class _UvloopFinder:
    """Import hook: patches uvloop at the moment the target imports it."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != "uvloop":
            return None
        import importlib.util  # noqa: PLC0415  # only now, in a target that uses uvloop

        sys.meta_path.remove(self)  # type: ignore[arg-type]
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            _patch_uvloop(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


# Loops --------------------------------------------------------------------------------------------------


def _hook_run_forever(loop_class: Any) -> None:
    real = loop_class.run_forever

    def run_forever(self: Any) -> Any:
        _attach(self)
        try:
            return real(self)
        finally:
            _detach(self)

    run_forever.__doc__ = real.__doc__
    loop_class.run_forever = run_forever


def _attach(loop: Any) -> None:
    """Start timing a loop that runs, or is about to run, in this thread."""
    process = _process or _open_process()
    if process is None or loop in _lanes:
        return
    known = loop.__dict__.get("_diag_lane")
    if known is not None and known.process is process and known.tid == threading.get_native_id():
        _resume(known)
        return
    module = type(loop).__module__.partition(".")[0]
    if module == "uvloop":
        lane = _LoopLane(process, loop, KIND_UVLOOP)
        lane.timed = _watch_uvloop(lane)
    elif hasattr(loop, "_selector") and hasattr(loop, "_ready"):
        lane = _LoopLane(process, loop, KIND_ASYNCIO)
    else:
        process.event({"k": "note", "slug": "unknown-loop", "loop": type(loop).__qualname__})
        return
    if lane.lane < 0:
        process.event({"k": "note", "slug": "too-many-lanes"})
        return
    process.event({"k": "lane", "l": lane.lane, "tid": lane.tid, "kind": process.words[lane.base + L_KIND]})
    loop._diag_lane = lane
    _resume(lane)
    if not process.canary_planted:
        process.canary_planted = True
        _plant_canary(lane)


def _resume(lane: _LoopLane) -> None:
    if lane.timed is None:
        lane.step = _watch_asyncio(lane)
    _lanes[lane.loop] = lane
    _choose_run()


def _detach(loop: Any) -> None:
    lane = _lanes.pop(loop, None)
    if lane is None:
        return
    _release(lane)
    _choose_run()
    now = _clock()
    lane.publish(now)
    words = lane.process.words
    words[lane.base + L_STEP_SINCE] = 0
    words[lane.base + L_ITERATION_SINCE] = 0


def _release(lane: _LoopLane) -> None:
    selector = getattr(lane.loop, "_selector", None)
    if lane.step is not None and selector is not None:
        selector.__dict__.pop("select", None)


# The canary ---------------------------------------------------------------------------------------------


def _plant_canary(lane: _LoopLane) -> None:
    """Plant a known block on the loop as soon as the watcher looks at this process."""

    def await_watcher() -> None:
        lane.quiet = True
        _await_watcher(lane.process)
        lane.loop.call_soon(leave)

    def leave() -> None:
        lane.quiet = False
        lane.loop.call_soon(plant)

    def plant() -> None:
        _canary(lane.process, lane.lane)

    lane.loop.call_soon(await_watcher)


def _await_watcher(process: _Process) -> None:
    deadline = _clock() + WATCHER_PATIENCE_NS
    while not process.words[H_ACK] and _clock() < deadline:
        _sleep(0.001)


def _canary(process: _Process, lane: int) -> None:
    start = _clock()
    _sleep(CANARY_NS / 1e9)  # the canary: this line must be found
    end = _clock()
    line = _canary.__code__.co_firstlineno + 2
    process.event({"k": "canary", "l": lane, "s": start, "e": end, "p": __file__, "n": line})


# Applications -------------------------------------------------------------------------------------------


def wrap_asgi(app: Any) -> Any:
    """The same ASGI application, each request's beginning and end written down."""
    process = _process
    if process is None:
        return app
    serve, clock, set_request = process.serve, _clock, _request.set

    async def diag_asgi(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        start = clock()
        set_request(start)
        try:
            await app(scope, receive, send)
        finally:
            client = scope.get("client")
            serve(0, client[1] if client else 0, start, clock())

    return diag_asgi


class _Worker(threading.local):
    """What a WSGI worker's thread keeps between requests."""

    readings: _Readings | None = None


def wrap_wsgi(app: Any, capacity: int = 0) -> Any:
    """The same WSGI application; each request is a step of the thread that serves it.

    Args:
        app: the application.
        capacity: threads that serve together in this process; 0 if there is no bound.
    """
    process = _process
    if process is None:
        return app
    process.words[H_CAPACITY] = capacity
    worker = _Worker()
    slot = process.new_slot(KIND_WORKER, threading.get_native_id())
    process.event({"k": "lane", "l": slot, "tid": threading.get_native_id(), "kind": KIND_WORKER})
    base = HEADER_WORDS + slot * LANE_WORDS
    _await_watcher(process)
    readings = _Readings()
    started = _clock()
    process.words[base + L_STEP_SINCE] = started
    _canary(process, slot)
    process.words[base + L_STEP_SINCE] = 0
    _worker_step(process, readings, slot, started, _clock(), "canary")
    process.free_slots.append(slot)

    def diag_wsgi(environ: Any, start_response: Any) -> Any:
        readings = worker.readings
        if readings is None:
            readings = worker.readings = _Readings()
        call = _WsgiCall(process, readings, environ)
        try:
            result = app(environ, start_response)
        except BaseException:
            call.finish()
            raise
        if isinstance(result, (list, tuple)) or isinstance(result, environ.get("wsgi.file_wrapper") or ()):
            call.finish()  # the body is there already, or the server sends a file by itself
            return result
        return _WsgiBody(result, call)

    return diag_wsgi


class _WsgiCall:
    """One request in a worker's thread."""

    __slots__ = ("done", "lane", "port", "process", "readings", "start")

    def __init__(self, process: _Process, readings: _Readings, environ: Any) -> None:
        self.process = process
        self.readings = readings
        self.port = int(environ.get("REMOTE_PORT") or 0)
        self.lane = process.new_slot(KIND_WORKER, threading.get_native_id())
        self.done = False
        self.start = start = _clock()
        readings.take(start)
        _request.set(start)
        if self.lane >= 0:
            base = HEADER_WORDS + self.lane * LANE_WORDS
            process.words[base + L_ITERATION_SINCE] = start
            process.words[base + L_STEP_SINCE] = start

    def finish(self) -> None:
        """Write the request down, once."""
        if self.done:
            return
        self.done = True
        process, end = self.process, _clock()
        with process.lock:
            process.serve(threading.get_native_id(), self.port, self.start, end)
        if self.lane < 0:
            return
        process.words[HEADER_WORDS + self.lane * LANE_WORDS + L_STEP_SINCE] = 0
        _worker_step(process, self.readings, self.lane, self.start, end, "request")
        process.free_slots.append(self.lane)


def _worker_step(
    process: _Process, readings: _Readings, lane: int, start: int, end: int, label: str
) -> None:
    base = HEADER_WORDS + lane * LANE_WORDS
    process.words[base + L_STEPS] += 1
    process.words[base + L_BUCKETS + (end - start).bit_length()] += 1
    if end - start < SLOW_NS:
        return
    cpu, run_queue, since = readings.take(end)
    process.event(
        {
            "k": "step",
            "l": lane,
            "i": 0,
            "s": start,
            "e": end,
            "c": cpu,
            "q": run_queue,
            "g": max(0, start - since),
            "r": start if label == "request" else 0,
            "n": label,
            "t": "",
            "o": process.stack_bytes(),
            "w": [],
        }
    )


class _WsgiBody:
    """A response body whose iteration still belongs to the request."""

    def __init__(self, body: Iterable[bytes], call: _WsgiCall) -> None:
        self._body = body
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        finally:
            self._call.finish()

    def close(self) -> None:
        """Close the body, as servers do."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._call.finish()


# Switching on and off -----------------------------------------------------------------------------------


def install(spool: str | None = None) -> bool:
    """Start watching the event loops of this process; does nothing the second time.

    Args:
        spool: folder for what is seen; ``DIAG_SPOOL`` from the environment unless given.

    Returns:
        True if the agent is in place, False if it is switched off or has no spool folder.
    """
    if spool is not None:
        os.environ["DIAG_SPOOL"] = spool
    if _process is None and _open_process() is None:
        return False
    if "asyncio" not in _patched:
        _patched.add("asyncio")
        _hook_run_forever(asyncio.base_events.BaseEventLoop)
        os.register_at_fork(after_in_child=_forget)
        if "uvloop" in sys.modules:
            _patch_uvloop(sys.modules["uvloop"])
        else:
            sys.meta_path.insert(0, _UvloopFinder())  # type: ignore[arg-type]
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return True
    _attach(loop)
    return True


def _open_process() -> _Process | None:
    global _process  # noqa: PLW0603  # one set of spool files a process
    spool = os.environ.get("DIAG_SPOOL")
    if not spool or os.environ.get("DIAG_AGENT") == "0":
        return None
    try:
        _process = _Process(spool)
    except OSError:
        return None
    return _process


def _forget() -> None:
    """In a forked child: the files and the loops are the parent's."""
    global _process  # noqa: PLW0603
    _process = None
    _lanes.clear()
    _choose_run()


def uninstall() -> None:
    """Stop watching; loops go on as if the agent had never been there."""
    for loop in list(_lanes):
        _detach(loop)


# Scripts ------------------------------------------------------------------------------------------------


def run_script(arguments: list[str]) -> None:
    """Run a script as ``python SCRIPT ARGS`` does, with the agent installed before its first line."""
    import builtins  # noqa: PLC0415  # scripts only
    import types  # noqa: PLC0415

    path = arguments[0]
    install()
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=builtins)
    sys.modules["__main__"] = main
    sys.argv[:] = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    with open(path, "rb") as file:
        source = file.read()
    try:
        exec(compile(source, path, "exec"), main.__dict__)  # noqa: S102  # this is what running a script is
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001  # shown as Python would, without diag's own frame
        trace = error.__traceback__
        sys.excepthook(type(error), error, trace.tb_next if trace else None)
        sys.exit(1)


if __name__ == "__main__":
    sys.modules["diag.agent"] = sys.modules["__main__"]  # one set of state, whoever imports it later
    run_script(sys.argv[1:])
