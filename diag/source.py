"""Finds and reads the Python file that a user named, and explains why where it cannot."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import os
import tokenize
import warnings
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from diag.errors import TargetError

_USUAL_FILES = (
    "main.py", "app.py", "application.py", "api.py", "asgi.py", "wsgi.py", "server.py", "workload.py",
    "app/main.py", "app/__init__.py", "app/app.py", "src/main.py", "src/app.py", "src/app/main.py",
)  # fmt: skip


def find_module(module: str, cwd: Path) -> ModuleSpec | None:
    """The module's spec, without importing its packages (their ``__init__`` would run here)."""
    top, *rest = module.split(".")
    spec = PathFinder.find_spec(top, [str(cwd)])
    if spec is None or spec.origin is None:  # a folder without __init__.py gives way to an installed package
        try:
            spec = importlib.util.find_spec(top) or spec
        except (ValueError, ImportError):
            return None
    name = top
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
    return spec


def usual_file(text: str, folder: Path) -> Path:
    """The file of a folder that its name stands for.

    Raises:
        TargetError: none of the usual names is there, and not just one file; says what was looked for.
    """
    for name in _USUAL_FILES:
        if (folder / name).is_file():
            return folder / name
    python_files = sorted(p.name for p in folder.glob("*.py"))
    if len(python_files) == 1:
        return folder / python_files[0]
    shown = ", ".join(python_files[:8]) or "no Python files"
    raise TargetError(
        f"{text} is a folder, and none of the usual files is in it",
        cause=f"Looked for {', '.join(_USUAL_FILES)}. It holds {shown}.",
        next_step=f"diag explain {os.path.join(text, python_files[0] if python_files else 'FILE.py')}",
        slug="no-usual-file",
    )


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


def missing_file(path: Path, text: str) -> TargetError:
    """The error for a file that is not there, with the one that was probably meant."""
    folder = path.parent
    while not folder.is_dir():
        folder = folder.parent
    shown = [str(p.relative_to(folder)) for p in sorted(folder.glob("*")) if p.suffix in (".py", ".diag")]
    shown += [str(p.relative_to(folder)) for p in sorted(folder.glob("*/*.py"))[:500]]
    wanted = str(path.relative_to(folder))
    close = difflib.get_close_matches(wanted, shown, n=1, cutoff=0.7) or [
        name for name in shown if Path(name).name == path.name
    ]
    suggestion = os.path.relpath(folder / close[0]) if close else ""
    return TargetError(
        f"there is no file {text.partition(':')[0]}",
        cause=f"Did you mean {suggestion}?" if close else f"Looked for {path}.",
        next_step=f"diag explain {suggestion}" if close else f"ls {folder}",
        slug="missing-file",
    )


def missing_module(module: str, cwd: Path) -> TargetError:
    """The error for a module that is not there, with the one that was probably meant."""
    files = [*cwd.glob("*.py"), *cwd.glob("*/*.py"), *cwd.glob("*/*/*.py")][:2000]
    names = [".".join(p.relative_to(cwd).with_suffix("").parts) for p in files]
    close = difflib.get_close_matches(module, names, n=1)
    return TargetError(
        f"there is no module {module}",
        cause=f"Did you mean {close[0]}?" if close else f"Looked in {cwd} and in the installed packages.",
        next_step=f"diag explain {close[0]}" if close else "run diag in the folder your own server starts in",
        slug="missing-module",
    )
