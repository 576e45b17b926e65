"""The errors a user can meet: what happened, the likely cause, the next command.

Every error has a slug, which is its anchor in `docs/reference/messages.md`.
"""

from __future__ import annotations


class DiagError(Exception):
    """An error that is the user's to solve; the command line prints it without a traceback.

    Attributes:
        slug: the stable name of the message, its anchor in the documentation.
        what: what happened, one sentence.
        cause: the likely cause, one sentence or more.
        next_step: the command or change to try next.
        detail: text of the target's own (a traceback, its last log lines), shown indented.
        exit_code: what `diag` exits with; 2 means usage or could not measure.
    """

    slug = "error"
    exit_code = 2

    def __init__(
        self, what: str, *, cause: str = "", next_step: str = "", detail: str = "", slug: str | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause
        self.next_step = next_step
        self.detail = detail
        if slug is not None:
            self.slug = slug


class UsageError(DiagError):
    """What was typed cannot be carried out."""

    slug = "usage"


class TargetError(DiagError):
    """The target could not be read, imported or understood."""

    slug = "target"


class ServerError(DiagError):
    """The target's server could not be started or died."""

    slug = "server"


class MeasurementError(DiagError):
    """The run was made but could not be measured."""

    slug = "measurement"


class RecordingError(DiagError):
    """A recording could not be read or written."""

    slug = "recording"
