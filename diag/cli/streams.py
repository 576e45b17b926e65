"""Standard output that cannot be written: closed, gone, or on a full disk."""

from __future__ import annotations

import os
import sys

from diag.errors import DiagError


def ensure_output() -> None:
    """Where the caller closed standard output or error (``>&-``), write to nowhere."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # until the process ends
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def drop_output() -> None:
    """Send the rest nowhere, so that Python's own flush at exit does not complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unwritable(error: OSError, *, recording: str = "") -> DiagError:
    """The error for standard output that fails."""
    return DiagError(
        f"Standard output cannot be written: {error.strerror or error}",
        cause="The disk that it goes to is full, or was removed.",
        next_step=f"Print it again: diag report {recording}" if recording else "Send it elsewhere.",
        slug="output-unwritable",
    )
