"""How long work tells what it is doing, without knowing where that is shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from diag.units import duration

_BAR = 10


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


class Counted:
    """Progress through many runs of about the same length, with the time left in every stage.

    Args:
        inner: told about it.
        runs: how many there are.
        estimate_ns: how long all of them take, about, until some have shown it.
        clock: gives nanoseconds.
    """

    def __init__(
        self, inner: Progress, runs: int, estimate_ns: int, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._inner = inner
        self._runs = runs
        self._estimate_ns = estimate_ns
        self._clock = clock
        self._began_ns = clock()
        self._done = self._done_ns = 0

    def done(self, expected_ns: int = 0) -> None:
        """One run is over.

        Args:
            expected_ns: its part of the estimate, where runs differ in length; 0 where they are all alike.
        """
        self._done += 1
        self._done_ns += expected_ns

    @property
    def left_ns(self) -> int:
        """How long the rest takes, about: from the first run on as those before took."""
        passed = self._clock() - self._began_ns
        if self._done_ns:
            return max(0, round(passed * (self._estimate_ns / self._done_ns - 1)))
        if self._done:
            return max(0, passed * self._runs // self._done - passed)
        return max(0, self._estimate_ns - passed)

    def stage(self, text: str) -> None:
        """A stage of the current run."""
        place = f"{min(self._done + 1, self._runs)} of {self._runs}, about {duration(self.left_ns)} left"
        self._inner.stage(f"{self._bar()} {place}: {text}")

    def _bar(self) -> str:
        """What is done of all; in letters that every terminal has."""
        part = self._done_ns / self._estimate_ns if self._done_ns else self._done / max(1, self._runs)
        full = min(_BAR, int(part * _BAR))
        return f"[{'#' * full}{'.' * (_BAR - full)}]"

    def advance(self, fraction: float) -> None:
        """See `Progress`."""
        self._inner.advance(fraction)

    def note(self, text: str) -> None:
        """See `Progress`."""
        self._inner.note(text)
