"""What a preset is made of: the cells of a published comparison, its figures, and what was claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from diag.comparison import ClaimVerdict
from diag.presets.evidence import Evidence

S = 1_000_000_000


class Figure(StrEnum):
    """What was published of a cell."""

    THROUGHPUT = "req/s"
    CLIENT_RATE = "req/s a client"
    LATENCY = "latency"
    MEAN = "mean latency"

    @property
    def durations(self) -> bool:
        """True for nanoseconds, False for a number per second."""
        return self in (Figure.LATENCY, Figure.MEAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetLoad:
    """How a cell is loaded.

    Attributes:
        users: that each send when answered.
        total: requests after which a trial ends; None where `duration_ns` says.
        duration_ns: of a trial without a total, with innocent requests beside the load.
        expected_ns: how long a trial's load takes, about, on a machine with 2 cores.
        keep_alive, http: as in `diag.plan.LoadShape`.
        surveyed: True if each route is asked before the load, False where one answer takes too long for that.
        timeout_ns: for an answer.
    """

    users: int
    total: int | None = None
    duration_ns: int = 3 * S
    expected_ns: int = 3 * S
    keep_alive: bool = True
    http: Literal["1.1", "1.0"] = "1.1"
    surveyed: bool = True
    timeout_ns: int = 60 * S


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetCell:
    """One cell of a published comparison, or one that is measured to explain it.

    Attributes:
        contest: what it is compared under, such as ``concurrency 500``.
        label: what tells it from the others there.
        file: the shipped workload file.
        function: the workload in it.
        framework, server, strategy: names.
        loops: event loops, the first that is installed is used; () for a server without.
        workers, threads: of the server.
        arguments: further ones for the server's command line.
        params: of the workload.
        load: how it is loaded.
        cpus, memory_bytes: limits, 0 for none.
        needs_bytes: memory that it takes, about, where that may be more than a machine has; 0 otherwise.
        published: its figures, those of durations in ns; () for a control.
    """

    contest: str
    label: str
    file: str
    function: str
    framework: str
    server: str
    strategy: str
    loops: tuple[str, ...] = ()
    workers: int = 1
    threads: int = 0
    arguments: tuple[str, ...] = ()
    params: Mapping[str, object] = field(default_factory=dict)
    load: PresetLoad
    cpus: float = 0.0
    memory_bytes: int = 0
    needs_bytes: int = 0
    published: tuple[tuple[Figure, float], ...] = ()

    @property
    def key(self) -> str:
        """What tells it from every other cell of the preset."""
        return f"{self.contest}: {self.label}"


class Preset(Protocol):
    """A published comparison that can be run again.

    Attributes:
        name: as typed.
        title: what was compared, in a sentence.
        scaled: what ``--scale`` multiplies, in words.
    """

    name: str
    title: str
    scaled: str

    def cells(self, scale: float) -> Sequence[PresetCell]:
        """What is measured, those first that were published.

        Args:
            scale: 1 for the published settings.
        """
        ...

    def claims(self, evidence: Evidence) -> Sequence[ClaimVerdict]:
        """What was claimed, judged by what was measured."""
        ...

    def remark(self, scale: float) -> str:
        """Why figures at this scale are not those that were published, "" if they can be compared."""
        ...
