"""Files on the disk: whether they still are what was measured, and writing them whole or not at all."""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import re
import stat
import tempfile
import tokenize
from dataclasses import dataclass
from enum import Enum

from diag.diffs import lines
from diag.errors import DiagError

_BOM = b"\xef\xbb\xbf"


class FixError(DiagError):
    """A fix cannot be written."""

    slug = "fix"


class State(Enum):
    """What a file is, compared with the text that was measured."""

    AS_MEASURED = "as measured"
    FIXED = "fixed"
    CHANGED = "changed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A file on the disk, and what it shall become.

    Attributes:
        path: the file itself, links followed.
        state: what it is now.
        before: its bytes now.
        after: its bytes with the fix, in its own encoding, with its own line ends and byte order mark.
        encoding: its own.
    """

    path: str
    state: State
    before: bytes = b""
    after: bytes = b""
    encoding: str = "utf-8"


def look(path: str, before: str, after: str) -> Look:
    r"""Read a file and see whether it is still what was measured.

    Args:
        path: of the file.
        before: the text that was measured, ``\n`` between lines.
        after: what it shall become.

    Raises:
        FixError: it is there and cannot be read, or the new text does not fit its encoding.
    """
    real = os.path.realpath(path)
    try:
        with open(real, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return Look(path=real, state=State.MISSING)
    except OSError as error:
        raise FixError(
            f"{path} cannot be read: {error.strerror}",
            cause="It holds the code that the fix is for.",
            next_step=f"Make {path} readable, and try again.",
            slug="fix-unreadable",
        ) from error
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        raw = data.removeprefix(_BOM).decode(encoding.removesuffix("-sig"))
    except (SyntaxError, UnicodeDecodeError):
        return Look(path=real, state=State.CHANGED, before=data)
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    if text not in (before, after):
        return Look(path=real, state=State.CHANGED, before=data, encoding=encoding)
    state = State.FIXED if text == after else State.AS_MEASURED
    changed = data if state is State.FIXED else _encoded(path, raw, after, encoding, data)
    return Look(path=real, state=state, before=data, after=changed, encoding=encoding)


def _encoded(path: str, raw: str, after: str, encoding: str, data: bytes) -> bytes:
    bom = _BOM if data.startswith(_BOM) else b""
    try:
        return bom + _with_line_ends(raw, after).encode(encoding.removesuffix("-sig"))
    except UnicodeEncodeError as error:
        raise FixError(
            f"the fix of {path} does not fit its encoding, {encoding}",
            cause="The new text holds a letter that the encoding does not have.",
            next_step=f"Save {path} as UTF-8, and try again.",
            slug="fix-unencodable",
        ) from error


def _with_line_ends(raw: str, after: str) -> str:
    r"""The new text with each old line as it was; new lines end as most of the old ones do."""
    old = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", raw)
    new = lines(after)
    ends = [re.sub(r"^[^\r\n]*", "", line) for line in old]
    usual = max(["\n", "\r\n", "\r"], key=ends.count)
    if {*ends} <= {usual, ""}:
        return after.replace("\n", usual)
    plain = [re.sub(r"\r\n|\r", "\n", line) for line in old]
    matcher = difflib.SequenceMatcher(None, plain, new, autojunk=False)
    result: list[str] = []
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            result += old[start:end]
        else:
            result += [line.replace("\n", usual) for line in new[new_start:new_end]]
    return "".join(result)


def write(one: Look) -> None:
    """Put a file's new text in place, whole or not at all; its mode, and links to it, stay.

    Raises:
        FixError: it was changed since it was looked at, or cannot be written.
    """
    try:
        with open(one.path, "rb") as file:
            now = file.read()
            mode = os.fstat(file.fileno())
        if now != one.before:
            raise FixError(
                f"{one.path} was changed meanwhile, and was left as it is",
                cause="Another program wrote it while the fix was being written.",
                next_step="Save your work, and run diag fix again.",
                slug="fix-changed",
            )
        _replace(one, mode)
    except OSError as error:
        raise FixError(
            f"{one.path} cannot be written: {error.strerror}",
            cause="Nothing was written to it; the file is as it was.",
            next_step="Apply the diff by hand: diag fix RECORDING | git apply",
            slug="fix-unwritable",
        ) from error


def _replace(one: Look, mode: os.stat_result) -> None:
    folder, name = os.path.split(one.path)
    if not os.access(one.path, os.W_OK):  # a folder's permission alone would let it be replaced
        raise PermissionError(13, "the file is read-only", one.path)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".diag-tmp", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(one.after)
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(mode.st_mode))
            with contextlib.suppress(PermissionError):
                os.fchown(file.fileno(), mode.st_uid, mode.st_gid)
            os.fsync(file.fileno())
        os.replace(temporary, one.path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
