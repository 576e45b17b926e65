"""Each strategy executes the work in its own way, and says where it cannot."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from typing import NamedTuple

import pytest

from diag.frameworks import get_framework
from diag.inspection import WorkloadInfo
from diag.strategies import STRATEGIES, Detailed, Forms, get_strategy, unsuited

SYNC = WorkloadInfo(name="w", functions=("w",), has_sync=True)
NATIVE = WorkloadInfo(name="w", functions=("w",), has_native=True)
BOTH = WorkloadInfo(name="w", functions=("w", "aw"), has_sync=True, has_native=True)

NEITHER = WorkloadInfo(name="w", functions=("w",))
CONFINED = WorkloadInfo(name="w", functions=("w",), has_sync=True, confined="its parameter x cannot be sent")

CALLED = ["blocking", "to-thread", "run-in-executor"]
APPLIES = [
    ("fastapi", SYNC, {*CALLED, "sync-handler", "process-pool", "gather", "gevent"}),
    ("fastapi", NATIVE, {"native", "gather", "loop-per-request"}),
    ("fastapi", BOTH, {s.name for s in STRATEGIES}),
    ("starlette", BOTH, {s.name for s in STRATEGIES}),
    ("flask", BOTH, {"sync-handler", "process-pool", "gather", "loop-per-request", "gevent"}),
    ("flask", NATIVE, {"gather", "loop-per-request"}),
    ("flask", CONFINED, {"sync-handler", "gather", "gevent"}),
    ("fastapi", NEITHER, set()),
]


@pytest.mark.parametrize(("framework", "workload", "expected"), APPLIES)
def test_a_strategy_applies_where_its_form_and_its_framework_allow(
    framework: str, workload: WorkloadInfo, expected: set[str]
) -> None:
    reasons = {s.name: s.applies(workload, get_framework(framework)) for s in STRATEGIES}
    assert {name for name, reason in reasons.items() if reason is None} == expected
    assert all(reason for name, reason in reasons.items() if name not in expected)


class Server(NamedTuple):
    name: str
    loops: tuple[str, ...]


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
        ("run-in-executor", False, False),
        ("gather", True, True),
        ("loop-per-request", True, True),
        ("gevent", True, False),
    ],
)
def test_the_work_runs_where_the_strategy_says(name: str, same_thread: bool, in_loop: bool) -> None:
    seen = Seen()
    handler = get_strategy(name).handler(Forms(sync=seen.sync, native=seen.native, params={"seconds": 0.5}))
    answer = asyncio.run(handler()) if inspect.iscoroutinefunction(handler) else handler()
    assert answer == {"ok": True}
    assert seen.seconds == 0.5
    assert (seen.thread == threading.get_ident(), seen.in_loop) == (same_thread, in_loop)


def fail() -> None:
    raise ZeroDivisionError


async def fail_natively() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: s.name)
def test_what_the_work_raises_goes_through(strategy: object) -> None:
    handler = strategy.handler(Forms(sync=fail, native=fail_natively))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(handler()) if inspect.iscoroutinefunction(handler) else handler()


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: s.name)
def test_a_form_that_is_missing_is_an_error_of_the_caller(strategy: object) -> None:
    with pytest.raises(ValueError, match="needs a"):
        strategy.handler(Forms())


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: s.name)
def test_a_server_that_patches_takes_few_strategies_and_gevent_needs_one(strategy: object) -> None:
    patching, plain = Server("gunicorn-gevent", ("gevent",)), Server("uvicorn", ("asyncio", "uvloop"))
    reasons = {
        server.name: unsuited(strategy, get_framework("flask"), server) for server in (patching, plain)
    }
    assert (reasons[patching.name] is None) is (strategy.name in {"gevent", "process-pool"})
    assert (reasons[plain.name] is None) is (strategy.name != "gevent")
    assert all(reason is None or name in reason for name, reason in reasons.items())


def test_explain_runs_the_cheap_ones_unasked() -> None:
    assert [s.name for s in STRATEGIES if s.default and not s.patched] == [
        "blocking",
        "native",
        "sync-handler",
        "to-thread",
    ]


def test_what_a_strategy_chose_is_said() -> None:
    said = {
        s.name: (s.detail(SYNC, pool=0, together=0), s.detail(BOTH, pool=1, together=3))
        for s in STRATEGIES
        if isinstance(s, Detailed)
    }
    cores = len(os.sched_getaffinity(0))
    assert said["gather"] == ("5 × its def, in coroutines that never await", "3 × its async def")
    assert said["run-in-executor"] == (f"{min(32, cores + 4)} threads", "1 thread")
    assert said["process-pool"] == (f"{cores} process{'es' * (cores > 1)}", "1 process")


def test_an_unknown_strategy_is_answered_with_those_there_are() -> None:
    with pytest.raises(KeyError, match="sync-handler"):
        get_strategy("magic")


def test_each_strategy_has_a_name_and_one_line_about_it() -> None:
    assert len({s.name for s in STRATEGIES}) == len(STRATEGIES)
    assert all(s.description and "\n" not in s.description for s in STRATEGIES)
