"""Reads a file and lowers it, or says why that cannot be done."""

from __future__ import annotations

import ast
import contextlib
import gc
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from contextlib import contextmanager

from diag.static.ir import Module
from diag.static.lower import lower
from diag.static.newer_syntax import in_older_syntax

_ALLOW = re.compile(r"#\s*diag:\s*allow\b\s*:?\s*(?P<rest>.*)$")
_MARK = b"diag:"
_DEEP = 5_000  # frames; the parser takes three C frames for each, some megabytes of a stack of eight


class UnreadableError(Exception):
    """A file could not be lowered.

    Attributes:
        slug, line, message: as a `Problem` has them.
    """

    def __init__(self, slug: str, line: int, message: str) -> None:
        super().__init__(message)
        self.slug = slug
        self.line = line
        self.message = message


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking all that is kept; there are no cycles to free."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow for deeply nested sources while lowering and resolving them."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def lowered(data: bytes) -> Module:
    """A module from the bytes of its file.

    Raises:
        UnreadableError: it is not Python, has a syntax error, or is nested too deeply.
    """
    lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    try:
        tree = _parsed(data)
        allowances = _allowances(data) if _MARK in data else []
        with deep_recursion():
            return lower(tree, lines=lines, allowances=allowances)
    except SyntaxError as error:
        raise _syntax_error(data, error) from None
    except (ValueError, UnicodeError) as error:
        line = data.count(b"\n", 0, data.find(b"\0")) + 1 if b"\0" in data else 0
        raise UnreadableError("syntax-error", line, f"this is no Python source: {error}") from None
    except (RecursionError, MemoryError):
        raise UnreadableError("too-deep", 0, "it is nested too deeply to be parsed") from None


def _parsed(data: bytes) -> ast.Module:
    try:
        return ast.parse(data)
    except SyntaxError:
        older = in_older_syntax(data)
        if older != data:
            with contextlib.suppress(SyntaxError, ValueError):
                return ast.parse(older)
        raise


def _syntax_error(data: bytes, error: SyntaxError) -> UnreadableError:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        data.decode(encoding)
    except UnicodeDecodeError as decoding:
        line = data.count(b"\n", 0, decoding.start) + 1
        byte = data[decoding.start]
        return UnreadableError("wrong-encoding", line, f"it is not {decoding.encoding}: byte 0x{byte:02x}")
    except SyntaxError:
        return UnreadableError(
            "wrong-encoding", 1, "it names an unknown encoding, or is not UTF-8"
        )
    return UnreadableError("syntax-error", error.lineno or 0, f"it has a syntax error: {error.msg}")


def _allowances(data: bytes) -> list[tuple[int, str]]:
    """Lines of comments that allow something, with their text; negative where the next line is meant."""
    found = []
    try:
        for token in tokenize.tokenize(io.BytesIO(data).readline):
            match = _ALLOW.search(token.string) if token.type == tokenize.COMMENT else None
            if match:
                alone = not token.line[: token.start[1]].strip()
                found.append((-token.start[0] if alone else token.start[0], match["rest"].strip()))
    except (tokenize.TokenError, SyntaxError):
        pass
    return found
