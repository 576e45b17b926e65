"""The mapped words of a target's process, as seen from outside."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path

from diag.agent import words as w


@dataclass(slots=True)
class WordsFile:
    """One process' words.

    Attributes:
        pid: the process.
        values: the words, shared with it.
    """

    pid: int
    values: memoryview[int]
    _known_lanes: int = 0

    @classmethod
    def open(cls, path: str) -> WordsFile | None:
        """Map a ``PID.words`` file; None while its process has not finished making it."""
        try:
            with open(path, "r+b") as file:
                values = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
        except (OSError, ValueError):
            return None
        if len(values) < w.HEADER_WORDS + w.MAX_LANES * w.LANE_WORDS or values[w.H_MAGIC] != w.MAGIC:
            return None
        pid = int(Path(path).stem)
        return cls(pid=pid, values=values)

    def lane_count(self) -> int:
        """How many lanes have been used; they are taken in order."""
        count, values = self._known_lanes, self.values
        while count < w.MAX_LANES and values[w.HEADER_WORDS + count * w.LANE_WORDS + w.L_KIND]:
            count += 1
        self._known_lanes = count
        return count


def find_words(spool: str) -> list[tuple[int, str]]:
    """Process ids and paths of all words files in a spool folder."""
    try:
        names = os.listdir(spool)
    except OSError:
        return []
    return [
        (int(name.removesuffix(".words")), os.path.join(spool, name))
        for name in names
        if name.endswith(".words") and name.removesuffix(".words").isdigit()
    ]
