"""Progress through many runs: where it is, and how long the rest takes."""

from __future__ import annotations

from diag.progress import Counted, Silent

S = 1_000_000_000


class Told(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, text: str) -> None:
        """Remember it."""
        self.stages.append(text)


def test_the_time_left_is_estimated_first_and_measured_then() -> None:
    """Four runs, thought to take 40 s; the first takes 20 s, so that three more take 60 s."""
    now = [0]
    told = Told()
    counted = Counted(told, 4, 40 * S, clock=lambda: now[0])
    counted.stage("starting")
    now[0] = 5 * S
    counted.stage("under load")
    now[0] = 20 * S
    counted.done()
    counted.stage("starting")
    assert told.stages == [
        "[..........] 1 of 4, about 40.0 s left: starting",
        "[..........] 1 of 4, about 35.0 s left: under load",
        "[##........] 2 of 4, about 1 min 00 s left: starting",
    ]


def test_a_run_that_takes_longer_than_thought_has_no_time_left_rather_than_less() -> None:
    now = [0]
    counted = Counted(Told(), 1, 10 * S, clock=lambda: now[0])
    now[0] = 30 * S
    assert counted.left_ns == 0


def test_long_and_short_runs_count_for_what_they_were_expected_to_take() -> None:
    """A run of 30 s out of 40 is three quarters, though it is one of four; it took twice as long."""
    now = [0]
    told = Told()
    counted = Counted(told, 4, 40 * S, clock=lambda: now[0])
    now[0] = 60 * S
    counted.done(30 * S)
    counted.stage("starting")
    assert told.stages == ["[#######...] 2 of 4, about 20.0 s left: starting"]
