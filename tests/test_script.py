"""Scripts are run as they are, and end with all that they started."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from served import eventually, living

from diag.plan import ScriptPlan
from diag.probes.observer import Observer
from diag.reap import run_pids
from diag.recording import Cell
from diag.script import ScriptEnd, run_script


@pytest.fixture
def observer() -> Iterator[Observer]:
    with Observer(f"test-{uuid.uuid4().hex}", py_spy=False) as found:
        yield found


def _plan(folder: Path, source: str, *args: str, timeout_s: float = 30) -> ScriptPlan:
    path = folder / "script.py"
    path.write_text(dedent(source))
    cell = Cell(label="script", target=str(path))
    return ScriptPlan(cell=cell, path=str(path), args=args, cwd=folder, timeout_ns=int(timeout_s * 1e9))


@pytest.mark.parametrize(
    ("source", "failure"),
    [
        ("pass", ""),
        ("raise SystemExit(3)", "the script exited with code 3"),
        ("1 / 0", "the script exited with code 1"),
        ("import os; os.abort()", "the script died of SIGABRT"),
    ],
)
def test_how_a_script_ended_is_said(tmp_path: Path, observer: Observer, source: str, failure: str) -> None:
    assert run_script(_plan(tmp_path, source), observer, lambda: None) == ScriptEnd(failure=failure)


def test_arguments_folder_and_output_are_the_scripts(
    tmp_path: Path, observer: Observer, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data.txt").write_text("of its folder")
    source = "import sys; print(sys.argv[1:], open('data.txt').read())"
    assert run_script(_plan(tmp_path, source, "--a", "b c"), observer, lambda: None) == ScriptEnd()
    out, err = capfd.readouterr()
    assert (out, err) == ("", "['--a', 'b c'] of its folder\n")


def test_a_script_that_never_ends_is_interrupted_and_may_tidy_up(tmp_path: Path, observer: Observer) -> None:
    source = """
    import time
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        open("tidied", "w").close()
    """
    end = run_script(_plan(tmp_path, source, timeout_s=1), observer, lambda: None)
    assert "still running after 1 s" in end.notes[0].text
    assert (tmp_path / "tidied").exists()


def test_a_script_that_ignores_everything_is_killed(tmp_path: Path, observer: Observer) -> None:
    source = """
    import os, signal, time
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    while True: time.sleep(1)
    """
    end = run_script(_plan(tmp_path, source, timeout_s=0.5), observer, lambda: None)
    assert [note.slug for note in end.notes] == ["script-timeout"]
    assert run_pids(observer.run_id) - {_watcher_pid(observer)} == set()


def test_a_script_that_serves_is_told_apart(tmp_path: Path, observer: Observer) -> None:
    source = """
    import socket, time
    listening = socket.create_server(("127.0.0.1", 0))
    time.sleep(60)
    """
    end = run_script(_plan(tmp_path, source, timeout_s=1), observer, lambda: None)
    assert [note.slug for note in end.notes] == ["script-timeout", "script-serves"]


def test_what_a_script_leaves_running_is_ended(tmp_path: Path, observer: Observer) -> None:
    source = """
    import subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    open("pid", "w").write(str(child.pid))
    """
    run_script(_plan(tmp_path, source), observer, lambda: None)
    eventually(lambda: not living([int((tmp_path / "pid").read_text())]))


def test_an_interrupt_ends_the_script_and_goes_up(tmp_path: Path, observer: Observer) -> None:
    source = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    ticks = []

    def tick() -> None:
        ticks.append(1)
        if (tmp_path / "pid").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_script(_plan(tmp_path, source), observer, tick)
    assert ticks
    assert not living([int((tmp_path / "pid").read_text())])


def test_what_is_piped_into_diag_is_the_scripts(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import sys; print(sys.stdin.read().upper())")
    code = (
        "import sys; from pathlib import Path; from diag.plan import ScriptPlan; from diag.recording import Cell\n"
        "from diag.probes.observer import Observer; from diag.script import run_script\n"
        "plan = ScriptPlan(cell=Cell(label='', target=''), path='script.py', args=(), cwd=Path('.'), timeout_ns=10**10)\n"
        "with Observer('test-stdin', py_spy=False) as observer: run_script(plan, observer, lambda: None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, input="typed", text=True, capture_output=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert done.stderr == "TYPED\n"


def test_a_module_is_run_as_one(
    tmp_path: Path, observer: Observer, capfd: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "tool"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "part.py").write_text("NAME = 'part'")
    (package / "__main__.py").write_text("from .part import NAME; import sys; print(NAME, sys.argv[1:])")
    plan = ScriptPlan(
        cell=Cell(label="", target=""), path=str(package / "__main__.py"), args=("x",), cwd=tmp_path,
        timeout_ns=10**10, module="tool.__main__", folder=str(tmp_path),
    )  # fmt: skip
    assert run_script(plan, observer, lambda: None) == ScriptEnd()
    assert capfd.readouterr().err == "part ['x']\n"


def _watcher_pid(observer: Observer) -> int:
    assert observer._watcher is not None
    return observer._watcher.pid
