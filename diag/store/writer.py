"""Writing a recording.

The journal mode is DELETE (SQLite's rollback journal). WAL would be faster, but its file cannot be read
without the two that lie beside it, nor opened in a folder that is read-only, and a killed writer leaves
the newest data in a side file. With DELETE, everything committed is in the one file. Only a kill in the
few milliseconds of a commit leaves a journal behind, which `diag.store.reader` rolls back on a copy.
`synchronous` is OFF: what a killed process has written is kept by the kernel all the same, and an fsync
for each batch would disturb the very disk that the target is measured on. Only a power cut could hurt.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from diag.errors import RecordingError
from diag.recording import (
    Answer,
    Attempt,
    Canary,
    Cell,
    Counter,
    Degradation,
    Frame,
    GcPause,
    Incident,
    Lane,
    LaneTotals,
    Limit,
    LoadSummary,
    Meta,
    Pickling,
    ProcessSample,
    Proposed,
    Request,
    RunStatus,
    Served,
    Stack,
    StateSample,
    Step,
    StreamTotals,
    Unmeasured,
)
from diag.store import tables
from diag.store.header import read_header

# A reader holds its lock only while it copies the file; longer than this means that something else does.
_LOCK_TIMEOUT_S = 30.0


class RecordingWriter:
    """Writes one recording; every call is a transaction of its own. May be used from several threads.

    Leaving it as a context manager without an exception marks the recording as finished.

    Args:
        path: the file; its folders are created. An earlier recording there is replaced.
        meta: what holds for the whole recording; its `finished` and `schema_version` are ignored. None to
            write on in a finished recording of this schema, which stays finished.

    Raises:
        RecordingError: the path holds something that is no recording, or cannot be written (from every
            method as well: the disk is full, the file is locked, the writer is closed).
    """

    def __init__(self, path: str | os.PathLike[str], meta: Meta | None) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._frames: dict[Frame, int] = {}
        self._next_run = 1
        begun = meta is None
        if meta is not None:
            _make_room(self.path)
            begun = _placed(self.path, _begun(meta))
        with self._explained():
            where = f"{self.path.absolute().as_uri()}?mode=rw" if begun else self.path
            self._connection = sqlite3.connect(
                where, isolation_level=None, timeout=_LOCK_TIMEOUT_S, check_same_thread=False, uri=begun
            )
            try:
                if meta is not None and not begun:
                    _create(self._connection, meta)
                self._go_on()
            except BaseException:
                self._connection.close()
                if meta is not None:
                    self.path.unlink(missing_ok=True)
                raise

    def _go_on(self) -> None:
        """Learn what the recording holds already."""
        self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.execute("PRAGMA synchronous = OFF")
        rows = self._connection.execute("SELECT path, line, function FROM frame ORDER BY frame_id")
        for number, (path, line, function) in enumerate(rows, start=1):
            self._frames[Frame(path=path, line=line, function=function)] = number
        (last,) = self._connection.execute("SELECT max(run_id) FROM run").fetchone()
        self._next_run = (last or 0) + 1

    def begin_run(self, cell: Cell, trial: int, *, started_ns: int | None = None) -> int:
        """Begin a run of `cell` and return its id; `started_ns` is now unless given."""
        with self._transaction() as connection:
            run_id = self._next_run
            row: dict[str, object] = {name: getattr(cell, name) for name in tables.columns_of(Cell)}
            row |= dict.fromkeys(tables.RUN_NUMBERS, 0) | dict.fromkeys(tables.RUN_JSON, "[]")
            row |= {"run_id": run_id, "trial": trial, "status": RunStatus.RUNNING.value, "failure": ""}
            row["started_ns"] = time.monotonic_ns() if started_ns is None else started_ns
            connection.execute(*_insert("run", row))
            self._next_run += 1
            return run_id

    def end_run(
        self,
        run_id: int,
        status: RunStatus,
        *,
        ended_ns: int | None = None,
        load_started_ns: int = 0,
        load_ended_ns: int = 0,
        failure: str = "",
        load: LoadSummary | None = None,
        routes: Sequence[str] = (),
        unmeasured: Sequence[Unmeasured] = (),
        degradations: Sequence[Degradation] = (),
        errors: Sequence[str] = (),
    ) -> None:
        """Write down how a run ended; the arguments are the fields of `diag.recording.Run`."""
        row = {
            "status": status.value,
            "ended_ns": time.monotonic_ns() if ended_ns is None else ended_ns,
            "load_started_ns": load_started_ns,
            "load_ended_ns": load_ended_ns,
            "failure": _text(failure),
            "load_summary": None if load is None else _json(load),
            "routes": _json(routes),
            "unmeasured": _json(unmeasured),
            "degradations": _json(degradations),
            "errors": _json(errors),
        }
        assignments = ", ".join(f"{name} = ?" for name in row)
        with self._transaction() as connection:
            connection.execute(f"UPDATE run SET {assignments} WHERE run_id = ?", (*row.values(), run_id))

    def add_lanes(self, run_id: int, lanes: Iterable[Lane]) -> None:
        """Add lanes of a run."""
        self._add(tables.LANES, run_id, lanes)

    def add_totals(self, run_id: int, totals: Iterable[LaneTotals]) -> None:
        """Add the sums of lanes."""
        self._add(tables.TOTALS, run_id, totals)

    def add_steps(self, run_id: int, steps: Iterable[Step]) -> None:
        """Add long steps."""
        self._add(tables.STEPS, run_id, steps)

    def add_stacks(self, run_id: int, stacks: Iterable[Stack]) -> None:
        """Add stacks; a frame that was seen before is stored once."""
        self._add(tables.STACKS, run_id, stacks)

    def add_states(self, run_id: int, states: Iterable[StateSample]) -> None:
        """Add thread states."""
        self._add(tables.STATES, run_id, states)

    def add_pauses(self, run_id: int, pauses: Iterable[GcPause]) -> None:
        """Add garbage collections of a run."""
        self._add(tables.PAUSES, run_id, pauses)

    def add_requests(self, run_id: int, requests: Iterable[Request]) -> None:
        """Add requests as the client saw them."""
        self._add(tables.REQUESTS, run_id, requests)

    def add_served(self, run_id: int, served: Iterable[Served]) -> None:
        """Add requests as the target saw them."""
        self._add(tables.SERVED, run_id, served)

    def add_canaries(self, run_id: int, canaries: Iterable[Canary]) -> None:
        """Add planted blocks."""
        self._add(tables.CANARIES, run_id, canaries)

    def add_samples(self, run_id: int, samples: Iterable[ProcessSample]) -> None:
        """Add samples of the process tree."""
        self._add(tables.SAMPLES, run_id, samples)

    def add_streams(self, run_id: int, streams: Iterable[StreamTotals]) -> None:
        """Add sums over streams of requests."""
        self._add(tables.STREAMS, run_id, streams)

    def add_counters(self, run_id: int, counters: Iterable[Counter]) -> None:
        """Add what the kernel counted during the load."""
        self._add(tables.COUNTERS, run_id, counters)

    def add_limits(self, run_id: int, limits: Iterable[Limit]) -> None:
        """Add the limits that were in force."""
        self._add(tables.LIMITS, run_id, limits)

    def add_incidents(self, run_id: int, incidents: Iterable[Incident]) -> None:
        """Add what the server did and should not have done."""
        self._add(tables.INCIDENTS, run_id, incidents)

    def add_attempts(self, run_id: int, attempts: Iterable[Attempt]) -> None:
        """Add which remedy a run tried."""
        self._add(tables.ATTEMPTS, run_id, attempts)

    def add_answers(self, run_id: int, answers: Iterable[Answer]) -> None:
        """Add what routes answered when asked alone."""
        self._add(tables.ANSWERS, run_id, answers)

    def add_pickling(self, run_id: int, pickling: Iterable[Pickling]) -> None:
        """Add what processes sent each other."""
        self._add(tables.PICKLING, run_id, pickling)

    def add_proposed(self, proposed: Iterable[Proposed]) -> None:
        """Add what was proposed against culprits."""
        with self._transaction() as connection:
            for one in proposed:
                connection.execute(*_insert("proposed", {f: getattr(one, f) for f in one.__slots__}))

    def add_source(self, path: str, text: str) -> None:
        """Keep the text of a source file that stacks name; a later text replaces an earlier one."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO source VALUES (?, ?)", (_text(path), _text(text)))

    def finish(self) -> None:
        """Mark the recording as complete and close it."""
        with self._transaction() as connection:
            connection.execute("UPDATE meta SET finished = 1")
        self.close()

    def close(self) -> None:
        """Close the file without marking it as complete; may be called again."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            with contextlib.suppress(sqlite3.ProgrammingError):
                self._connection.total_changes  # noqa: B018  # raises once `finish` has closed it
                self.finish()
        self.close()

    def _add(self, table: tables.Table, run_id: int, values: Iterable[Any]) -> None:
        columns = ("run_id", *table.columns)
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"
        with self._transaction() as connection:
            connection.executemany(statement, self._rows(table, run_id, values))

    def _rows(self, table: tables.Table, run_id: int, values: Iterable[Any]) -> Iterator[tuple[object, ...]]:
        get = attrgetter(*table.columns)
        encoders: list[tuple[int, Callable[[Any], object]]] = []
        for index, column in enumerate(table.columns):
            if column in table.json:
                encoders.append((index, _json))
            elif column in table.frames:
                encoders.append((index, self._frame_ids))
            elif column in table.texts:
                encoders.append((index, _text))
        for value in values:
            row = list(get(value))
            for index, encode in encoders:
                row[index] = encode(row[index])
            yield (run_id, *row)

    def _frame_ids(self, frames: Sequence[Frame]) -> str:
        ids = []
        for frame in frames:
            frame_id = self._frames.get(frame)
            if frame_id is None:
                frame_id = self._frames[frame] = len(self._frames) + 1
                self._connection.execute(
                    "INSERT INTO frame VALUES (?, ?, ?, ?)",
                    (frame_id, _text(frame.path), frame.line, _text(frame.function)),
                )
            ids.append(frame_id)
        return _json(ids)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained():
            kept = len(self._frames)
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._frames = dict(itertools.islice(self._frames.items(), kept))
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _write_error(self.path, error) from error


def _create(connection: sqlite3.Connection, meta: Meta) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id = {tables.APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {tables.SCHEMA_VERSION}")
    for statement in _statements(tables.schema_sql()):
        connection.execute(statement)
    values = {name: getattr(meta, name) for name in tables.columns_of(Meta)}
    values |= {"schema_version": tables.SCHEMA_VERSION, "finished": 0}
    values |= {name: _json(values[name]) for name in tables.META_JSON}
    connection.execute(*_insert("meta", values))
    connection.execute("COMMIT")


def _begun(meta: Meta) -> bytes:
    """A recording in which nothing has run yet."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _create(connection, meta)
        return connection.serialize()


def _placed(path: Path, data: bytes) -> bool:
    """Put a file there at once, so that no reader ever sees an empty one; False where that cannot be done."""
    real = path.resolve()
    try:
        folder = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fd = os.open(".", os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666, dir_fd=folder)
            try:
                if os.write(fd, data) < len(data):
                    return False
                # With a folder's descriptor it is linkat(2), which alone follows the link to the open file.
                os.link(f"/proc/self/fd/{fd}", real.name, dst_dir_fd=folder, follow_symlinks=True)
            finally:
                os.close(fd)
        finally:
            os.close(folder)
    except OSError:  # not on every file system
        return False
    return True


def _make_room(path: Path) -> None:
    """Create the folders of `path` and remove an earlier recording there, but nothing else."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            info = path.stat()
        except FileNotFoundError:
            return
        if not stat.S_ISREG(info.st_mode) or (info.st_size and not read_header(path).is_recording):
            raise RecordingError(
                f"{path} exists and is not a recording, so it was not overwritten",
                cause="Only recordings are replaced.",
                next_step="Choose another file with --output, or remove this one.",
                slug="recording-exists",
            )
        real = path.resolve()
        real.unlink()
        real.with_name(real.name + "-journal").unlink(missing_ok=True)
    except OSError as error:
        raise RecordingError(
            f"The recording {path} cannot be written: {error.strerror or error}",
            cause="Its folder is missing, read-only or somebody else's.",
            next_step="Choose another place with --output FILE.",
            slug="recording-unwritable",
        ) from error


def _write_error(path: Path, error: sqlite3.Error) -> RecordingError:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL" or name.startswith("SQLITE_IOERR"):
        cause = "The disk is full, or a limit on file sizes was reached."
        next_step = f"Make room (df -h {path.parent}), or choose another place with --output FILE."
    elif name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        cause = "Another program has held a lock on it for too long."
        next_step = f"Close it (fuser {path} names it), and run the command again."
    else:
        cause = "Its folder may be read-only, or the file was removed or changed meanwhile."
        next_step = "Choose another place with --output FILE."
    return RecordingError(
        f"The recording {path} cannot be written: {error}",
        cause=cause,
        next_step=next_step,
        slug="recording-unwritable",
    )


def _statements(script: str) -> Iterator[str]:
    """Split a script into its statements; comments inside of one stay in it, for ``.schema`` to show."""
    statement = ""
    for line in script.splitlines(keepends=True):
        if statement or not line.startswith("--"):
            statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""


def _insert(table: str, row: dict[str, Any]) -> tuple[str, tuple[object, ...]]:
    values = tuple(_text(value) if isinstance(value, str) else value for value in row.values())
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", values


def _json(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
        return re.sub("[\ud800-\udfff]", lambda match: f"\\\\u{ord(match[0]):04x}", text)


def _text(value: str) -> str:
    """The text itself, or with lone surrogates (undecodable file names) as escapes: SQLite takes UTF-8."""
    if value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
