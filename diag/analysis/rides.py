"""Where each request was at each moment: before the application, queued, at work, awaiting, or done there."""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.blame import Delays, left_app
from diag.analysis.blocks import Found
from diag.analysis.conservation import obstacles, waits_inside
from diag.analysis.intervals import Interval, clip, merge, without
from diag.analysis.timeline import Exchange, Timeline


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ride:
    """One request's way through the server; what is not said of its time inside is awaiting.

    Attributes:
        exchange: the request.
        entered_ns: when the application began with it; its end where it never got there.
        left_ns: when the application was done with it.
        behind_ns: how long of the time before it waited behind blocks of others.
        own: its own recorded steps.
        queued: when it was ready to run inside, and others ran.
    """

    exchange: Exchange
    entered_ns: int
    left_ns: int
    behind_ns: int
    own: tuple[Interval, ...]
    queued: tuple[Interval, ...]


def rides(timeline: Timeline, found: Found, delays: Delays) -> tuple[Ride, ...]:
    """The way of every request, in the order of `Timeline.exchanges`.

    The stretches are those that `diag.analysis.conservation` sums up.
    """
    occupied = delays.occupied((block, block.segments) for block in obstacles(timeline, found))
    waits = waits_inside(timeline, found, delays)
    result = []
    for exchange in timeline.exchanges:
        if not exchange.reached:
            entered = left = exchange.request.done_ns
        else:
            entered, left = exchange.app_from_ns, left_app(exchange)
        bounds = (entered, left)
        own = merge(clip((one.step.start_ns, one.step.end_ns), bounds) for one in exchange.own)
        waited = waits.get(id(exchange), ())
        result.append(
            Ride(
                exchange=exchange,
                entered_ns=entered,
                left_ns=left,
                behind_ns=delays.before(exchange, occupied),
                own=own,
                queued=without((clip(wait, bounds) for wait in waited), own) if waited else (),
            )
        )
    return tuple(result)
