"""Flask and other WSGI applications: the same code on more threads, on greenlets, or in more processes."""

from __future__ import annotations

from collections.abc import Iterator

from diag.finding import Cause
from diag.remedies.case import Case
from diag.remedies.known import fits
from diag.remedy import Refusal, Remedy, ServerChange

NAMES = ("gthread", "gevent", "processes")

THREADS = 8
"""Threads a process: a few slow requests leave some free, and a database's pool has enough connections."""

# Servers of `diag.servers` that can have several processes, and how a user starts them.
_COMMANDS = {
    "gunicorn-sync": "gunicorn -w {workers}",
    "gunicorn-gthread": "gunicorn -k gthread -w {workers} --threads {threads}",
    "gunicorn-gevent": "gunicorn -k gevent -w {workers}",
    "granian-wsgi": "granian --interface wsgi --workers {workers}",
}

# What waits in Python's own modules, which gevent replaces; and what waits in C, which it cannot.
_PATCHED = (
    "time.sleep", "socket.", "ssl.", "select.", "subprocess.", "os.waitpid", "threading.", "queue.",
    "requests.", "urllib.request.", "urllib3.", "http.client.", "redis.", "pymysql.", "httpx.get",
    "httpx.post", "httpx.request",
)  # fmt: skip
_UNPATCHED = (
    "psycopg2.", "MySQLdb.", "sqlite3.", "open", "io.open", "os.read", "os.write", "os.fsync", "grpc.",
    "pycurl.", "cx_Oracle.", "shutil.",
)  # fmt: skip


def propose(case: Case) -> Iterator[Remedy | Refusal]:
    """Other ways to serve an application whose workers are held."""
    if case.finding.rule != "held-worker" and case.setting.loop != "gevent":
        return
    waits = case.cause is Cause.WAITING
    if case.setting.server != "gunicorn-gthread":
        yield _threads(case, helps=not case.computes)
    if case.setting.loop != "gevent":
        yield from _greenlets(case, waits=waits)
    yield _processes(case)


def _threads(case: Case, *, helps: bool) -> Remedy:
    workers = max(case.setting.workers, 1)
    return case.served(
        "gthread",
        ServerChange(
            server="gunicorn-gthread",
            workers=workers,
            threads=THREADS,
            command=_COMMANDS["gunicorn-gthread"].format(workers=workers, threads=THREADS),
        ),
        title=f"gthread, {THREADS} threads a worker",
        why="while one thread waits, others of its process answer" if helps else "all threads share one GIL",
        caveats=("What requests share in the process is now used by several threads at once.",),
        expected=helps,
    )


def _greenlets(case: Case, *, waits: bool) -> Iterator[Remedy | Refusal]:
    calls = _calls(case)
    stuck = next((one for one in calls if fits(one, *_UNPATCHED)), "")
    known = next((one for one in calls if fits(one, *_PATCHED)), "")
    if waits and stuck:
        yield case.refused(
            "gevent",
            f"{stuck} waits in C code, which gevent cannot replace, so it would hold all greenlets",
            "Use threads, or a driver in pure Python, or one that speaks gevent's protocol.",
        )
        return
    workers = max(case.setting.workers, 1)
    yield case.served(
        "gevent",
        ServerChange(
            server="gunicorn-gevent",
            workers=workers,
            threads=0,
            command=_COMMANDS["gunicorn-gevent"].format(workers=workers),
        ),
        title="gevent",
        why=(
            f"gevent replaces {known}, so waiting in it lets other greenlets run"
            if waits and known
            else "whatever of gevent's replacements it waits in lets other greenlets run"
            if waits
            else "greenlets take turns only where they wait, and this computes"
        ),
        caveats=("gevent replaces Python's blocking modules in the whole process (monkey patching).",),
        expected=waits,
    )


def _processes(case: Case) -> Remedy:
    setting = case.setting
    workers = max(setting.workers * 2, setting.cores + 1)
    threads = setting.threads if setting.server in _COMMANDS else 0
    server = setting.server if setting.server in _COMMANDS else "gunicorn-sync"
    return case.served(
        "processes",
        ServerChange(
            server=server,
            workers=workers,
            threads=threads,
            command=_COMMANDS[server].format(workers=workers, threads=threads or 1),
        ),
        title=f"{workers} worker processes",
        why="each process has a GIL of its own, and a worker that is held leaves the others free",
        caveats=(
            "Each process holds the application's memory once more, and shares no state with the others.",
        ),
    )


def _calls(case: Case) -> list[str]:
    source = case.sources.get(case.culprit.absolute)
    if source is None:
        return []
    return source.called_on(case.culprit.line)
