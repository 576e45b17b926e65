"""The part of the pytest plugin that measures: registered only where tests are to be watched."""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.outcomes import Failed  # `pytest.fail.Exception`, which type checkers do not know

from diag.errors import DiagError
from diag.guarding.blocked import Blocked, Judgement, Seen, judge_steps
from diag.guarding.telling import Sums, failure, section
from diag.guarding.timetable import Timetable
from diag.guarding.watching import OwnLoops
from diag.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

DEFAULT_BUDGET_NS = 50_000_000
"""Half of the 100 ms from which people notice a delay, and far above what the noise of a machine makes of
innocent steps."""

LEAST_BUDGET_NS = 1_000_000
"""Shorter steps are not written down by the agent."""

_clock = time.monotonic_ns  # taken now: a test may patch it later


class HeldLoop(Failed):
    """A test held an event loop for longer than its budget."""

    __module__ = "builtins"  # as pytest's own: reports name it without a path


class Guard:
    """Watches the loops of all tests of a process, and fails those that hold one for too long.

    Attributes:
        budget_ns: of tests that name none of their own.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._everywhere = bool(config.getoption("diag") or config.getini("diag"))
        self.budget_ns = _budget(
            config.getoption("diag_budget") or config.getini("diag_budget"),
            DEFAULT_BUDGET_NS,
            "--diag-budget",
        )
        self._loops: OwnLoops | None = None
        self._timetable = Timetable()
        self._began = 0
        self._steps = 0
        self._blocked: list[Blocked] = []
        self._found: dict[str, list[Blocked]] = {}
        self._sums = Sums()

    # What is watched ----------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Watch from the first test to the last."""
        manages_workers = self._config.pluginmanager.has_plugin("dsession")
        if manages_workers or self._config.option.collectonly or not session.items:
            return (yield)
        loops = OwnLoops(self._roots(), min(map(self._budget_of, session.items), default=self.budget_ns))
        try:
            canary = loops.start()
        except (DiagError, OSError) as error:
            loops.stop()
            raise pytest.UsageError(f"diag cannot watch these tests: {error}") from error
        self._loops = loops
        try:
            return (yield)
        finally:
            self._loops = None
            steps = loops.steps()
            notes = loops.stop()
            sums = dataclasses.replace(
                self._sums,
                steps=steps,
                canaries=(canary.reason,),
                notes=(*self._sums.notes, *(note.text for note in notes)),
            )
            self._sums = Sums()
            self.add(dataclasses.asdict(sums))
            output = getattr(self._config, "workeroutput", None)
            if output is not None:
                output["diag"] = dataclasses.asdict(self._sums)

    def _roots(self) -> tuple[str, ...]:
        folders = (self._config.rootpath, self._config.invocation_params.dir)
        return tuple(dict.fromkeys(str(folder) for folder in folders))

    def _budget_of(self, item: pytest.Item) -> int:
        marker = item.get_closest_marker("no_blocking")
        given = (marker.kwargs.get("budget") or (marker.args[0] if marker.args else None)) if marker else None
        return _budget(given, self.budget_ns, f"the budget of {item.nodeid}")

    def _watches(self, item: pytest.Item) -> bool:
        return (
            self._everywhere
            or item.get_closest_marker("no_blocking") is not None
            or "no_blocking" in getattr(item, "fixturenames", ())
        )

    # The phases of a test -----------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Its fixtures are set up."""
        _tell_freezegun()
        self._began = _clock()
        self._steps = self._loops.steps() if self._loops is not None else 0
        self._found.pop(item.nodeid, None)
        return (yield from self._phase(item, "setup"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """It runs."""
        return (yield from self._phase(item, "call"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Its fixtures are torn down."""
        try:
            return (yield from self._phase(item, "teardown"))
        finally:
            if self._loops is not None and self._watches(item):
                self._sums.tests += 1
                self._sums.with_loop += self._loops.steps() > self._steps

    def _phase(self, item: pytest.Item, when: str) -> Generator[None, Any, Any]:
        self._timetable.clear()
        result = None
        try:
            result = yield
        except Exception:
            self._judge(item, when)  # shown with the test's own failure
            raise
        failing = [one for one in self._judge(item, when) if one.judgement == Judgement.BLOCKED]
        if failing:
            raise HeldLoop(failure(failing), pytrace=False)
        return result

    def _judge(self, item: pytest.Item, when: str) -> list[Blocked]:
        if self._loops is None:
            return []
        try:
            recording = self._loops.take(self._budget_of(item))
            if recording is None or not self._watches(item):
                return []
            seen = judge_steps(recording, self._loops.meanwhile)
        except Exception as error:  # noqa: BLE001  # a bug of diag's is no failure of the test's
            self._sums.notes += (f"{item.nodeid} could not be judged: {type(error).__name__}: {error}",)
            return []
        found = [self._placed(one, item, when) for one in seen]
        self._found.setdefault(f"{item.nodeid} {when}", []).extend(found)
        return found

    def _placed(self, seen: Seen, item: pytest.Item, when: str) -> Blocked:
        """A long step, with what pytest was doing when it began."""
        stretch = self._timetable.at(seen.start_ns)
        one = dataclasses.replace(seen.blocked, test=item.nodeid, when=when)
        if stretch is not None and stretch.fixture:
            one = dataclasses.replace(one, fixture=stretch.fixture, scope=stretch.scope)
        if one.judgement != Judgement.BLOCKED:
            return one
        excuse = None
        if self._timetable.debugged(seen.start_ns, seen.end_ns):
            excuse = Judgement.DEBUGGER
        elif seen.start_ns < self._began:
            excuse = Judgement.EARLIER
        elif one.scope not in ("", "function"):
            excuse = Judgement.SHARED
        elif item.get_closest_marker("allow_blocking") is not None:
            excuse = Judgement.ALLOWED
        return dataclasses.replace(one, judgement=excuse.value) if excuse else one

    # What pytest does inside of them ------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """A fixture is set up, and will be torn down."""
        name, scope = fixturedef.argname, str(fixturedef.scope)
        self._timetable.enter(_clock(), name, scope)
        try:
            return (yield)
        finally:
            self._timetable.leave(_clock(), name)
            fixturedef.addfinalizer(lambda: self._timetable.enter(_clock(), name, scope))  # is called first

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """A fixture has been torn down."""
        self._timetable.leave(_clock(), fixturedef.argname)

    def pytest_enter_pdb(self) -> None:
        """A debugger holds the thread, and whatever loop runs on it."""
        self._timetable.enter(_clock())

    def pytest_leave_pdb(self) -> None:
        """It lets go."""
        self._timetable.leave(_clock())

    # Telling ------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put what was found into the report, which also travels here from pytest-xdist's workers."""
        report = yield
        found = self._found.pop(f"{item.nodeid} {call.when}", [])
        if found:
            report.diag = [dataclasses.asdict(one) for one in found]  # type: ignore[attr-defined]
            held = [one for one in found if one.judgement == Judgement.BLOCKED]
            if held and not (call.excinfo is not None and isinstance(call.excinfo.value, HeldLoop)):
                report.sections.append(("diag: it held the event loop as well", failure(held)))
        return report

    def collect(self, found: Iterable[dict[str, Any]]) -> None:
        """Take what a report carries."""
        self._blocked += [Blocked(**{**one, "via": tuple(one["via"])}) for one in found]

    def add(self, sums: dict[str, Any]) -> None:
        """Take the sums of a process."""
        self._sums += Sums(**{**sums, "canaries": tuple(sums["canaries"]), "notes": tuple(sums["notes"])})

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was found, how well it was measured, and what was not counted."""
        if not self._sums.tests and not self._blocked:
            return
        terminalreporter.section("diag: held event loops")
        for line in section(self._blocked, self._sums, self.budget_ns):
            terminalreporter.write_line(line)


def _budget(given: object, otherwise: int, what: str) -> int:
    if not given:
        return otherwise
    try:
        found = parse_duration(given) if isinstance(given, str) else 0
    except ValueError:
        found = 0
    if found < LEAST_BUDGET_NS:
        raise pytest.UsageError(f'{what} is {given!r}, and must be a time from 1 ms on, such as "50ms"')
    return found


def _tell_freezegun() -> None:
    """A frozen clock must not be taken for the time that a step took."""
    freezegun = sys.modules.get("freezegun.config")
    if freezegun is not None and "diag." not in freezegun.settings.default_ignore_list:
        freezegun.configure(extend_ignore_list=["diag."])
