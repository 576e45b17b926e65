"""Where recordings go that nobody named: a folder of the user's state, in which only the newest are kept."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
from collections.abc import Mapping
from pathlib import Path

from diag.errors import RecordingError
from diag.store.header import read_header

# A run's recording is a few megabytes; this many are a few hundred, and weeks of work.
KEPT = 50
_LONGEST_NAME = 40


def state_folder(environ: Mapping[str, str] | None = None) -> Path:
    """``$XDG_STATE_HOME/diag``, or ``~/.local/state/diag`` where that is not set to an absolute path.

    Raises:
        RecordingError: there is no home folder.
    """
    base = (os.environ if environ is None else environ).get("XDG_STATE_HOME", "")
    if os.path.isabs(base):
        return Path(base) / "diag"
    try:
        return Path.home() / ".local" / "state" / "diag"
    except RuntimeError as error:
        raise RecordingError(
            "There is no home folder to keep the recording in",
            cause="HOME is not set, and the user has no entry in /etc/passwd.",
            next_step="Say where it goes: --output FILE",
            slug="recording-unwritable",
        ) from error


def default_path(
    target: str, *, environ: Mapping[str, str] | None = None, now: datetime.datetime | None = None
) -> Path:
    """A path for a new recording of `target`; nothing is created. No two processes get the same one.

    Raises:
        RecordingError: there is no home folder.
    """
    name = Path(target).name if target.endswith(".py") else target
    name = re.sub(r"[^A-Za-z0-9._]+", "-", name.removesuffix(".py")).strip("-.")[:_LONGEST_NAME] or "target"
    moment = f"{now or datetime.datetime.now().astimezone():%Y%m%d-%H%M%S}"
    return state_folder(environ) / f"diag-{name}-{moment}-{os.getpid()}.diag"


def prune(folder: Path, *, keep: int = KEPT) -> None:
    """Remove the oldest recordings of `folder` beyond `keep`; nothing but recordings is ever removed."""
    recordings: list[tuple[float, Path]] = []
    for path in folder.glob("diag-*.diag"):
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink() and read_header(path).is_recording:
                recordings.append((path.stat().st_mtime, path))
    recordings.sort(reverse=True)
    for _, path in recordings[keep:]:
        with contextlib.suppress(OSError):
            path.unlink()
            path.with_name(path.name + "-journal").unlink(missing_ok=True)
