"""The timeline as values: what is drawn, in whole microseconds from the window's start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from diag.analysis.intervals import Interval
from diag.reports.html.density import Density
from diag.reports.html.rows import Group


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """A lane as it is named."""

    label: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockView:
    """A block as it is drawn.

    Attributes:
        lane, finding: indices.
        start, end: µs.
        parts: stretches that were held, µs; () if that is all of it.
        own_ns: its duration without run-queue wait.
        cause: the slug of its main cause.
        route, where: in words.
        request: index of the request that it worked for, -1 if that is not shown or not known.
        victims: indices of requests, most delayed first, with `waited` in µs.
        victim_count, waited_ns: of all victims, shown or not.
    """

    lane: int
    finding: int
    start: int
    end: int
    parts: tuple[Interval, ...]
    own_ns: int
    cause: str
    route: str
    where: str
    request: int
    victims: tuple[int, ...]
    waited: tuple[int, ...]
    victim_count: int
    waited_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A request as it is drawn; µs.

    Attributes:
        start, before, inside, after: when it should have been sent, and how long each stage was.
        group, row: where.
        status: HTTP's, or a negative error code.
        behind: how much of `before` it waited behind blocks.
        own, queued: stretches inside.
    """

    start: int
    before: int
    inside: int
    after: int
    group: int
    row: int
    status: int
    behind: int
    own: tuple[Interval, ...] = ()
    queued: tuple[Interval, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All that the timeline draws.

    Attributes:
        length: of the window, µs.
        start_ns: its start, on the recording's clock.
        tasks: True if the rows are tasks of a script, not requests.
        lanes, blocks, groups, requests: what is drawn.
        steps: lane, start and end of steps that are no blocks.
        density: how many requests were in which stage, None for a script.
        all_blocks, all_requests, all_steps: how many there are.
        outside: blocks before the window, which are not drawn.
        indices: of requests, by the identity of their exchange or wait.
    """

    length: int
    start_ns: int
    tasks: bool
    lanes: tuple[LaneView, ...]
    blocks: tuple[BlockView, ...]
    groups: tuple[Group, ...]
    requests: tuple[RequestView, ...]
    steps: tuple[tuple[int, int, int], ...]
    density: Density | None
    all_blocks: int
    all_requests: int
    all_steps: int
    outside: int = 0
    indices: Mapping[int, int] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> int:
        """How many rows of requests there are."""
        return sum(group.rows for group in self.groups)
