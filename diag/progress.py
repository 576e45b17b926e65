"""How long work tells what it is doing, without knowing where that is shown."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told about progress; the command line shows it, a library call may ignore it."""

    def stage(self, text: str) -> None:
        """A new stage begins: a few words, such as ``trial 2 of 5: to-thread``.

        "" shows nothing until the next stage: a script that writes to the same terminal runs.
        """

    def advance(self, fraction: float) -> None:
        """The stage is done to this part, 0 to 1."""

    def note(self, text: str) -> None:
        """Something that the user should read now, one sentence."""


class Silent:
    """Progress that nobody sees."""

    def stage(self, text: str) -> None:
        """Ignore it."""

    def advance(self, fraction: float) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""
