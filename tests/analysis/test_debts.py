"""Whom each block delayed: the same requests, for the same time, that findings sum up by route."""

from __future__ import annotations

from crowded import crowded
from recordings import AT_ADD, AT_SLEEP, Scene, waiter

from diag.analysis.case import examine
from diag.analysis.debts import Debt, debts
from diag.analysis.proofs import proofs
from diag.finding import Finding
from diag.recording import LaneKind, Recording
from diag.rules import judge


def owed(recording: Recording) -> list[tuple[Finding, tuple[Debt, ...]]]:
    """Each finding with its debts."""
    case = examine(recording, recording.runs[0])
    return [
        (proof.finding, debts(case.timeline, case.delays, proof.pieces))
        for proof in proofs(case, judge(recording).findings)
    ]


def totals(found: tuple[Debt, ...]) -> dict[str, tuple[int, int]]:
    """Requests and nanoseconds by route."""
    whom: dict[str, set[int]] = {}
    sums: dict[str, int] = {}
    for debt in found:
        label = debt.exchange.request.route if debt.exchange else debt.wait.label
        whom.setdefault(label, set()).add(id(debt.exchange or debt.wait))
        sums[label] = sums.get(label, 0) + debt.ns
    return {label: (len(whom[label]), sums[label]) for label in whom}


def two_culprits() -> Recording:
    scene = Scene()
    for number in range(4):
        at = 1_100 + 200 * number
        scene.step(at, at + 60, frames=AT_SLEEP, port=1)
        scene.request("GET /report", 1, at - 1, at + 61, app=(at, at + 60))
        scene.step(at + 60, at + 90, cpu=30, frames=AT_ADD, port=2, waiters=[waiter(3, at + 65)])
        scene.request("GET /render", 2, at + 10, at + 91, app=(at + 60, at + 90))
        scene.request("GET /health", 3, at + 20, at + 95, app=(at + 61, at + 94))
        scene.step(at + 90, at + 92, port=3)
    return scene.recording()


def test_they_are_the_findings_victims() -> None:
    """As many requests of each route, and the same delay, to the nanosecond."""
    found = owed(two_culprits())
    assert len(found) == 2
    for finding, some in found:
        expected = {group.label: (group.count, group.total_ns) for group in finding.victims}
        assert totals(some) == expected
        assert expected


def test_each_block_has_its_own() -> None:
    """Nobody owes a delay to a block that they did not meet."""
    for finding, some in owed(two_culprits()):
        assert {debt.piece for debt in some} == set(range(len(finding.blocks)))
        for debt in some:
            block = finding.blocks[debt.piece]
            assert debt.exchange.request.intended_ns < block.end_ns
            assert debt.exchange.request.done_ns > block.start_ns


def test_many_blocks() -> None:
    """However many there are."""
    for finding, some in owed(crowded(blocks=120, requests=1_000)):
        assert totals(some) == {g.label: (g.count, g.total_ns) for g in finding.victims}


def test_sync_workers_share() -> None:
    """A request that waits for a worker waits for all that are busy, each for its share."""
    scene = Scene(lane_kind=LaneKind.WORKER_THREAD, canary=False)
    scene.step(1_100, 1_200, frames=AT_SLEEP, port=1)
    scene.request("GET /report", 1, 1_100, 1_201, app=(1_100, 1_200))
    scene.request("GET /health", 2, 1_150, 1_203, app=(1_200, 1_202))
    (finding, some), *_ = [pair for pair in owed(scene.recording()) if pair[0].rule == "held-worker"]
    assert totals(some) == {g.label: (g.count, g.total_ns) for g in finding.victims}
    assert totals(some)["GET /health"] == (1, 50_000_000)


def test_tasks_of_a_script() -> None:
    """Where there are no requests, tasks wait."""
    scene = Scene(kind="script")
    scene.step(
        1_100, 1_160, frames=AT_SLEEP, waiters=[waiter(since=1_110), waiter(since=1_120, label="other")]
    )
    (finding, some), *_ = owed(scene.recording())
    assert totals(some) == {g.label: (g.count, g.total_ns) for g in finding.victims}
    assert totals(some) == {"health": (1, 50_000_000), "other": (1, 40_000_000)}
