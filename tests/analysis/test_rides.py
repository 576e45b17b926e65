"""Where each request was at each moment."""

from __future__ import annotations

from recordings import AT_SLEEP, MS, Scene, waiter

from diag.analysis.case import Case, examine
from diag.analysis.conservation import conserve
from diag.analysis.rides import rides


def scene() -> Case:
    made = Scene()
    made.step(1_100, 1_160, frames=AT_SLEEP, port=1, waiters=[waiter(2, 1_120)])
    made.request("GET /report", 1, 1_095, 1_165, app=(1_100, 1_162))
    made.request("GET /health", 2, 1_090, 1_180, app=(1_098, 1_175))
    made.step(1_160, 1_165, port=2)
    made.request("GET /late", 3, 1_130, 1_170, app=(1_166, 1_169))
    made.request("GET /lost", 4, 1_130, 1_900, status=-1)
    recording = made.recording()
    return examine(recording, recording.runs[0])


def test_stages_are_in_order_and_add_up() -> None:
    """Before, inside and after are all of what the client measured."""
    case = scene()
    for ride in rides(case.timeline, case.found, case.delays):
        request = ride.exchange.request
        assert request.intended_ns <= ride.entered_ns <= ride.left_ns <= request.done_ns
        for low, high in (*ride.own, *ride.queued):
            assert ride.entered_ns <= low < high <= ride.left_ns


def test_they_are_what_conservation_sums_up() -> None:
    """The same stretches, by route."""
    case = scene()
    by_route = {row.route: row for row in conserve(case.timeline, case.found, case.delays)}
    for ride in rides(case.timeline, case.found, case.delays):
        row = by_route[ride.exchange.request.route]
        assert sum(high - low for low, high in ride.own) == row.own_ns
        assert sum(high - low for low, high in ride.queued) + ride.behind_ns == row.queued_ns


def test_queued_inside() -> None:
    """A task that was ready while another ran."""
    case = scene()
    (health,) = [
        one
        for one in rides(case.timeline, case.found, case.delays)
        if one.exchange.request.route == "GET /health"
    ]
    assert health.queued == ((1_120 * MS, 1_160 * MS),)
    assert health.own == ((1_160 * MS, 1_165 * MS),)


def test_one_that_never_got_there() -> None:
    """All its time is before the application."""
    case = scene()
    lost = rides(case.timeline, case.found, case.delays)[-1]
    assert lost.exchange.request.route == "GET /lost"
    assert lost.entered_ns == lost.left_ns == lost.exchange.request.done_ns
