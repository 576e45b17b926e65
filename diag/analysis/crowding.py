"""A server's own lines in threads of sync workers that wait for the GIL: they are where it shows, not why.

A thread that has sent its answer has to take the GIL again. While another thread computes it waits for that
at whatever line of the server it had let it go, `sock.sendall` more often than not. Each of those lines as a
culprit of its own would say the same thing many times, and blame the wrong code.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from diag.analysis.causes import Amounts
from diag.analysis.culprits import Culprit
from diag.analysis.parts import Part

_INSTALLED = re.compile(r"^.*/(?:site|dist)-packages/")


def crowded(holders: Sequence[Culprit]) -> tuple[Culprit, ...]:
    """Culprits that are no line of the target's own, and that waited for the GIL more than for anything else.

    A line's time is taken over all routes: a wait that nobody looked at in time counts as any other waiting.

    Args:
        holders: culprits of sync workers' long requests.
    """
    times: defaultdict[tuple[str, str, int], Amounts] = defaultdict(Amounts)
    for one in holders:
        if not one.user:
            times[_line(one)] += one.split
    return tuple(
        one
        for one in holders
        if not one.user and (time := times[_line(one)]).gil_wait_ns > max(time.waiting_ns, time.cpu_ns)
    )


def together(holders: Sequence[Culprit]) -> tuple[tuple[Culprit, ...], ...]:
    """Culprits in groups that are told as one, each group's heaviest first.

    A line of the target's own stands alone. One of the server's is the same for every route, and so is that
    no stack was taken in time: where dozens of routes are driven, each would be told dozens of times.

    Args:
        holders: culprits of sync workers' long requests, those that cost most first.
    """
    groups: dict[object, list[Culprit]] = {}
    for one in holders:
        own = bool(one.samples) and one.user
        groups.setdefault(id(one) if own else (bool(one.samples), *_line(one)), []).append(one)
    return tuple(map(tuple, groups.values()))


def _line(one: Culprit) -> tuple[str, str, int]:
    return one.key.path, one.key.function, one.key.line


def lines_of(some: Sequence[Culprit], parts: Sequence[Part]) -> tuple[str, ...]:
    """Where some parts waited, those first that waited longest: ``gunicorn/util.py:348``.

    Args:
        some: culprits.
        parts: of theirs.
    """
    mine = {id(part) for part in parts}
    waited: dict[str, int] = defaultdict(int)
    for one in some:
        own = [part for part in one.parts if id(part) in mine]
        place = one.place(own) if own else None
        if place is not None:
            name = f"{_INSTALLED.sub('', place.line.path)}:{place.line.line}"
            waited[name] += sum(part.split.own_ns for part in own)
    return tuple(sorted(waited, key=lambda name: (-waited[name], name)))
