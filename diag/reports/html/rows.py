"""Requests laid out in rows: grouped by route, and no two of a row at the same time."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MOST_GROUPS = 12
OTHERS = "other routes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows of one route.

    Attributes:
        label: the route.
        rows: how many; the most of its requests that were under way at once.
        count: of its requests.
    """

    label: str
    rows: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a request is drawn: its group, and the row in it."""

    group: int
    row: int


def pack(requests: Sequence[tuple[str, int, int]]) -> tuple[tuple[Placed, ...], tuple[Group, ...]]:
    """Give every request the lowest row of its group that is free.

    Args:
        requests: route, start and end, in order of start.
    """
    counts = Counter(label for label, _, _ in requests)
    often = {label for label, _ in counts.most_common(MOST_GROUPS - 1)}
    single = counts if len(counts) <= MOST_GROUPS else often
    labels = list(dict.fromkeys(label if label in single else OTHERS for label, _, _ in requests))
    labels.sort(key=lambda label: (label == OTHERS, label))
    numbers = {label: index for index, label in enumerate(labels)}
    packers = [_Packer() for _ in labels]
    totals = [0] * len(labels)
    placed = []
    for label, start, end in requests:
        group = numbers[label if label in single else OTHERS]
        totals[group] += 1
        placed.append(Placed(group=group, row=packers[group].place(start, end)))
    groups = tuple(
        Group(label=label, rows=packers[index].rows, count=totals[index])
        for index, label in enumerate(labels)
    )
    return tuple(placed), groups


class _Packer:
    """Rows, and until when each is taken."""

    def __init__(self) -> None:
        self.rows = 0
        self._free: list[int] = []
        self._taken: list[tuple[int, int]] = []

    def place(self, start: int, end: int) -> int:
        while self._taken and self._taken[0][0] <= start:
            heapq.heappush(self._free, heapq.heappop(self._taken)[1])
        if self._free:
            row = heapq.heappop(self._free)
        else:
            row = self.rows
            self.rows += 1
        heapq.heappush(self._taken, (end, row))
        return row
