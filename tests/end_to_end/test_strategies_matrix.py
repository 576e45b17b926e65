"""Every strategy in every framework, really served: answers are right, calls overlap where they should."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import eventually, living

from diag.diagnose import explain
from diag.errors import ServerError
from diag.finding import Severity, Status, Verdict
from diag.frameworks import NAMES, get_framework
from diag.inspection import WorkloadInfo
from diag.plan import ServedApp, ServedUnit, ServerOptions
from diag.recording import LaneKind
from diag.servers import SERVERS, servers_for
from diag.servers.process import ServerProcess, start_server
from diag.settings import ExplainOptions
from diag.store import read_recording
from diag.strategies import STRATEGIES, get_strategy, unsuited

# Work that writes down when it begins and ends, and where: so what overlapped is known without a clock.
SEEN = """
import asyncio, os, threading, time

def note(what):
    with open("seen", "a") as file:
        file.write(f"{what} {os.getpid()} {threading.get_native_id()}\\n")

def work(seconds=0.05):
    note("begin")
    time.sleep(seconds)
    note("end")

async def work_async(seconds=0.05):
    note("begin")
    await asyncio.sleep(seconds)
    note("end")
"""
ONLY_SYNC = SEEN.partition("async def")[0]
Serve = Callable[..., ServerProcess]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serves a workload in some strategies, each at its own path."""
    with ExitStack() as stack:

        def served(framework: str, *strategies: str, source: str = SEEN, **more: Any) -> ServerProcess:
            (tmp_path / "unit.py").write_text(source)
            interface = get_framework(framework).interface
            server = {"server": servers_for(interface)[0].name, **more.pop("server", {})}
            folder = tmp_path / uuid.uuid4().hex[:8]
            folder.mkdir()
            app = ServedApp(
                kind="workload",
                file=str(tmp_path / "unit.py"),
                framework=framework,
                units=tuple(ServedUnit(path=f"/{s}", function="work", strategy=s) for s in strategies),
                interface=interface,
                sys_path=(str(tmp_path),),
                **more,
            )
            return stack.enter_context(
                start_server(
                    app, ServerOptions(**server), folder=folder, run_id=uuid.uuid4().hex, cwd=tmp_path
                )
            )

        yield served


def together(url: str, requests: int) -> list[int]:
    """The answers' statuses of requests sent at the same time, each on a connection of its own."""
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(httpx.get(url, timeout=30).status_code))
        for _ in range(requests)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def seen(folder: Path) -> list[tuple[str, int, int]]:
    """What the work wrote down: begin or end, process, thread."""
    lines = [line.split() for line in (folder / "seen").read_text().splitlines()]
    return [(what, int(pid), int(thread)) for what, pid, thread in lines]


def most_at_once(folder: Path) -> int:
    """How many calls had begun and not ended, at most."""
    now = most = 0
    for what, _, _ in seen(folder):
        now += 1 if what == "begin" else -1
        most = max(most, now)
    return most


def strategies_of(framework: str) -> list[str]:
    """Those that a framework's default server can execute."""
    found = get_framework(framework)
    server = servers_for(found.interface)[0]
    both = WorkloadInfo(name="work", functions=("work", "work_async"), has_sync=True, has_native=True)
    return [s.name for s in STRATEGIES if not s.applies(both, found) and not unsuited(s, found, server)]


@pytest.mark.parametrize("framework", NAMES)
def test_every_strategy_of_a_framework_answers_and_leaves_nothing_behind(
    framework: str, serve: Serve, tmp_path: Path
) -> None:
    names = strategies_of(framework)
    before = set(Path("/dev/shm").glob("sem.*"))
    server = serve(framework, *names, pool=1, together=2, server={"threads": 0})
    pids = server.pids()
    with httpx.Client(base_url=server.url, timeout=30) as client:
        for name in names:
            assert client.get(f"/{name}").json() == {"ok": True}
        assert client.get("/ping").json() == {"pong": True}
        assert client.get("/nowhere").status_code == 404
    calls = Counter(what for what, _, _ in seen(tmp_path))
    assert calls["begin"] == calls["end"] == len(names) + ("gather" in names)
    assert len(server.workers()) == 1  # a pool's processes are none
    elsewhere = {pid for _, pid, _ in seen(tmp_path)} - set(server.workers())
    assert len(elsewhere) == 1 if "process-pool" in names else not elsewhere
    server.stop()
    eventually(lambda: not living(pids))
    eventually(lambda: set(Path("/dev/shm").glob("sem.*")) <= before)


@pytest.mark.parametrize("framework", NAMES)
def test_what_the_work_raises_is_a_500_and_the_next_request_is_served(framework: str, serve: Serve) -> None:
    name = strategies_of(framework)[0]
    server = serve(framework, name, source="def work(): raise ZeroDivisionError('on purpose')")
    assert [httpx.get(f"{server.url}/{name}").status_code for _ in range(2)] == [500, 500]
    assert httpx.get(f"{server.url}/ping").json() == {"pong": True}
    assert "on purpose" in server.log_tail(200)


@pytest.mark.parametrize("framework", [name for name in NAMES if "gather" in strategies_of(name)])
@pytest.mark.parametrize(("source", "overlap"), [(SEEN, 3), (ONLY_SYNC, 1)], ids=["async def", "def"])
def test_gather_overlaps_what_awaits_and_nothing_else(
    framework: str, source: str, overlap: int, serve: Serve, tmp_path: Path
) -> None:
    server = serve(framework, "gather", source=source, together=3)
    assert httpx.get(f"{server.url}/gather").status_code == 200
    assert (most_at_once(tmp_path), len(seen(tmp_path))) == (overlap, 6)


@pytest.mark.parametrize(("pool", "overlap"), [(1, 1), (3, 3)])
def test_an_executor_runs_as_many_requests_at_once_as_it_has_threads(
    pool: int, overlap: int, serve: Serve, tmp_path: Path
) -> None:
    source = ONLY_SYNC.replace("seconds=0.05", "seconds=0.3")
    server = serve("fastapi", "run-in-executor", source=source, pool=pool)
    assert together(f"{server.url}/run-in-executor", 3) == [200] * 3
    assert most_at_once(tmp_path) == overlap


@pytest.mark.parametrize(
    ("framework", "strategy", "server", "overlap"),
    [
        ("fastapi", "blocking", {}, 1),
        ("fastapi", "native", {}, 3),
        ("asyncio", "blocking", {}, 1),
        ("asyncio", "native", {"loop": "uvloop"}, 3),
        ("asgi", "native", {}, 3),
        ("flask", "sync-handler", {"server": "gunicorn-sync"}, 1),
        ("flask", "loop-per-request", {"server": "gunicorn-sync"}, 1),
        ("flask", "loop-per-request", {"server": "gunicorn-gthread", "threads": 3}, 3),
        ("flask-async", "native", {"server": "gunicorn-sync"}, 1),
        ("flask-restful", "sync-handler", {"server": "werkzeug"}, 3),
        ("flask", "gevent", {"server": "gunicorn-gevent", "loop": "gevent"}, 3),
        ("flask", "process-pool", {"server": "gunicorn-gevent", "loop": "gevent"}, 3),
    ],
)
def test_requests_overlap_where_strategy_and_server_let_them(
    framework: str, strategy: str, server: dict[str, Any], overlap: int, serve: Serve, tmp_path: Path
) -> None:
    source = SEEN.replace("seconds=0.05", "seconds=0.3")
    running = serve(framework, strategy, source=source, server=server, pool=3)
    assert together(f"{running.url}/{strategy}", 3) == [200] * 3
    assert most_at_once(tmp_path) == overlap


@pytest.mark.parametrize("server", [s for s in SERVERS if s.name != "asyncio"], ids=lambda s: s.name)
def test_a_pool_serves_under_every_server_that_may_have_one(
    server: Any, serve: Serve, tmp_path: Path
) -> None:
    if unsuited(get_strategy("process-pool"), get_framework("flask"), server):
        with pytest.raises(ServerError) as caught:
            serve("asgi", "process-pool", pool=1, server={"server": server.name})
        assert "daemonic" in f"{caught.value.what} {caught.value.detail}"
        return
    framework = "asgi" if "asgi" in server.interfaces else "flask"
    loop = next(iter(server.loops), "asyncio")
    running = serve(framework, "process-pool", pool=1, server={"server": server.name, "loop": loop})
    pids = running.pids()
    assert httpx.get(f"{running.url}/process-pool").json() == {"ok": True}
    ((_, pid, _), _) = seen(tmp_path)
    assert pid not in running.workers()
    running.stop()
    eventually(lambda: not living(pids))


def explained(folder: Path, target: str | Path, **more: Any) -> Verdict:
    """A short run."""
    options = ExplainOptions(
        target=str(target),
        cwd=folder,
        output=folder / "run.diag",
        duration_ns=1_000_000_000,
        timeout_ns=30_000_000_000,
    )
    return explain(replace(options, **more))


CPU = Path(__file__).parents[2] / "workloads" / "cpu_pure_python.py"


def test_a_process_pool_keeps_computing_off_the_loop_and_its_processes_are_no_lanes(tmp_path: Path) -> None:
    verdict = explained(tmp_path, CPU, strategies=("process-pool",), users=2)
    assert verdict.status is Status.CLEAN
    assert not [finding for finding in verdict.findings if finding.severity is Severity.ERROR]
    (cell,) = verdict.cells
    assert cell.requests > 0
    assert cell.failed == 0
    (run,) = read_recording(tmp_path / "run.diag").runs
    assert {lane.kind for lane in run.lanes} == {LaneKind.ASYNCIO}
    assert len({lane.pid for lane in run.lanes}) == 1
    assert max(sample.processes for sample in run.samples) >= 3  # and what they cost is counted


@pytest.mark.parametrize("name", [s.name for s in STRATEGIES if s.name != "gevent"])
def test_explain_measures_a_strategy_that_is_asked_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "unit.py").write_text(
        "import asyncio, time\ndef work(): time.sleep(0.03)\nasync def work_async(): await asyncio.sleep(0.03)\n"
    )
    verdict = explained(tmp_path, "unit.py", strategies=(name,))
    (cell,) = verdict.cells
    assert (cell.label, cell.failed) == (name, 0)
    assert cell.requests > 10
    expected = Status.BLOCKED if name == "blocking" else Status.CLEAN
    assert verdict.status is expected


def test_loops_made_for_requests_share_few_lanes(tmp_path: Path) -> None:
    (tmp_path / "unit.py").write_text("import asyncio\nasync def work(): await asyncio.sleep(0.001)\n")
    explained(
        tmp_path,
        "unit.py",
        framework="flask",
        server="gunicorn-gthread",
        threads=2,
        strategies=("loop-per-request",),
    )
    (run,) = read_recording(tmp_path / "run.diag").runs
    assert sum(request.status == 200 for request in run.requests) > 60
    loops = [lane for lane in run.lanes if lane.kind is LaneKind.ASYNCIO]
    assert 1 <= len(loops) <= 2  # one for each thread at most, whatever the number of loops


@pytest.mark.parametrize(
    ("framework", "strategy", "work", "rule"),
    [
        ("flask", "loop-per-request", "await asyncio.sleep(0.03)", "held-worker"),
        ("flask", "loop-per-request", "time.sleep(0.03)", "blocked-loop"),
        ("flask-async", "native", "await asyncio.sleep(0.03)", "held-worker"),
        ("flask-async", "native", "time.sleep(0.03)", "blocked-loop"),
    ],
)
def test_a_loop_in_a_request_holds_its_worker_whether_it_awaits_or_blocks(
    framework: str, strategy: str, work: str, rule: str, tmp_path: Path
) -> None:
    (tmp_path / "unit.py").write_text(f"import asyncio, time\nasync def work():\n    {work}\n")
    verdict = explained(
        tmp_path, "unit.py", framework=framework, server="gunicorn-sync", strategies=(strategy,)
    )
    (found,) = [finding for finding in verdict.findings if finding.severity is Severity.ERROR]
    assert found.rule == rule
    assert found.location is not None
    if rule == "blocked-loop":
        assert (Path(found.location.path).name, found.location.line) == ("unit.py", 3)
    assert {victim.label for victim in found.victims} == {"GET /work", "GET /ping"}
    (cell,) = verdict.cells
    assert 0.3 < cell.blocked_share <= 1


def test_the_details_of_a_strategy_are_in_its_cell(tmp_path: Path) -> None:
    (tmp_path / "unit.py").write_text("def work(): ...\n")
    verdict = explained(tmp_path, "unit.py", strategies=("gather",), together=2, duration_ns=300_000_000)
    (cell,) = verdict.cells
    assert cell.note == "gather (2 × its def, in coroutines that never await)"
    assert get_strategy("gather").name == cell.label
