"""The runs that try remedies: their arrivals, their order, and what each of them changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from recordings import Scene
from tried import PLACE, result
from verdicts import BLOCKED

from diag import proving
from diag.finding import BlockRef, Severity
from diag.plan import HttpRequest, ServedApp, ServedUnit, ServePlan, ServerOptions, StreamPlan
from diag.recording import Attempt, Cell, Request, Run
from diag.remedy import Edit, Move, Remedy, ServerChange

MS = 1_000_000
START = 5_000 * MS


def get(route: str) -> HttpRequest:
    return HttpRequest(route=f"GET /{route}", method="GET", path=f"/{route}")


def request(route: str, at_ms: int, stream: str = "app") -> Request:
    at = START + at_ms * MS
    return Request(
        stream=stream, route=f"GET /{route}", port=1, intended_ns=at, sent_ns=at + MS, first_byte_ns=at + 2 * MS,
        done_ns=at + 2 * MS, status=200, body_bytes=1,
    )  # fmt: skip


PLAN = ServePlan(
    cell=Cell(label="shop", target="shop.py"),
    app=ServedApp(kind="app", file="/srv/shop.py"),
    server=ServerOptions(server="gunicorn-sync"),
    streams=(StreamPlan(name="app", requests=(get("a"), get("b"), get("c"), get("never")), users=10),),
)
RUN: Run = replace(
    Scene().recording().runs[0],
    load_started_ns=START,
    load_ended_ns=START + 4_000 * MS,
    requests=(
        request("a", -100, "warm-up"), request("b", 30), request("a", 0), request("c", 10), request("a", 1_499),
        request("b", 1_500), request("a", 3_000),
    ),
)  # fmt: skip


def culprit(*routes: str, left_out: tuple[str, ...] = ()) -> proving.Culprit:
    return proving.Culprit(
        number=2,
        finding=BLOCKED.findings[0],
        routes=frozenset(f"GET /{route}" for route in routes),
        left_out=frozenset(f"GET /{route}" for route in left_out),
    )


def sent(plan: ServePlan) -> list[tuple[int, str]]:
    """What is sent when, in ms."""
    found = []
    for stream in plan.streams:
        assert stream.schedule is not None
        for at, number in zip(stream.schedule.offsets_ns, stream.schedule.order, strict=True):
            found.append((at // MS, stream.requests[number].path[1:]))
    return found


def test_the_arrivals_are_those_recorded_as_far_as_a_trial_goes() -> None:
    """In order, from when they should have been sent; routes that nobody asked are not asked now."""
    plan = proving.original(PLAN, RUN, culprit("a"))
    assert sent(plan) == [(0, "a"), (10, "c"), (30, "b"), (1_499, "a")]
    assert [one.path for one in plan.streams[0].requests] == ["/a", "/b", "/c"]
    assert plan.streams[0].users == 0
    assert plan.overlay == {}
    assert plan.attempt == Attempt(culprit=2)
    assert plan.duration_ns == proving.TRIAL_NS


def test_routes_of_other_culprits_are_left_out() -> None:
    assert sent(proving.original(PLAN, RUN, culprit("a", left_out=("c",)))) == [
        (0, "a"),
        (30, "b"),
        (1_499, "a"),
    ]


def test_innocent_requests_come_when_they_would_if_they_are_alone() -> None:
    first = proving.original(PLAN, RUN, culprit("a"))
    alone = proving.innocent_alone(first, culprit("a"))
    assert alone is not None
    assert sent(alone) == [(10, "c"), (30, "b")]
    assert proving.innocent_alone(first, culprit("a", "b", "c")) is None
    assert proving.innocent_alone(first, culprit()) is None


def remedy(**values: object) -> Remedy:
    return replace(result("native", 1).remedy, **{"edits": (), **values})  # type: ignore[arg-type]


def test_a_remedy_changes_texts_in_memory() -> None:
    first = proving.original(PLAN, RUN, culprit("a"))
    changed = proving.remedied(
        first, remedy(edits=(Edit(path="/srv/shop.py", before_sha256="", after="x = 1\n"),))
    )
    assert changed.overlay == {"/srv/shop.py": "x = 1\n"}
    assert changed.attempt == Attempt(culprit=2, remedy="native@shop/report.py:88")
    assert changed.streams == first.streams
    assert changed.app == first.app


def test_a_workload_that_became_a_coroutine_is_awaited() -> None:
    """The others of its file are executed as before."""
    units = (
        ServedUnit(path="/work/a", function="a", strategy="blocking"),
        ServedUnit(path="/work/b", function="b", strategy="blocking"),
    )
    plan = replace(PLAN, app=ServedApp(kind="workload", file="/srv/work.py", units=units))
    text = "async def a():\n    pass\n\ndef b():\n    async def inner(): pass\n"
    changed = proving.remedied(plan, remedy(edits=(Edit(path="/srv/work.py", before_sha256="", after=text),)))
    assert [unit.strategy for unit in changed.app.units] == ["native", "blocking"]


def test_another_server_serves_the_same_files() -> None:
    change = ServerChange(server="gunicorn-gthread", workers=1, threads=8)
    changed = proving.remedied(PLAN, remedy(move=Move.SERVER, server=change))
    assert (changed.server.server, changed.server.workers, changed.server.threads) == (
        "gunicorn-gthread",
        1,
        8,
    )
    assert changed.cell.server == "gunicorn-gthread"
    assert changed.overlay == {}


def test_every_plan_has_its_turn_in_each_round() -> None:
    """In an order that the seed decides."""
    others = [replace(PLAN, attempt=Attempt(culprit=1, remedy=name)) for name in "ab"]
    first = replace(PLAN, attempt=Attempt(culprit=1))
    rounds = list(proving.schedule(first, others, 20, seed=1))
    assert rounds == list(proving.schedule(first, others, 20, seed=1))
    assert [plan.trial for plan in rounds] == [trial for trial in range(1, 21) for _ in range(3)]
    orders = {tuple(str(plan.attempt) for plan in rounds[at : at + 3]) for at in range(0, 60, 3)}
    assert len(orders) > 2
    assert set(Counter(str(plan.attempt) for plan in rounds).values()) == {20}


def test_the_most_promising_are_tried_and_one_that_is_not() -> None:
    """Unless names are given; what is left out is named."""
    made = [remedy(name=name, expected=name < "x") for name in ("a", "b", "c", "d", "x", "y")]
    chosen, others = proving.choose(made, ())
    assert [one.name for one in chosen] == ["a", "b", "x"]
    assert others == ("c", "d", "y")
    assert [one.name for one in proving.choose(made, ("d", "y"))[0]] == ["d", "y"]


def test_errors_with_a_line_are_culprits_and_each_leaves_out_the_others_routes() -> None:
    def finding(route: str, severity: Severity = Severity.ERROR, **values: object) -> object:
        block = BlockRef(run_id=1, lane_id=1, start_ns=1, end_ns=2, own_ns=1, route=route, causes=())
        fields = {"location": PLACE, **values}
        return replace(BLOCKED.findings[0], severity=severity, blocks=(block,), **fields)  # type: ignore[arg-type]

    verdict = replace(
        BLOCKED,
        findings=(
            finding("GET /a"), finding("GET /b"), finding("GET /c", Severity.WARNING), finding("", location=None),
        ),
    )  # fmt: skip
    first, second = proving.culprits(verdict)
    assert (first.number, first.routes, first.left_out) == (1, {"GET /a"}, {"GET /b"})
    assert (second.number, second.routes, second.left_out) == (2, {"GET /b"}, {"GET /a"})


@pytest.mark.parametrize(("remedies", "number"), [(1, 5), (3, 3), (9, 3)])
def test_there_are_as_many_trials_as_there_is_time_for(remedies: int, number: int) -> None:
    assert proving.trials(remedies) == number
