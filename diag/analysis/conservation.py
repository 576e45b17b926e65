"""Where every request's time went: parts that add up exactly to what its client measured."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields

from diag.analysis.blame import Delays, left_app
from diag.analysis.blocks import Block, Found
from diag.analysis.intervals import Interval, Occupied, clip, covered
from diag.analysis.timeline import Exchange, Queue, Timeline
from diag.finding import Conservation


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One request's time, in the parts that `Conservation` names."""

    client_ns: int
    before_app_ns: int = 0
    queued_ns: int = 0
    own_ns: int = 0
    awaiting_ns: int = 0
    after_app_ns: int = 0
    unattributed_ns: int = 0


def conserve(timeline: Timeline, found: Found, delays: Delays) -> tuple[Conservation, ...]:
    """The balance of each route, in the routes' alphabetical order."""
    occupied = delays.occupied((block, block.segments) for block in obstacles(timeline, found))
    waits = waits_inside(timeline, found, delays)
    by_route: dict[str, list[Balance]] = defaultdict(list)
    for exchange in timeline.exchanges:
        by_route[exchange.request.route].append(
            balance(exchange, delays, occupied, waits.get(id(exchange), ()))
        )
    return tuple(_sum(route, some) for route, some in sorted(by_route.items()))


def obstacles(timeline: Timeline, found: Found) -> tuple[Block, ...]:
    """Everything that requests can queue behind: blocks of any kind, starved steps and canaries."""
    canaries = tuple(Block(held=(one,)) for one in timeline.held if one.canary)
    return (*found.blocks, *found.convoys, *found.holds, *found.collected, *found.starved, *canaries)


def balance(
    exchange: Exchange,
    delays: Delays,
    occupied: dict[Queue, Occupied],
    waits: tuple[Interval, ...] | list[Interval],
) -> Balance:
    """One request's time.

    Args:
        exchange: the request.
        delays: who waited for what.
        occupied: when each queue was held by anything a request can queue behind.
        waits: stretches in which one of its tasks was ready to run behind such a thing.
    """
    request = exchange.request
    client = request.done_ns - request.intended_ns
    before = delays.before(exchange, occupied)
    if not exchange.reached:
        return Balance(client_ns=client, queued_ns=before, unattributed_ns=client - before)
    entered = exchange.app_from_ns
    left = left_app(exchange)
    steps = [clip((one.step.start_ns, one.step.end_ns), (entered, left)) for one in exchange.own]
    own = covered(steps)
    inside = [clip(wait, (entered, left)) for wait in waits]
    queued = covered([*steps, *inside]) - own
    return Balance(
        client_ns=client,
        before_app_ns=entered - request.intended_ns - before,
        queued_ns=before + queued,
        own_ns=own,
        awaiting_ns=left - entered - own - queued,
        after_app_ns=request.done_ns - left,
    )


def waits_inside(timeline: Timeline, found: Found, delays: Delays) -> dict[int, list[Interval]]:
    """When requests were ready to run behind something, by the exchange's identity."""
    waits: dict[int, list[Interval]] = defaultdict(list)
    for block in obstacles(timeline, found):
        for wait in (wait for held in block.held for wait in delays.inside(held)):
            if wait.exchange is not None:
                waits[id(wait.exchange)].append((wait.since_ns, wait.until_ns))
    return waits


def _sum(route: str, balances: list[Balance]) -> Conservation:
    sums = {f.name: sum(getattr(one, f.name) for one in balances) for f in fields(Balance)}
    return Conservation(route=route, requests=len(balances), **sums)
