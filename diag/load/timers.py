"""What is to be done when: a heap of callbacks."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    Callback: TypeAlias = Callable[[int], None]

NEVER = 1 << 62


class Timers:
    """Callbacks by due time (CLOCK_MONOTONIC, ns); each is called with the time of the pass."""

    __slots__ = ("_order", "heap")

    def __init__(self) -> None:
        """Start with an entry that is never due, so that the heap's top can be read without a test."""
        self._order = itertools.count()
        self.heap: list[tuple[int, int, Callback]] = [(NEVER, -1, _nothing)]

    def at(self, due_ns: int, callback: Callback) -> None:
        """Call `callback` once, at `due_ns` or as soon after it as the loop comes round."""
        heapq.heappush(self.heap, (due_ns, next(self._order), callback))

    def run_due(self, now: int) -> None:
        """Call what is due; what these callbacks add waits for the next pass, so that sockets get a turn."""
        heap = self.heap
        due = []
        while heap[0][0] <= now:
            due.append(heapq.heappop(heap)[2])
        for callback in due:
            callback(now)


def _nothing(_now: int) -> None:
    """Never be called."""
