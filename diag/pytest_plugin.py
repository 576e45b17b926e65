"""The pytest plugin: fails tests whose code holds an event loop. It does nothing until it is asked to.

``--diag`` asks for all tests, the marker or fixture ``no_blocking`` for some. Importing this module imports
pytest, which is there already, and nothing else; what measures is in `diag.guarding`, imported when needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from diag.guarding.plugin import Guard

ACTIVE = "diag-guard"
"""The name under which the part that measures is registered."""

MARKERS = (
    "no_blocking(budget=None): fail this test if its code holds an event loop longer than the budget (diag)",
    "allow_blocking(reason): never fail this test for holding an event loop (diag)",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, and their counterparts in the ini file."""
    group = parser.getgroup("diag", "tests that hold the event loop (diag)")
    group.addoption(
        "--diag",
        action="store_true",
        default=False,
        help="Fail every test whose code holds an event loop for longer than the budget.",
    )
    group.addoption(
        "--diag-budget",
        metavar="TIME",
        default=None,
        help="How long a test may hold an event loop at a time, such as 50ms (the default).",
    )
    parser.addini(
        "diag", "Fail every test whose code holds an event loop (as --diag).", type="bool", default=False
    )
    parser.addini(
        "diag_budget", "How long a test may hold an event loop at a time (as --diag-budget).", default=""
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known; begin, if all tests are to be watched."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.pluginmanager.register(_Doorkeeper(config), "diag-doorkeeper")
    if config.getoption("diag") or config.getini("diag"):
        _guard(config)


class _Doorkeeper:
    """Sees to it that what measures is there when something asks for it, and not before."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Begin, if some test asks for it by marker or fixture."""
        if any(map(_asks, session.items)):
            _guard(self._config)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What was seen, here or in one of pytest-xdist's workers."""
        held = getattr(report, "diag", None)
        if held:
            _guard(self._config).collect(held)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """The sums of one of pytest-xdist's workers."""
        sums = getattr(node, "workeroutput", {}).get("diag")
        if sums:
            _guard(self._config).add(sums)


@pytest.fixture
def no_blocking() -> None:
    """Fail this test if its code holds an event loop for longer than the budget."""


def _asks(item: pytest.Item) -> bool:
    return item.get_closest_marker("no_blocking") is not None or "no_blocking" in getattr(
        item, "fixturenames", ()
    )


def _guard(config: pytest.Config) -> Guard:
    """What measures, registered when it is first needed."""
    found: Guard | None = config.pluginmanager.get_plugin(ACTIVE)
    if found is None:
        from diag.guarding.plugin import Guard  # noqa: PLC0415  # inert until now

        found = Guard(config)
        config.pluginmanager.register(found, ACTIVE)
    return found
