"""Whom each block delayed, one request at a time: what `diag.analysis.blame` sums up by route."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from diag.analysis.blame import MINIMUM_DELAY_NS, Delays, Piece, Wait
from diag.analysis.intervals import Occupied
from diag.analysis.timeline import Exchange, Queue, Timeline


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Debt:
    """What one block cost one request (or, in a script, one task).

    Attributes:
        piece: the block's index among those that were asked about.
        exchange: the request, None in a program without requests.
        wait: the task's wait, None for a request.
        ns: how long it waited behind this block, before the application and inside it.
    """

    piece: int
    exchange: Exchange | None
    wait: Wait | None
    ns: int


def debts(timeline: Timeline, delays: Delays, pieces: Sequence[Piece]) -> tuple[Debt, ...]:
    """The debts of some blocks, by block.

    Only those are named that are victims of the pieces together: the same that `Delays.victims` counts.
    """
    held = [delays.occupied([piece]) for piece in pieces]
    amounts: Counter[tuple[int, int]] = Counter()
    whom: dict[int, tuple[Exchange | None, Wait | None]] = {}
    for index, exchange in _meetings(timeline, pieces):
        delay = delays.before(exchange, held[index])
        if delay > 0:
            amounts[index, id(exchange)] += delay
            whom[id(exchange)] = exchange, None
    for index, wait, delay in _inside(timeline, delays, pieces, held):
        key = id(wait) if wait.exchange is None else id(wait.exchange)
        amounts[index, key] += delay
        whom[key] = wait.exchange, wait if wait.exchange is None else None
    in_all: Counter[int] = Counter()
    for (_, key), ns in amounts.items():
        in_all[key] += ns
    return tuple(
        Debt(piece=index, exchange=whom[key][0], wait=whom[key][1], ns=ns)
        for (index, key), ns in sorted(amounts.items(), key=lambda item: (item[0][0], -item[1]))
        if in_all[key] >= MINIMUM_DELAY_NS and ns > 0
    )


def _inside(
    timeline: Timeline, delays: Delays, pieces: Sequence[Piece], held: Sequence[dict[Queue, Occupied]]
) -> Iterator[tuple[int, Wait, int]]:
    for index, (block, _) in enumerate(pieces):
        occupied = held[index].get(timeline.queues[block.lane.lane_id])
        for wait in (wait for one in block.held for wait in delays.inside(one)):
            delay = occupied.overlap(wait.since_ns, wait.until_ns) if occupied else 0
            if delay > 0:
                yield index, wait, delay


def _meetings(timeline: Timeline, pieces: Sequence[Piece]) -> Iterator[tuple[int, Exchange]]:
    """Blocks and the requests that were on their way to the same queue meanwhile.

    The pieces of a queue hardly overlap each other, so that the search costs what it finds.
    """
    by_queue: dict[Queue, list[tuple[int, int, int]]] = defaultdict(list)
    for index, (block, segments) in enumerate(pieces):
        if segments:
            queue = timeline.queues[block.lane.lane_id]
            by_queue[queue].append((segments[0][0], segments[-1][1], index))
    for found in by_queue.values():
        found.sort()
    latest = {queue: list(accumulate((end for _, end, _ in found), max)) for queue, found in by_queue.items()}
    for exchange in timeline.exchanges:
        if exchange.queue is None or exchange.queue not in by_queue:
            continue
        found = by_queue[exchange.queue]
        since, until = exchange.request.intended_ns, exchange.app_from_ns
        place = bisect_right(latest[exchange.queue], since)
        while place < len(found) and found[place][0] < until:
            _, end, index = found[place]
            if end > since:
                yield index, exchange
            place += 1
