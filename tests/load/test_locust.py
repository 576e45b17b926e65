"""A real Locust master with two workers on loopback makes the load, and its figures land in the recording."""

from __future__ import annotations

import http.server
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import eventually

from diag.comparing import compare_options
from diag.diagnose import compare
from diag.errors import DiagError
from diag.load.client import LoadError
from diag.load.external import ToolLoad, ToolResult
from diag.load.locust import drive_locust
from diag.load.locust_master import Master, is_remote, reachable_from
from diag.plan import HttpRequest
from diag.store import read_recording

LOCUSTFILE = """
from locust import HttpUser, constant, task

class Caller(HttpUser):
    wait_time = constant(0.005)

    @task(9)
    def work(self):
        self.client.get("/work")

    @task(1)
    def missing(self):
        self.client.get("/missing")
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Swarm:
    """A master, and workers once they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "locustfile.py").write_text(LOCUSTFILE)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.start("--master", "--master-bind-host=127.0.0.1", f"--master-bind-port={self.port}",
                   "--web-host=127.0.0.1", f"--web-port={self.url.rpartition(':')[2]}")  # fmt: skip

    def start(self, *arguments: str) -> None:
        with (self.folder / f"log-{len(self.processes)}").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "locust", "-f", "locustfile.py", *arguments],
                    cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
            )  # fmt: skip

    def add_workers(self, number: int) -> None:
        for _ in range(number):
            self.start("--worker", "--master-host=127.0.0.1", f"--master-port={self.port}")
        with Master(self.url) as master:
            eventually(lambda: len(master.state().busy) == number, 40)


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    found = Swarm(tmp_path_factory.mktemp("swarm"))
    try:
        with Master(found.url) as master:
            eventually(lambda: answers(master), 40)
            assert "no worker is connected" in (master.refuses(load()) or "")
        found.add_workers(2)
        yield found
    finally:
        for process in reversed(found.processes):
            process.terminate()
        for process in found.processes:
            process.wait(20)


def answers(master: Master) -> bool:
    try:
        master.state()
    except LoadError:
        return False
    return True


def load(**changes: object) -> ToolLoad:
    values: dict[str, object] = {
        "request": HttpRequest(route="GET /work", method="GET", path="/work"),
        "stream": "work",
        "port": 1,
        "users": 3,
        "duration_ns": 1_000_000_000,
    }
    return ToolLoad(**(values | changes))  # type: ignore[arg-type]


class Target(http.server.BaseHTTPRequestHandler):
    """Answers /work and nothing else, and counts."""

    seen = 0
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        Target.seen += 1
        found = self.path == "/work"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def target() -> Iterator[str]:
    Target.seen = 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def driven(swarm: Swarm, target: str, *, lives: bool = True) -> ToolResult | None:
    moments: list[int] = []
    with Master(swarm.url) as master:
        result = drive_locust(
            master,
            load(),
            target=target,
            alive=lambda: lives,
            began=moments.append,
            ended=moments.append,
            beat=lambda part: moments.append(int(0 <= part <= 1)),
        )
        assert master.refuses(load()) is None  # it is free again
    assert 0 < moments[0] < moments[-1]
    assert all(moments[1:-1])
    return result


def test_every_request_of_both_workers_is_in_the_sums(swarm: Swarm, target: str) -> None:
    result = driven(swarm, target)
    assert result is not None
    totals = result.totals
    assert (totals.stream, totals.generator) == ("work", "locust")
    told = totals.answered + totals.failed
    assert 0 <= Target.seen - told <= load().users  # Locust forgets what is under way when it stops
    assert 0 < totals.failed < totals.answered  # one in ten asks for what is not there
    assert totals.body_bytes == 5 * told
    assert 0 < totals.min_ns <= totals.mean_ns <= totals.max_ns
    values = [one.ns for one in totals.percentiles]
    assert values == sorted(values)
    assert {50.0, 99.0, 99.9, 100.0} <= {one.percent for one in totals.percentiles}
    assert any("GET /missing" in note and "404" in note for note in result.notes)
    assert "What Locust's 2 workers sent is their locustfile's" in result.notes[-1]


def test_users_are_stopped_when_the_server_has_died(swarm: Swarm, target: str) -> None:
    assert driven(swarm, target, lives=False) is None


def test_a_comparison_is_made_with_it(swarm: Swarm, tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text("def work(): pass\n")
    flags = {
        "select": ("framework=flask,server=waitress,strategy=sync-handler",),
        "generator": "locust",
        "master": swarm.url.removeprefix("http://"),
        "trials": 1,
        "users": 2,
        "duration": "1s",
        "output": str(tmp_path / "c.diag"),
    }
    found = compare(compare_options((str(tmp_path / "work.py"),), flags))
    ((cell,),) = (contest.cells for contest in found.contests)
    assert cell.throughput is not None
    assert cell.throughput.value > 0
    assert cell.failed > 0
    assert "by locust" in cell.load
    (run,) = read_recording(tmp_path / "c.diag").runs
    assert [one.generator for one in run.streams] == ["diag", "locust"]  # its warm-up is diag's


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"total": 100}, "use --duration"),
        ({"http": "1.0"}, "leave --http and --connection out"),
        ({"keep_alive": False}, "leave --http and --connection out"),
        ({"users": 0}, "use --users"),
    ],
)
def test_loads_that_locust_does_not_make_are_refused(changes: dict[str, object], words: str) -> None:
    with Master("http://127.0.0.1:1") as master:
        assert words in (master.refuses(load(**changes)) or "")


def test_no_master_and_what_is_no_master_are_told_apart(target: str) -> None:
    with Master(f"http://127.0.0.1:{free_port()}") as master:
        assert "does not answer" in (master.refuses(load()) or "")
    with Master(target) as master:
        assert "404" in (master.refuses(load()) or "")
    with Master("http://exa mple/") as master:
        assert "does not answer" in (master.refuses(load()) or "")


def test_only_a_master_elsewhere_needs_another_address_than_loopback() -> None:
    assert not is_remote("http://localhost:8089")
    assert is_remote("http://192.0.2.7:8089")
    assert reachable_from("http://127.0.0.1:8089") == "127.0.0.1"


def test_a_master_without_its_generator_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text("def work(): pass\n")
    with pytest.raises(DiagError) as caught:
        compare_options((str(tmp_path / "work.py"),), {"master": "127.0.0.1:8089", "generator": "wrk"})
    assert caught.value.slug == "excluded-options"
