"""The matrix lists everything, and gives a reason for what is not there."""

from __future__ import annotations

import importlib.util

import pytest

from diag.frameworks import NAMES, get_framework
from diag.inspection import WorkloadInfo
from diag.matrix import Combination, combinations
from diag.servers import SERVERS
from diag.strategies import STRATEGIES

EVERY = combinations()


def reason(framework: str, server: str, strategy: str, loop: str = "", some=EVERY) -> str:
    (found,) = (
        c for c in some if (c.framework, c.server, c.loop, c.strategy) == (framework, server, loop, strategy)
    )
    assert found.available is (found.reason == "")
    return found.reason


def test_every_framework_server_loop_and_strategy_is_listed_once() -> None:
    places = sum(len(server.loops) or 1 for server in SERVERS)
    assert len(EVERY) == len(NAMES) * places * len(STRATEGIES)
    assert len({(c.framework, c.server, c.loop, c.strategy) for c in EVERY}) == len(EVERY)


@pytest.mark.parametrize("what", ["framework", "server", "strategy"])
def test_each_of_them_is_available_somewhere(what: str) -> None:
    assert {getattr(c, what) for c in EVERY if c.available} == {getattr(c, what) for c in EVERY}


def test_what_makes_no_sense_is_left_out_with_its_reason() -> None:
    assert reason("fastapi", "uvicorn", "blocking", "uvloop") == ""
    assert reason("flask", "uvicorn", "sync-handler", "asyncio") == "uvicorn does not serve WSGI applications"
    assert reason("flask", "gunicorn-sync", "native") == "flask handlers do not run on an event loop"
    assert reason("flask", "gunicorn-sync", "gevent") == "gunicorn-sync does not monkey-patch"
    assert "a second asyncio loop fails" in reason("flask", "gunicorn-gevent", "loop-per-request", "gevent")
    assert reason("flask", "gunicorn-gevent", "gevent", "gevent") == ""
    assert reason("flask", "gunicorn-gevent", "process-pool", "gevent") == ""
    assert "a second asyncio loop fails" in reason("flask-async", "gunicorn-gevent", "process-pool", "gevent")
    assert "daemonic" in reason("fastapi", "hypercorn", "process-pool", "asyncio")
    assert reason("asyncio", "asyncio", "native", "asyncio") == ""
    assert reason("asyncio", "uvicorn", "native", "asyncio") == "plain asyncio is framework and server in one"
    assert reason("asgi", "asyncio", "native", "uvloop") == "plain asyncio is framework and server in one"


def test_a_workload_leaves_out_what_needs_a_form_that_it_has_not() -> None:
    some = combinations(WorkloadInfo(name="nap", functions=("nap",), has_native=True))
    assert reason("fastapi", "uvicorn", "to-thread", "asyncio", some) == "nap has no synchronous form"
    assert reason("fastapi", "uvicorn", "native", "asyncio", some) == ""
    held = WorkloadInfo(
        name="w", functions=("w",), has_sync=True, confined="its parameter lock cannot be sent"
    )
    some = combinations(held)
    assert (
        reason("fastapi", "uvicorn", "process-pool", "asyncio", some) == "its parameter lock cannot be sent"
    )


def test_a_missing_package_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    gone = {"asgiref", "flask_restful", "uvloop", "gevent"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name in gone else real(name, *more)
    )
    some: tuple[Combination, ...] = combinations()
    frameworks, servers = "pip install 'diag[frameworks]'", "pip install 'diag[servers]'"
    assert reason("flask-async", "gunicorn-sync", "native", some=some).endswith(frameworks)
    assert reason("flask-restful", "werkzeug", "sync-handler", some=some).startswith("flask-restful is not")
    assert reason("fastapi", "uvicorn", "native", "uvloop", some).endswith(servers)
    assert reason("flask", "gunicorn-gevent", "gevent", "gevent", some).endswith(servers)
    # What no installation can change is said first.
    assert reason("flask-restful", "uvicorn", "native", "asyncio", some).endswith("WSGI applications")


def test_a_frameworks_package_is_checked_without_importing_it() -> None:
    assert all(get_framework(name).unavailable() is None for name in NAMES)
