"""Why a line holds its lane, in one sentence, and what could help: guesses, worded as such."""

from __future__ import annotations

from collections.abc import Sequence

from diag.finding import Cause, CauseShare

SECOND_CAUSE_SHARE = 0.25

_WHY = {
    Cause.CPU_GIL: "it computes and holds the GIL meanwhile; a thread would hold the GIL just the same",
    Cause.CPU_NO_GIL: "it computes in C code that has let the GIL go, but on the loop's own thread",
    Cause.CPU: "it computes; whether it holds the GIL meanwhile was not observed",
    Cause.WAITING: "it waits without handing the thread back, off the CPU",
    Cause.GIL_WAIT: "it is ready, but another thread holds the GIL",
    Cause.RUN_QUEUE: "the machine had no CPU for it",
}

_GENERIC = {
    Cause.CPU_GIL: "a process pool (`loop.run_in_executor` with a `ProcessPoolExecutor`)",
    Cause.CPU_NO_GIL: "`await asyncio.to_thread(...)`: without the GIL, a thread frees the loop",
    Cause.CPU: "a process pool, or a thread if the code turns out to let the GIL go",
    Cause.WAITING: "an awaitable form of this call, or `await asyncio.to_thread(...)`",
    Cause.GIL_WAIT: "moving the other thread's computing into a process",
}

_ON_A_HUB = {
    Cause.CPU_GIL: "more worker processes, or a process pool: greenlets and threads share one GIL",
    Cause.CPU_NO_GIL: "`gevent.get_hub().threadpool.apply(...)`: without the GIL, a thread frees the hub",
    Cause.CPU: "more worker processes, or gevent's threadpool if the code turns out to let the GIL go",
    Cause.WAITING: "a call that gevent has patched, or `gevent.get_hub().threadpool.apply(...)`",
    Cause.GIL_WAIT: _GENERIC[Cause.GIL_WAIT],
}

# What a call is called when it is awaited: the first entry that fits the resolved name of a call on the line.
# A name that starts with a dot fits any receiver.
_COUNTERPARTS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("time.sleep",), "`await asyncio.sleep(...)`"),
    (
        ("requests.", "httpx.get", "httpx.post", "httpx.put", "httpx.delete", "httpx.request", "httpx.stream",
         "httpx.Client", "urllib.request.urlopen", "urllib3.", "http.client."),
        "`httpx.AsyncClient`",
    ),
    (("subprocess.", "os.system", "os.popen", ".communicate"), "`await asyncio.create_subprocess_exec(...)`"),
    (
        ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getfqdn"),
        "`await loop.getaddrinfo(...)`",
    ),
    (("socket.create_connection",), "`await asyncio.open_connection(...)`"),
    ((".recv", ".sendall", ".accept", ".connect"), "asyncio streams, or `loop.sock_recv` and its like"),
    (
        ("sqlite3.", ".execute", ".executemany", ".executescript", ".fetchall", ".fetchone", ".commit"),
        "`await asyncio.to_thread(...)` around the query, or an asynchronous driver",
    ),
    ((".acquire", "lock.__enter__", "Lock.__enter__", "mutex.__enter__"), "`asyncio.Lock`"),
    ((".result", "concurrent.futures.wait"), "`await asyncio.wrap_future(...)`"),
    (
        ("open", "io.open", "os.read", "os.write", "os.fsync", ".read", ".readlines", ".write", ".read_text",
         ".read_bytes", ".write_text", ".write_bytes", "shutil."),
        "`await asyncio.to_thread(...)` around the file's reading or writing",
    ),
    (("input",), "reading standard input in a thread"),
)  # fmt: skip

_COMPUTED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("json.dumps", "json.dump", "json.loads", "json.load"),
     "a faster encoder, a smaller document, or a process pool"),
    (("re.", ".match", ".search", ".fullmatch", ".sub", ".findall"),
     "a pattern that cannot backtrack, or a process pool (the `re` module holds the GIL)"),
)  # fmt: skip


def why(causes: Sequence[CauseShare], main: Cause | None) -> str:
    """One sentence on a culprit's main cause, and its second one where that is large."""
    if main is None:
        return ""
    whole = sum(share.ns for share in causes)
    others = [
        share.cause for share in causes if share.cause is not main and share.ns >= SECOND_CAUSE_SHARE * whole
    ]
    extra = f"; besides, {_WHY[others[0]]}" if others else ""
    return _WHY[main] + extra


def advice(main: Cause | None, calls: Sequence[str]) -> str:
    """What could help, as a guess: nothing of it was tested.

    Args:
        main: the main cause.
        calls: resolved names of what the culprit's line calls.
    """
    if main is None or main not in _GENERIC:
        return ""
    table = {Cause.WAITING: _COUNTERPARTS, Cause.CPU_GIL: _COMPUTED, Cause.CPU: _COMPUTED}.get(main, ())
    known = next((text for names, text in table if any(_fits(c, n) for c in calls for n in names)), "")
    return f"could help: {known or _GENERIC[main]}"


def hub_advice(main: Cause | None) -> str:
    """What could help on gevent's hub, where nothing is awaited."""
    return f"could help: {_ON_A_HUB[main]}" if main in _ON_A_HUB else ""


def worker_advice(main: Cause | None) -> str:
    """What could help a synchronous worker that one request holds."""
    if main in (Cause.CPU_GIL, Cause.CPU):
        return "could help: more worker processes; more threads would share one GIL"
    return "could help: more threads or worker processes, or doing this work outside the request"


def _fits(call: str, name: str) -> bool:
    if name.startswith("."):
        return call.endswith(name) or call == name
    if name.endswith("."):
        return call.startswith(name)
    if name.endswith("__enter__"):
        return call.lower().endswith(name.lower())
    return call == name or (("." in name) and call.startswith(name + "."))
