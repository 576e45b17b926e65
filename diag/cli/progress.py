"""What is going on, on one line of a terminal; nothing but notes where there is none."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console

from diag import units
from diag.cli.console import PlainConsole
from diag.reports import layout
from diag.reports.text import clean, cut, glyphs_for

# Drawing costs the machine that is being measured: a few times a second is enough for people.
_LEAST_GAP_NS = 200_000_000
_SECOND_NS = 1_000_000_000
_CLEAR_LINE = "\r\x1b[2K"


class TerminalProgress:
    """A `diag.progress.Progress` on standard error; a context manager that leaves no line behind.

    There is no thread behind it: it draws when it is told something.

    Args:
        console: where to draw; standard error unless given.
        quiet: True shows notes only.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self._console = console or PlainConsole(stderr=True)
        self._draws = self._console.is_terminal and not self._console.is_dumb_terminal and not quiet
        self._glyphs = glyphs_for(self._console.encoding)
        self._stage = ""
        self._fraction: float | None = None
        self._began_ns = time.monotonic_ns()
        self._drawn_ns = 0

    def stage(self, text: str) -> None:
        """Show the new stage at once; an empty one leaves the terminal to the target's own output."""
        self._stage = clean(text, encoding=self._console.encoding)
        self._fraction = None
        if self._stage:
            self._draw()
        else:
            self._clear()

    def advance(self, fraction: float) -> None:
        """Show how far it is, at most a few times a second."""
        self._fraction = min(max(fraction, 0.0), 1.0)
        if time.monotonic_ns() - self._drawn_ns >= _LEAST_GAP_NS:
            self._draw()

    def note(self, text: str) -> None:
        """Print a sentence that stays."""
        self._clear()
        shown = clean(text, encoding=self._console.encoding)
        for line in layout.hang("note: ", shown, self._console.width, label_style="yellow"):
            self._console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)
        self._draw()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    def _draw(self) -> None:
        if not (self._draws and self._stage):
            return
        now = time.monotonic_ns()
        parts = [""]
        if self._fraction is not None:
            parts.append(units.whole_percent(self._fraction))
        seconds = (now - self._began_ns) // _SECOND_NS
        if seconds:
            parts.append(f"{seconds} s" if seconds < 60 else units.duration(seconds * _SECOND_NS))
        facts = f" {self._glyphs.dot} ".join(parts)  # a long stage is cut, how far it is never
        room = max(1, self._console.width - 1 - len(facts))
        text = cut(self._stage, room, self._glyphs.ellipsis) + facts
        self._write(_CLEAR_LINE + cut(text, self._console.width - 1, self._glyphs.ellipsis))
        self._drawn_ns = now

    def _clear(self) -> None:
        if self._drawn_ns:
            self._write(_CLEAR_LINE)
            self._drawn_ns = 0

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()
