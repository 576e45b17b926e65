"""The generator's process: its conversation, its end, and what it leaves alone."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from diag.load.client import LoadError, LoadProcess
from diag.load.spec import Closed, Open, Request, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

MS = 1_000_000
S = 1_000_000_000
ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "diag.load.process"]


def _until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_conversation_by_hand(server: Any, make_spec: Any) -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(make_spec(server.port, load=Closed(users=2), total=9).to_json().encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {
            "event": "connected",
            "wanted": 2,
            "opened": 2,
            "notes": [],
        }
        before = time.monotonic_ns()
        process.stdin.write(b"start\n")
        process.stdin.flush()
        started = json.loads(process.stdout.readline())
        assert started["event"] == "started"
        assert before <= started["monotonic_ns"] <= time.monotonic_ns()
        done = json.loads(process.stdout.readline())
        assert done["event"] == "done"
        assert done["summary"]["requests"][0]["statuses"] == {"200": 9}
        assert process.wait(5) == 0


@pytest.mark.parametrize("started", [False, True])
def test_the_end_of_its_input_ends_it(server: Any, make_spec: Any, started: bool) -> None:
    load = LoadProcess(make_spec(server.port))
    load.wait_connected()
    if started:
        load.begin()
    process = load._process
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(5) == 3
    load.close()


def test_the_death_of_the_parent_ends_it(server: Any, make_spec: Any) -> None:
    code = (
        "import sys; from diag.load.client import LoadProcess; from diag.load.spec import LoadSpec\n"
        "load = LoadProcess(LoadSpec.from_json(sys.argv[1])); load.begin(); print(load.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    spec = make_spec(server.port, duration_ns=60 * S).to_json()
    command = [sys.executable, "-c", code, spec]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        generator = int(parent.stdout.readline())
        assert _alive(generator)
        parent.send_signal(signal.SIGKILL)
        parent.wait(5)
        _until(lambda: not _alive(generator))


def test_stop_ends_a_stream_without_duration(server: Any, make_spec: Any) -> None:
    with LoadProcess(make_spec(server.port, load=Closed(users=2))) as load:
        load.begin()
        _until(lambda: len(load.records()) > 3)
        assert load.poll() is None
        load.stop()
        result = load.result(10)
        assert result.answered == len(load.records())
        assert load.poll() is result


def test_a_second_stop_ends_the_draining(scripted: Any, make_spec: Any) -> None:
    def silent(sock: Any, _number: int) -> None:
        while sock.recv(65536):
            pass

    with LoadProcess(make_spec(scripted(silent).port, drain_ns=60 * S)) as load:
        load.begin()
        load.stop()
        load.stop()
        assert load.result(10).failed == 1


def test_records_can_be_read_while_it_runs(server: Any, make_spec: Any) -> None:
    with LoadProcess(make_spec(server.port, load=Open(rate=100), duration_ns=10 * S)) as load:
        load.begin()
        _until(lambda: len(load.records()) >= 5)
        assert {record.status for record in load.records()} == {200}
        assert load.poll() is None


def test_an_interrupt_from_the_keyboard_is_the_parents_to_handle(server: Any, make_spec: Any) -> None:
    with LoadProcess(make_spec(server.port, duration_ns=100 * MS)) as load:
        load.wait_connected()
        os.kill(load.pid, signal.SIGINT)
        load.begin()
        assert load.result(10).answered > 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores can be chosen on Linux only")
def test_it_can_be_pinned_to_a_core(server: Any, make_spec: Any) -> None:
    cpu = min(os.sched_getaffinity(0))
    with LoadProcess(make_spec(server.port, cpu=cpu)) as load:
        load.wait_connected()
        assert os.sched_getaffinity(load.pid) == {cpu}


def test_a_core_that_is_not_there_is_noted(server: Any, make_spec: Any) -> None:
    with LoadProcess(make_spec(server.port, cpu=4000, total=1)) as load:
        load.begin()
        assert "could not be pinned to core 4000" in load.result(10).notes[0]


@pytest.mark.parametrize("host", ["192.0.2.1", "0.0.0.0", "8.8.8.8"])
def test_only_loopback_is_driven(make_spec: Any, host: str) -> None:
    with LoadProcess(make_spec(80, host=host)) as load, pytest.raises(LoadError, match="not this machine"):
        load.wait_connected()


def test_systems_without_epoll_are_served_by_poll(server: Any, make_spec: Any) -> None:
    code = "import select, sys; del select.epoll; from diag.load.process import main; sys.exit(main())"
    closed = Stream(requests=(Request(),), load=Closed(users=3), total=50)
    opened = Stream(requests=(Request(),), load=Open(rate=200), total=20, keep_alive=False)
    events, status = _talk(make_spec(server.port, closed, opened), lambda: None, b"start\n", ["-c", code])
    assert [item["statuses"] for item in events[-1]["summary"]["requests"]] == [{"200": 50}, {"200": 20}]
    assert status == 0


def test_localhost_is_resolved_to_where_the_server_is(server: Any, run: Any) -> None:
    assert run(server.port, total=3, host="localhost")[0].answered == 3


def _limited(soft: int, hard: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _talk(
    spec: Any, limit: Callable[[], None], commands: bytes, code: Any = COMMAND[1:]
) -> tuple[list[dict[str, Any]], int]:
    process = subprocess.Popen(
        [sys.executable, *code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        preexec_fn=limit,  # noqa: PLW1509  # only setrlimit
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(spec.to_json().encode() + b"\n" + commands)
        process.stdin.flush()
        events = [json.loads(line) for line in process.stdout]
        return events, process.wait(5)


def test_the_descriptor_limit_is_raised_as_far_as_allowed(server: Any, make_spec: Any) -> None:
    spec = make_spec(server.port, load=Closed(users=100), total=100)
    events, status = _talk(spec, _limited(60, 200), b"start\n")
    assert [event["event"] for event in events] == ["connected", "started", "done"]
    assert (events[0]["opened"], status) == (100, 0)


def test_too_many_users_are_refused_with_the_reason(make_spec: Any) -> None:
    events, status = _talk(make_spec(1, load=Closed(users=100)), _limited(60, 60), b"")
    assert "needs 132 file descriptors and this process may have 60" in events[0]["reason"]
    assert (events[0]["event"], status) == ("failed", 1)


def test_a_wrong_spec_is_refused_by_field() -> None:
    answer = subprocess.run(
        COMMAND, input=b'{"port": 1, "streams": []}\n', stdout=subprocess.PIPE, cwd=ROOT, check=False
    )
    assert answer.returncode == 1
    assert "streams: expected at least one stream" in json.loads(answer.stdout)["reason"]


def test_no_module_outside_the_standard_library_is_loaded() -> None:
    code = (
        "import sys; before = set(sys.modules); import diag.load.process\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["diag"]


def test_modules_of_the_working_directory_do_not_get_in(
    server: Any, make_spec: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "random", "select", "socket"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with LoadProcess(make_spec(server.port, total=1)) as load:
        load.begin()
        assert load.result(10).answered == 1
