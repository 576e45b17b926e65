"""Reading a recording, whoever wrote it and however it ended: what is wrong with it is said in words."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from diag.errors import RecordingError
from diag.recording import Cell, Frame, LoadSummary, Meta, Proposed, Recording, Run
from diag.store import tables
from diag.store.header import Header, read_header

_LOCK_TIMEOUT_S = 10.0
# The longest text that a recording may hold in one value; real ones stay far below 1 MB.
_LONGEST_VALUE = 64 * 1024 * 1024
PROPOSED_SINCE = 3
"""The schema version that the table ``proposed`` came with."""

_AGAIN = "Make a new recording: diag explain TARGET"


def read_recording(path: str | os.PathLike[str], *, lock_timeout_s: float = _LOCK_TIMEOUT_S) -> Recording:
    """Read a recording, also while it is being written, and after its writer was killed.

    The file is never changed: what a killed writer left half done is rolled back on a copy.

    Args:
        path: the file.
        lock_timeout_s: how long to wait for a program that holds a lock on it, in seconds.

    Raises:
        RecordingError: it is missing, empty, no recording, cut off, damaged, locked, tampered with, or
            made by a newer diag.
    """
    file = Path(path)
    _check_header(file, _header(file))
    try:
        with _snapshot(file, lock_timeout_s) as connection:
            return _read(connection)
    except sqlite3.Error as error:
        raise _read_error(file, error) from error
    except (msgspec.DecodeError, KeyError, RecursionError, UnicodeError, _Damaged) as error:
        raise _damaged(file, str(error)) from error
    except OSError as error:
        raise _unreadable(file, error) from error


class _Damaged(Exception):
    """A value that no diag writes."""


@contextlib.contextmanager
def _snapshot(path: Path, timeout_s: float) -> Iterator[sqlite3.Connection]:
    """A copy in memory, so that a live writer waits no longer than the copying takes."""
    with contextlib.ExitStack() as stack:
        memory = stack.enter_context(contextlib.closing(sqlite3.connect(":memory:")))
        try:
            _copy(path, memory, timeout_s)
        except sqlite3.OperationalError as error:
            if not _journal(path).exists() or error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="diag-")))
            for source in (path, _journal(path)):
                shutil.copyfile(source, folder / source.name)
            _copy(folder / path.name, memory, timeout_s, mode="rw")
        memory.execute("PRAGMA trusted_schema = OFF")
        memory.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        yield memory


def _copy(path: Path, memory: sqlite3.Connection, timeout_s: float, *, mode: str = "ro") -> None:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=timeout_s)) as disk:
        disk.execute("BEGIN")  # a read lock with the busy timeout; `backup` alone would retry for ever
        disk.execute("SELECT count(*) FROM sqlite_master").fetchone()
        disk.backup(memory)


def _read(connection: sqlite3.Connection) -> Recording:
    problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise _Damaged(problem)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    run_tables = [table for table in tables.RUN_TABLES if table.since <= version]
    for name in _tables_of(version, run_tables):
        row = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
        sql = row.fetchone()
        if sql is None or not str(sql[0]).upper().startswith("CREATE TABLE"):
            message = f"the table {name} is missing"
            raise _Damaged(message)
    frames = {row["frame_id"]: _frame(row) for row in _rows(connection, "frame")}
    parts = {table: _by_run(connection, table, frames) for table in run_tables}
    runs = [_run(row, parts) for row in _rows(connection, "run")]
    sources = {row["path"]: row["text"] for row in _rows(connection, "source")}
    proposed = list(_rows(connection, "proposed")) if version >= PROPOSED_SINCE else []
    return Recording(
        meta=_meta(connection),
        runs=tuple(runs),
        sources=msgspec.convert(sources, dict[str, str]),
        proposed=tuple(msgspec.convert(proposed, list[Proposed])),
    )


def _tables_of(version: int, run_tables: Iterable[tables.Table]) -> Iterator[str]:
    yield from tables.TABLE_NAMES[: -len(tables.RUN_TABLES)]
    yield from (table.name for table in run_tables)
    if version >= PROPOSED_SINCE:
        yield "proposed"


def _rows(connection: sqlite3.Connection, table: str) -> Iterator[dict[str, Any]]:
    cursor = connection.execute(f"SELECT * FROM {table} ORDER BY rowid")
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor)


def _frame(row: dict[str, Any]) -> Frame:
    frame = msgspec.convert(row, Frame)
    if frame.line < 0:
        message = f"a frame has line {frame.line}"
        raise _Damaged(message)
    return frame


def _meta(connection: sqlite3.Connection) -> Meta:
    rows = list(_rows(connection, "meta"))
    if len(rows) != 1:
        message = f"the table meta has {len(rows)} rows"
        raise _Damaged(message)
    (row,) = rows
    for name in tables.META_JSON:
        row[name] = _decoded(row[name])
    row["finished"] = _boolean(row["finished"])
    return msgspec.convert(row, Meta)


def _run(row: dict[str, Any], parts: dict[tables.Table, dict[object, list[Any]]]) -> Run:
    cell = msgspec.convert({name: row[name] for name in tables.columns_of(Cell)}, Cell)
    values = {name: row[name] for name in ("run_id", "trial", "status", "failure", *tables.RUN_NUMBERS)}
    values |= {name: _decoded(row[name]) for name in tables.RUN_JSON}
    values |= {table.attribute: () for table in tables.RUN_TABLES}
    if any(isinstance(row[name], int) and row[name] < 0 for name in tables.RUN_NUMBERS):
        message = f"run {row['run_id']} has a negative time"
        raise _Damaged(message)
    summary = None if row["load_summary"] is None else _decoded(row["load_summary"])
    run = msgspec.convert(values | {"cell": msgspec.to_builtins(cell)}, Run)
    changes: dict[str, Any] = {
        table.attribute: tuple(rows.get(run.run_id, ())) for table, rows in parts.items()
    }
    return dataclasses.replace(run, load=msgspec.convert(summary, LoadSummary | None), **changes)


def _by_run(
    connection: sqlite3.Connection, table: tables.Table, frames: dict[int, Frame]
) -> dict[object, list[Any]]:
    """The rows of a table, by the run they belong to."""
    _check_numbers(connection, table)
    run_ids, rows, stacks = [], [], []
    for row in _rows(connection, table.name):
        run_ids.append(row.pop("run_id"))
        for name in table.json:
            row[name] = _decoded(row[name])
        for name in table.booleans:
            row[name] = _boolean(row[name])
        if table.frames:
            stacks.append({name: _frames(_decoded(row[name]), frames) for name in table.frames})
        rows.append(row | dict.fromkeys(table.frames, ()))
    values: list[Any] = msgspec.convert(rows, list[table.value])  # type: ignore[name-defined]
    if table.frames:
        values = [dataclasses.replace(value, **stack) for value, stack in zip(values, stacks, strict=True)]
    runs: dict[object, list[Any]] = {}
    for run_id, value in zip(run_ids, values, strict=True):
        runs.setdefault(run_id, []).append(value)
    return runs


def _check_numbers(connection: sqlite3.Connection, table: tables.Table) -> None:
    wrong = [f"{name} < 0" for name in table.numbers]
    wrong += [f"{second} < {first}" for first, second in table.ordered]
    row = connection.execute(f"SELECT rowid FROM {table.name} WHERE {' OR '.join(wrong)} LIMIT 1").fetchone()
    if row is not None:
        message = f"row {row[0]} of {table.name} has a negative number, or ends before it starts"
        raise _Damaged(message)


def _frames(ids: object, frames: dict[int, Frame]) -> tuple[Frame, ...]:
    try:
        return tuple(frames[number] for number in msgspec.convert(ids, list[int]))
    except KeyError as error:
        message = f"a stack names frame {error}, which is missing"
        raise _Damaged(message) from error


def _decoded(text: object) -> Any:  # plain JSON, which `msgspec.convert` checks next
    if not isinstance(text, str):
        message = f"JSON text was expected, not {type(text).__name__}"
        raise _Damaged(message)
    return msgspec.json.decode(text)


def _boolean(value: object) -> bool | None:
    if value is not None and value not in (0, 1):
        message = "0 or 1 was expected"
        raise _Damaged(message)
    return None if value is None else bool(value)


def _journal(path: Path) -> Path:
    return path.with_name(path.name + "-journal")


def _header(path: Path) -> Header:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise RecordingError(
                f"{path} is not a file",
                cause="A recording is one file.",
                next_step="Name the recording itself: diag report FILE.diag",
                slug="recording-unreadable",
            )
        return read_header(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _check_header(path: Path, header: Header) -> None:
    if header.size == 0:
        raise RecordingError(
            f"The recording {path} is empty",
            cause="The run was stopped before anything was written, or has only just begun.",
            next_step=_AGAIN,
            slug="recording-empty",
        )
    if not header.is_recording:
        raise RecordingError(
            f"{path} is not a recording of diag",
            cause="It is a SQLite database of another program."
            if header.is_sqlite
            else "It is another kind of file.",
            next_step=_AGAIN,
            slug="recording-foreign",
        )
    if not tables.OLDEST_VERSION <= header.schema_version <= tables.SCHEMA_VERSION:
        raise _other_version(path, header.schema_version)
    if header.size < header.expected_size and not _journal(path).exists():
        raise RecordingError(
            f"The recording {path} is cut off: {header.size} of {header.expected_size} bytes are there",
            cause="It was not copied whole, or the disk was full.",
            next_step=f"Copy it again from where it was made. {_AGAIN}",
            slug="recording-truncated",
        )


def _other_version(path: Path, version: int) -> RecordingError:
    writer = "another diag"
    with contextlib.suppress(sqlite3.Error, UnicodeError), _snapshot(path, 1.0) as connection:
        name = connection.execute("SELECT diag_version FROM meta").fetchone()[0]
        writer = f"diag {name[:40]}" if isinstance(name, str) else writer
    newer = version > tables.SCHEMA_VERSION
    return RecordingError(
        f"The recording {path} has schema version {version}; this diag reads version {tables.SCHEMA_VERSION}",
        cause=f"It was written by {writer}, which is newer." if newer else f"It was written by {writer}.",
        next_step="Upgrade diag: python3 -m pip install --upgrade diag" if newer else _AGAIN,
        slug="recording-version",
    )


def _unreadable(path: Path, error: OSError) -> RecordingError:
    missing = isinstance(error, FileNotFoundError)
    return RecordingError(
        f"The recording {path} cannot be read: {error.strerror or error}",
        cause="There is no such file." if missing else "The file or its folder is not yours to read.",
        next_step=f"Check the path: ls -l {path}",
        slug="recording-unreadable",
    )


def _read_error(path: Path, error: sqlite3.Error) -> RecordingError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return RecordingError(
            f"The recording {path} is locked",
            cause="Another program has had it open for writing for a while.",
            next_step=f"Close it (fuser {path} names it), and run the command again.",
            slug="recording-locked",
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return _unreadable(path, PermissionError(str(error)))
    return _damaged(path, str(error))


def _damaged(path: Path, detail: str) -> RecordingError:
    return RecordingError(
        f"The recording {path} is damaged",
        cause=f"Something in it is not as diag writes it: {detail}",
        next_step=f"Copy it again from where it was made. {_AGAIN}",
        slug="recording-damaged",
    )
