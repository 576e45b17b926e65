"""Reads a Python file that a user named, and explains why where it cannot."""

from __future__ import annotations

import ast
import tokenize
import warnings
from pathlib import Path

from diag.errors import TargetError


def read_source(path: Path, *, shown: str, typed: str) -> ast.Module:
    """Parse a Python file.

    Args:
        path: the file.
        shown: how messages name it.
        typed: what the user typed, for the next command.

    Raises:
        TargetError: unreadable, wrongly encoded, not Python, or with a syntax error (its line and caret
            are in `detail`).
    """
    data = _read(path, shown)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes: the target's own interpreter will say so
            return ast.parse(data, filename=shown)
    except SyntaxError as error:
        _raise_if_not_python(path, data, shown)
        _raise_if_encoding(path, data, shown, error)
        raise TargetError(
            f"{shown} has a syntax error in line {error.lineno or 0}: {error.msg}",
            cause="Python cannot parse the file, so it cannot be imported either.",
            next_step=f"correct line {error.lineno or 0} of {shown}, then: diag explain {typed}",
            detail=_excerpt(error, data, shown),
            slug="syntax-error",
        ) from None
    except ValueError:  # null bytes, on older interpreters
        raise _not_python(shown) from None
    except (RecursionError, MemoryError):
        raise TargetError(
            f"{shown} is nested too deeply to be parsed",
            cause="Python's own parser gave up on it.",
            next_step="split the deeply nested expression",
            slug="syntax-error",
        ) from None


def _read(path: Path, shown: str) -> bytes:
    try:
        return path.read_bytes()
    except PermissionError:
        raise TargetError(
            f"{shown} may not be read",
            cause="Its permissions do not allow it to this user.",
            next_step=f"ls -l {shown}",
            slug="unreadable-file",
        ) from None
    except OSError as error:
        raise TargetError(
            f"{shown} could not be read: {error.strerror}",
            cause="The file system refused it.",
            next_step=f"ls -l {shown}",
            slug="unreadable-file",
        ) from None


def _raise_if_not_python(path: Path, data: bytes, shown: str) -> None:
    if b"\0" in data or path.suffix not in ("", ".py", ".pyw"):
        raise _not_python(shown) from None


def _not_python(shown: str) -> TargetError:
    return TargetError(
        f"{shown} is not a Python source file",
        cause="A target is a Python file, a module, a script or a recording.",
        next_step="diag explain FILE.py, or diag explain package.module:app",
        slug="not-python",
    )


def _raise_if_encoding(path: Path, data: bytes, shown: str, error: SyntaxError) -> None:
    try:
        with path.open("rb") as file:
            encoding, _ = tokenize.detect_encoding(file.readline)
        data.decode(encoding)
    except SyntaxError:
        what, line = f"{shown} names an encoding that Python does not know", 1
    except UnicodeDecodeError as decode_error:
        line = data.count(b"\n", 0, decode_error.start) + 1
        what = f"{shown} is not {decode_error.encoding}: byte 0x{data[decode_error.start]:02x} in line {line}"
    else:
        return
    raise TargetError(
        what,
        cause="Python reads source as UTF-8 unless its first or second line says otherwise.",
        next_step=f"save {shown} as UTF-8, or put '# -*- coding: latin-1 -*-' into its first line",
        slug="wrong-encoding",
    ) from error


def _excerpt(error: SyntaxError, data: bytes, shown: str) -> str:
    lines = data.decode("utf-8", "replace").splitlines()
    number = error.lineno or 0
    text = lines[number - 1] if 0 < number <= len(lines) else (error.text or "").rstrip("\n")
    excerpt = f'File "{shown}", line {number}\n    {text}'
    if error.offset:
        start = min(error.offset, len(text) + 1)
        same_line = error.end_lineno in (None, number)
        end = error.end_offset if same_line and error.end_offset and error.end_offset > start else start + 1
        gap = "".join("\t" if c == "\t" else " " for c in text[: start - 1])
        excerpt += f"\n    {gap}{'^' * (end - start)}"
    return excerpt
