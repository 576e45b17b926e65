"""The terminal, as rich sees it, minus what rich decides by itself."""

from __future__ import annotations

from rich.console import Console


class PlainConsole(Console):
    """A console that leaves it to the caller what happens when nobody reads; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Raise it again."""
        raise BrokenPipeError
