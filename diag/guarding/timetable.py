"""What pytest was doing when: which fixture it set up or tore down, and when a debugger had the thread."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Stretch:
    """A stretch of time.

    Attributes:
        start_ns, end_ns: when; `end_ns` is 0 while it lasts.
        fixture, scope: the fixture that was being set up or torn down; "" for a debugger.
    """

    start_ns: int
    end_ns: int = 0
    fixture: str = ""
    scope: str = ""

    def covers(self, at_ns: int) -> bool:
        """True if a moment lies in it."""
        return self.start_ns <= at_ns and (not self.end_ns or at_ns <= self.end_ns)


class Timetable:
    """The stretches of one test."""

    def __init__(self) -> None:
        self._all: list[Stretch] = []
        self._open: list[Stretch] = []

    def clear(self) -> None:
        """A new phase of a test begins; what is under way stays."""
        self._all = list(self._open)

    def enter(self, at_ns: int, fixture: str = "", scope: str = "") -> None:
        """Something begins inside of what is under way."""
        stretch = Stretch(start_ns=at_ns, fixture=fixture, scope=scope)
        self._all.append(stretch)
        self._open.append(stretch)

    def leave(self, at_ns: int, fixture: str = "") -> None:
        """It ends, and with it whatever inside of it never said so."""
        while self._open:
            stretch = self._open.pop()
            stretch.end_ns = at_ns
            if stretch.fixture == fixture:
                return

    def at(self, at_ns: int) -> Stretch | None:
        """The innermost stretch around a moment."""
        return next((one for one in reversed(self._all) if one.covers(at_ns)), None)

    def debugged(self, start_ns: int, end_ns: int) -> bool:
        """True if a debugger had the thread for some of that time."""
        return any(
            not one.fixture and one.start_ns < end_ns and (not one.end_ns or one.end_ns > start_ns)
            for one in self._all
        )
