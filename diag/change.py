"""What two recordings, made before and after a change, say of the change: better, worse, or neither seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from diag.finding import Finding


class Direction(StrEnum):
    """Which way something went."""

    IMPROVED = "improved"
    WORSE = "worse"
    NONE = "no difference seen"
    UNKNOWN = "cannot tell"


class Fate(StrEnum):
    """What became of a finding."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    GONE = "gone"
    UNDRIVEN = "not driven again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One figure before and after, and how far apart they are.

    Attributes:
        before, after: the figure; nanoseconds, or a share of 1.
        effect: after divided by before; of a share, after minus before.
        low, high: the interval of the effect, from windows of time drawn again and again.
        direction: which way, as far as the interval shows it.
        reason: why it cannot be told, "" if it can.
    """

    before: float
    after: float
    effect: float
    low: float
    high: float
    direction: Direction
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteChange:
    """One route before and after.

    Attributes:
        route: its label; "" for all requests together.
        direction: worse if one of its figures is, else improved if one is.
        requests_before, requests_after: answered.
        failed_before, failed_after: 5xx, or no answer.
        p50, p99: latency from the intended send time.
    """

    route: str
    direction: Direction
    requests_before: int
    requests_after: int
    failed_before: int
    failed_after: int
    p50: Shift
    p99: Shift


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingChange:
    """One finding before and after: the same culprit by its function and its line's text, wherever it moved.

    Attributes:
        fate: what became of it.
        before, after: the finding, None where it was not found.
        share_before, share_after: its time over the lanes' time, 0 to 1.
        note: a sentence, "" if there is nothing to say.
    """

    fate: Fate
    before: Finding | None
    after: Finding | None
    share_before: float
    share_after: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two recordings.

    Attributes:
        recording: its path.
        target: as typed.
        created_utc: ISO 8601.
        status: clean, blocked or unmeasured.
        requests: answered.
        duration_ns: under load.
        load, server, python: in words.
        cores: of the machine.
    """

    recording: str
    target: str
    created_utc: str
    status: str
    requests: int
    duration_ns: int
    load: str
    server: str
    python: str
    cores: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The answer to "did it get better", of two recordings.

    Attributes:
        direction: worse if anything is, else improved if anything is; `UNKNOWN` if they cannot be compared.
        reasons: why they cannot be compared, full sentences; () if they can.
        before, after: the recordings.
        blocked: share of the lanes' time in which they were blocked, None where they cannot be compared.
        overall: all requests together, None where they cannot be compared.
        routes: worse ones first.
        findings: new ones first.
        notes: full sentences on how far this can be trusted.
        windows: how many stretches of time each run was divided into, the fewer of the two.
        window_ns: their length.
    """

    direction: Direction
    reasons: tuple[str, ...]
    before: Side
    after: Side
    blocked: Shift | None = None
    overall: RouteChange | None = None
    routes: tuple[RouteChange, ...] = ()
    findings: tuple[FindingChange, ...] = ()
    notes: tuple[str, ...] = ()
    windows: int = 0
    window_ns: int = 0

    @property
    def exit_code(self) -> int:
        """0 no worse, 1 worse, 2 cannot compare."""
        if self.direction is Direction.UNKNOWN:
            return 2
        return 1 if self.direction is Direction.WORSE else 0
