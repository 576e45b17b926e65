"""What was read before, kept on disk: lowered modules by content, analyses by all that they read.

One SQLite file of msgpack values, which hold data only. It is named for diag's own source: another version
never reads it. Whatever goes wrong with it, nothing of it is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from diag.static.finding import Analysis
from diag.static.ir import Module

_SCHEMA = """
create table if not exists modules (digest blob primary key, lowered blob);
create table if not exists analyses (question blob primary key, files blob, answer blob);
"""
_MOST_MODULES = 40_000  # some hundred megabytes; beyond, it begins anew
_MOST_ANALYSES = 50
_PATIENCE_S = 1.0  # another diag may be writing
_MODULES = msgspec.msgpack.Decoder(Module)
_ANALYSES = msgspec.msgpack.Decoder(Analysis)
_FILES = msgspec.msgpack.Decoder(dict[str, bytes])
_ENCODER = msgspec.msgpack.Encoder()


def digest_of(data: bytes) -> bytes:
    """A file's content, as the cache knows it."""
    return hashlib.blake2b(data, digest_size=16).digest()


def default_folder() -> Path:
    """The user's cache folder for diag."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "diag" / "static"


class Cache:
    """Lowered modules and analyses on disk; without a folder it keeps nothing.

    Args:
        folder: where its file lies; made when something is first kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._connection: sqlite3.Connection | None = None
        self._new: dict[bytes, Module] = {}
        if folder is not None:
            with contextlib.suppress(OSError, sqlite3.Error):
                self._open(folder)

    def _open(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{_own_state()}.sqlite"
        for old in folder.glob("*.sqlite*"):
            if not old.name.startswith(name):
                old.unlink(missing_ok=True)
        path = folder / name
        try:
            self._connection = _connected(path)
        except sqlite3.DatabaseError:  # no database, or a torn one
            path.unlink(missing_ok=True)
            self._connection = _connected(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._write()
            self._connection.close()

    def module(self, digest: bytes) -> Module | None:
        """The lowered form of a file's content."""
        row = self._row("select lowered from modules where digest = ?", digest)
        if row is not None:
            with contextlib.suppress(msgspec.DecodeError, RecursionError, TypeError):
                return _MODULES.decode(row[0])
        return None

    def keep_module(self, digest: bytes, module: Module) -> None:
        """Keep a lowered form; it is written at the end."""
        if self._connection is not None:
            self._new[digest] = module

    def analysis(self, question: bytes) -> Analysis | None:
        """The answer to an equal question, if all files that it was answered from are unchanged."""
        row = self._row("select files, answer from analyses where question = ?", question)
        if row is None:
            return None
        with contextlib.suppress(msgspec.DecodeError, OSError, TypeError):
            for path, digest in _FILES.decode(row[0]).items():
                with open(path, "rb") as file:
                    if digest_of(file.read()) != digest:
                        return None
            return _ANALYSES.decode(row[1])
        return None

    def keep_analysis(self, question: bytes, files: dict[str, bytes], analysis: Analysis) -> None:
        """Keep an answer, with the digests of all files that it was answered from."""
        if self._connection is None:
            return
        with contextlib.suppress(sqlite3.Error, UnicodeEncodeError, RecursionError):
            self._connection.execute(
                "insert or replace into analyses values (?, ?, ?)",
                (question, _ENCODER.encode(files), _ENCODER.encode(analysis)),
            )

    def _row(self, query: str, key: bytes) -> tuple[bytes, ...] | None:
        if self._connection is None:
            return None
        with contextlib.suppress(sqlite3.Error):
            row: tuple[bytes, ...] | None = self._connection.execute(query, (key,)).fetchone()
            return row
        return None

    def _write(self) -> None:
        connection = self._connection
        if connection is None:
            return
        rows = []
        for digest, module in self._new.items():
            with contextlib.suppress(UnicodeEncodeError, RecursionError):
                rows.append((digest, _ENCODER.encode(module)))
        if rows:
            connection.executemany("insert or replace into modules values (?, ?)", rows)
        for table, most in (("modules", _MOST_MODULES), ("analyses", _MOST_ANALYSES)):
            count: int = connection.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608
            if count > most:
                connection.execute(f"delete from {table}")  # noqa: S608
        connection.commit()


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE_S)
    try:
        connection.execute("pragma synchronous = off")
        connection.executescript(_SCHEMA)
        connection.execute("select count(*) from modules").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _own_state() -> str:
    """Changes with diag's own source and with the interpreter, whose parser decides what is Python."""
    folder = Path(__file__).parent
    parts = [sys.version]
    for path in sorted(_files_of(folder)):
        status = path.stat()
        parts.append(f"{path.name} {status.st_size} {status.st_mtime_ns}")
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


def _files_of(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.suffix in (".py", ".toml", ".json", ".zip"))
