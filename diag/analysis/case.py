"""All that is known of one run before it is judged: what every rule gets to see."""

from __future__ import annotations

from dataclasses import dataclass

from diag.analysis.blame import Delays
from diag.analysis.blocks import Found, find
from diag.analysis.culprits import Culprit, attribute
from diag.analysis.source import Code
from diag.analysis.timeline import Timeline, read
from diag.recording import Meta, Recording, Run


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One run, analysed.

    Attributes:
        meta: what holds for the whole recording.
        run: as it was recorded.
        code: source text of the user's files.
        timeline: its values, joined.
        found: its steps, sorted.
        culprits: of event loops' blocks and convoys, those before the load included.
        holders: culprits of sync workers' long requests.
        delays: who waited for what.
    """

    meta: Meta
    run: Run
    code: Code
    timeline: Timeline
    found: Found
    culprits: tuple[Culprit, ...]
    holders: tuple[Culprit, ...]
    delays: Delays

    @property
    def threshold_ns(self) -> int:
        """What counts as a block."""
        return self.meta.threshold_ns

    @property
    def script(self) -> bool:
        """True for a program that runs its own loop, without requests."""
        return self.meta.target_kind == "script"

    def executions(self, route: str) -> int:
        """How many requests of a route reached the application."""
        exchanges = self.timeline.exchanges
        return sum(e.request.route == route and e.reached for e in exchanges)


def examine(recording: Recording, run: Run, code: Code | None = None) -> Case:
    """Analyse one run of a recording.

    Args:
        recording: the recording.
        run: one of its runs.
        code: the recording's code, to share it between runs.
    """
    code = code or Code.of(recording)
    threshold = recording.meta.threshold_ns
    timeline = read(run)
    found = find(timeline, threshold)
    return Case(
        meta=recording.meta,
        run=run,
        code=code,
        timeline=timeline,
        found=found,
        culprits=attribute((*found.blocks, *found.convoys), code, threshold),
        holders=attribute(found.holds, code, threshold),
        delays=Delays(timeline, script=recording.meta.target_kind == "script"),
    )
