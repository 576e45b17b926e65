"""Which cells a comparison is made of, and in which order they are measured."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from diag.comparing import CompareOptions, compare_options, parse_selection
from diag.errors import UsageError
from diag.inspection import Inspection, RouteInfo, WorkloadInfo
from diag.matrix_plan import MOST_BY_DEFAULT, Candidate, candidates, choose, estimate_ns, plan_of, schedule
from diag.plan import HttpRequest
from diag.targets import AppTarget, CodePlace, WorkloadTarget

PLACE = CodePlace(file="/srv/work.py", module="", sys_path=("/srv",), cwd="/srv")
TARGET = WorkloadTarget(text="work.py", place=PLACE)
WORK = WorkloadInfo(
    name="work", functions=("work", "work_async"), has_sync=True, has_native=True, accepts=("n",)
)
INSPECTION = Inspection(file="/srv/work.py", workloads=(WORK,))
APP = AppTarget(text="shop:app", place=PLACE, attribute="app")
SHOP = Inspection(
    interface="wsgi",
    framework="flask",
    attribute="app",
    routes=(
        RouteInfo(
            label="GET /", method="GET", path="/", request=HttpRequest(route="GET /", method="GET", path="/")
        ),
    ),
)


def options(**flags: object) -> CompareOptions:
    """As the command line makes them, outside of any project."""
    return compare_options(("work.py",), flags)


def cells(**flags: object) -> list[Candidate]:
    """The cells of the workload file."""
    return list(candidates(TARGET, INSPECTION, options(**flags)))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_default_is_short_and_varied() -> None:
    """Several strategies on one server, then other frameworks and servers; nothing that is not there."""
    chosen = choose(cells(), options())
    assert 2 <= len(chosen) <= MOST_BY_DEFAULT
    assert len({one.strategy for one in chosen}) >= 4
    assert {"fastapi", "flask"} <= {one.framework for one in chosen}
    assert not any(one.reason for one in chosen)
    assert len({one.label for one in chosen}) == len(chosen)


def test_a_selection_narrows_by_every_key_and_a_key_twice_takes_either() -> None:
    wanted = options(
        select=("framework=fastapi,server=uvicorn,loop=asyncio,strategy=native,strategy=block*",)
    )
    assert [one.label for one in choose(cells(), wanted)] == [
        "fastapi uvicorn (asyncio) blocking",
        "fastapi uvicorn (asyncio) native",
    ]
    everything = choose(cells(), options(select=("all",)))
    assert len(everything) == sum(not one.reason for one in cells()) > MOST_BY_DEFAULT


def test_a_selection_that_fits_nothing_says_why() -> None:
    with pytest.raises(UsageError) as caught:
        choose(cells(), options(select=("framework=flask,server=uvicorn",)))
    assert caught.value.slug == "no-cell"
    assert "uvicorn does not serve WSGI" in caught.value.cause
    with pytest.raises(UsageError, match="no-such") as caught:
        choose(cells(), options(select=("server=no-such",)))
    assert "no cell with these names" in caught.value.cause


@pytest.mark.parametrize("text", ["flask", "framework=", "sever=uvicorn", "=x", ""])
def test_a_selection_that_is_none_is_an_error_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_selection(text)
    assert caught.value.next_step.startswith("Try: --select ")


def test_every_cell_is_measured_once_a_trial_in_an_order_of_its_own() -> None:
    plans = [plan_of(one, options()) for one in choose(cells(), options())]
    runs = list(schedule(plans, 4, seed=1))
    assert Counter((plan.cell, plan.trial) for plan in runs) == Counter(
        (plan.cell, trial) for plan in plans for trial in range(1, 5)
    )
    assert [plan.trial for plan in runs] == sorted(plan.trial for plan in runs)
    orders = {tuple(plan.cell for plan in runs if plan.trial == trial) for trial in range(1, 5)}
    assert len(orders) > 1
    assert runs == list(schedule(plans, 4, seed=1))
    assert runs != list(schedule(plans, 4, seed=2))


def test_a_plan_holds_the_load_as_it_was_asked_for() -> None:
    asked = options(users=7, total=500, connection="per-request", http="1.0", duration=None, params=("n=3",))
    (one,) = choose(
        cells(), options(select=("framework=fastapi,server=uvicorn,loop=uvloop,strategy=native",))
    )
    plan = plan_of(one, asked)
    assert plan.cell.load == "closed, 7 users, 500 requests, a connection each, HTTP/1.0"
    assert (plan.shape.total, plan.shape.keep_alive, plan.shape.http) == (500, False, "1.0")
    assert [stream.name for stream in plan.streams] == ["work"]
    assert (plan.server.server, plan.server.loop, plan.app.params) == ("uvicorn", "uvloop", {"n": 3})
    usual = plan_of(one, options(rate=30.0))
    assert [stream.name for stream in usual.streams] == ["work", "ping"]
    assert (usual.shape.warm_up_ns, usual.duration_ns) == (600_000_000, 3_000_000_000)
    assert usual.cell.load == "open, 30/s"


def test_an_app_is_compared_on_the_servers_of_its_interface() -> None:
    found = list(candidates(APP, SHOP, options()))
    here = [one for one in found if not one.reason]
    assert {"gunicorn-sync", "gunicorn-gthread"} <= {one.server for one in here}
    (uvicorn, *_) = [one for one in found if one.server == "uvicorn"]
    assert uvicorn.reason == "uvicorn does not serve WSGI applications"
    plan = plan_of(here[0], options(duration="2s"))
    assert (plan.cell.framework, plan.streams[0].requests[0].path, plan.duration_ns) == (
        "flask",
        "/",
        2_000_000_000,
    )


def test_threads_that_a_server_has_not_are_its_reason() -> None:
    found = candidates(APP, SHOP, options(threads=8))
    (sync,) = [one for one in found if one.server == "gunicorn-sync"]
    assert "one thread" in sync.reason


def test_the_estimate_grows_with_cells_trials_and_time() -> None:
    assert estimate_ns(2, options(trials=5)) == 10 * (3_000_000_000 + 600_000_000 + 3_000_000_000)


@pytest.mark.parametrize(
    ("flags", "slug"),
    [
        ({"users": 4, "rate": 5.0}, "excluded-options"),
        ({"total": 4, "duration": "5s"}, "excluded-options"),
        ({"generator": "wrk", "rate": 5.0}, "excluded-options"),
        ({"trials": 0}, "bad-setting"),
        ({"total": -1}, "bad-setting"),
    ],
)
def test_options_that_make_no_sense_are_refused(flags: dict[str, object], slug: str) -> None:
    with pytest.raises(UsageError) as caught:
        options(**flags)
    assert caught.value.slug == slug
