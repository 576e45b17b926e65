"""Each strategy executes the work in its own way, and says where it cannot."""

from __future__ import annotations

import asyncio
import inspect
import threading

import pytest

from diag.frameworks import get_framework
from diag.inspection import WorkloadInfo
from diag.strategies import STRATEGIES, Forms, get_strategy

SYNC = WorkloadInfo(name="w", functions=("w",), has_sync=True)
NATIVE = WorkloadInfo(name="w", functions=("w",), has_native=True)
BOTH = WorkloadInfo(name="w", functions=("w", "aw"), has_sync=True, has_native=True)

APPLIES = [
    ("fastapi", SYNC, ["blocking", "sync-handler", "to-thread"]),
    ("fastapi", NATIVE, ["native"]),
    ("fastapi", BOTH, ["blocking", "native", "sync-handler", "to-thread"]),
    ("starlette", BOTH, ["blocking", "native", "sync-handler", "to-thread"]),
    ("flask", BOTH, ["sync-handler"]),
    ("flask", NATIVE, []),
]


@pytest.mark.parametrize(("framework", "workload", "expected"), APPLIES)
def test_a_strategy_applies_where_its_form_and_its_framework_allow(
    framework: str, workload: WorkloadInfo, expected: list[str]
) -> None:
    reasons = {s.name: s.applies(workload, get_framework(framework)) for s in STRATEGIES}
    assert [name for name, reason in reasons.items() if reason is None] == expected
    assert all(reason for name, reason in reasons.items() if name not in expected)


class Seen:
    """Where the work ran, and with what."""

    def __init__(self) -> None:
        self.thread = 0
        self.in_loop = False
        self.seconds = 0.0

    def sync(self, seconds: float) -> None:
        self.thread = threading.get_ident()
        self.in_loop = asyncio._get_running_loop() is not None
        self.seconds = seconds

    async def native(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.sync(seconds)


@pytest.mark.parametrize(
    ("name", "same_thread", "in_loop"),
    [
        ("blocking", True, True),
        ("native", True, True),
        ("sync-handler", True, False),
        ("to-thread", False, False),
    ],
)
def test_the_work_runs_where_the_strategy_says(name: str, same_thread: bool, in_loop: bool) -> None:
    seen = Seen()
    handler = get_strategy(name).handler(Forms(sync=seen.sync, native=seen.native, params={"seconds": 0.5}))
    answer = asyncio.run(handler()) if inspect.iscoroutinefunction(handler) else handler()
    assert answer == {"ok": True}
    assert seen.seconds == 0.5
    assert (seen.thread == threading.get_ident(), seen.in_loop) == (same_thread, in_loop)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: s.name)
def test_what_the_work_raises_goes_through(strategy: object) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    async def fail_natively() -> None:
        raise ZeroDivisionError

    handler = strategy.handler(Forms(sync=fail, native=fail_natively))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(handler()) if inspect.iscoroutinefunction(handler) else handler()


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: s.name)
def test_a_form_that_is_missing_is_an_error_of_the_caller(strategy: object) -> None:
    with pytest.raises(ValueError, match="needs a"):
        strategy.handler(Forms())


def test_an_unknown_strategy_is_answered_with_those_there_are() -> None:
    with pytest.raises(KeyError, match="sync-handler"):
        get_strategy("magic")


def test_each_strategy_has_a_name_and_one_line_about_it() -> None:
    assert len({s.name for s in STRATEGIES}) == len(STRATEGIES)
    assert all(s.description and "\n" not in s.description for s in STRATEGIES)
