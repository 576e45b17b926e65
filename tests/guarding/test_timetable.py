"""What pytest was doing when a step began."""

from __future__ import annotations

from diag.guarding.timetable import Timetable


def test_the_innermost_fixture_around_a_moment_is_named():
    table = Timetable()
    table.enter(10, "outer", "module")
    table.enter(20, "inner", "function")
    table.leave(30, "inner")
    table.leave(40, "outer")
    names = [found.fixture if (found := table.at(at)) else "" for at in (5, 15, 25, 35, 45)]
    assert names == ["", "outer", "inner", "outer", ""]


def test_what_is_under_way_stays_when_a_phase_begins():
    table = Timetable()
    table.enter(10, "client", "function")
    table.clear()
    found = table.at(15)
    assert found is not None
    assert found.fixture == "client"


def test_what_never_said_that_it_ended_ends_with_what_is_around_it():
    table = Timetable()
    table.enter(10, "outer", "session")
    table.enter(20, "forgotten", "function")
    table.leave(30, "outer")
    assert table.at(40) is None


def test_a_debugger_excuses_every_step_that_it_overlaps():
    table = Timetable()
    table.enter(20)
    assert table.debugged(10, 30)
    assert table.debugged(30, 40)
    table.leave(35)
    assert not table.debugged(36, 40)
    assert not table.debugged(5, 15)


def test_a_fixture_is_no_debugger():
    table = Timetable()
    table.enter(10, "client", "function")
    assert not table.debugged(5, 20)
