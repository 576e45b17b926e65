"""What the parts of the terminal report share: how wide it is, and how much it says."""

from __future__ import annotations

from dataclasses import dataclass

from diag.reports.text import ASCII, Glyphs


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The page that is printed on.

    Attributes:
        width: cells a line.
        glyphs: the symbols that it can show.
        verbose: True to leave nothing out.
    """

    width: int
    glyphs: Glyphs
    verbose: bool

    @property
    def ascii(self) -> bool:
        """True if only ASCII symbols can be shown."""
        return self.glyphs is ASCII
