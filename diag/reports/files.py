"""Output files of reports: the one place that opens, writes and, when something goes wrong, removes them."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from diag.errors import DiagError

_RECORDING = b"SQLite format 3\0"
# Pieces are gathered up to this size: a report may be made of millions of them.
_BUFFER_CHARS = 1 << 20


class FileError(DiagError):
    """A report's file cannot be written.

    Attributes:
        path: the file.
    """

    slug = "report-unwritable"

    def __init__(self, path: Path, reason: str, *, cause: str, next_step: str) -> None:
        super().__init__(f"{path} cannot be written: {reason}", cause=cause, next_step=next_step)
        self.path = path


def check_writable(path: Path) -> None:
    """Find out before a long run whether its report can be written at the end.

    Raises:
        FileError: it cannot be: the folder is missing or not writable, or a recording is in its place.
    """
    with _explained(path):
        if _is_special(path):
            return
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        if path.exists() and _is_recording(path):
            raise FileError(
                path,
                "a recording is there",
                cause="A report never replaces a recording, or any other database.",
                next_step="Give the report another name.",
            )
        descriptor, trial = tempfile.mkstemp(prefix=".diag-", dir=path.parent)
        os.close(descriptor)
        os.unlink(trial)


def write_report(path: Path, pieces: Iterable[str]) -> None:
    """Write a report from its pieces; on any error, or Ctrl-C, nothing of it is left and an old file stays.

    Args:
        path: the file; a pipe or device (``/dev/stdout``) is written as it is.
        pieces: its text in order, made while it is written.

    Raises:
        FileError: it cannot be written.
        BrokenPipeError: it is a pipe that nobody reads any more.
    """
    check_writable(path)
    with _explained(path):
        if _is_special(path):
            with path.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(pieces)
            return
        target = Path(os.path.realpath(path))  # what a link points at is replaced, not the link
        descriptor, half = tempfile.mkstemp(prefix=".diag-", suffix=".part", dir=target.parent)
        try:
            with open(
                descriptor,
                "w",
                encoding="utf-8",
                errors="backslashreplace",
                newline="\n",
                buffering=_BUFFER_CHARS,
            ) as file:
                file.writelines(pieces)
            os.chmod(half, _mode(target))
            os.replace(half, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(half)
            raise


def _mode(path: Path) -> int:
    """The permissions that a file has, or that a new one would have got: `mkstemp` makes private ones."""
    with contextlib.suppress(OSError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _is_special(path: Path) -> bool:
    with contextlib.suppress(OSError):
        mode = path.stat().st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False


def _is_recording(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_RECORDING)) == _RECORDING


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise FileError(
            path,
            error.strerror or str(error),
            cause=f"There is no folder {path.parent}."
            if missing
            else "It is not yours to write, or the disk is full.",
            next_step=f"Make it first: mkdir -p {path.parent}" if missing else "Name a file elsewhere.",
        ) from error
