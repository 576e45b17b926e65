"""What the agent brings into a target."""

from __future__ import annotations

import json
from pathlib import Path

from watched import RUNNER, run

ROOT = str(Path(RUNNER).parents[2])
LIST = "import json, sys; print(json.dumps(sorted(sys.modules)))"
ASK = "import diag.agent; " + LIST


def test_importing_the_agent_brings_in_the_standard_library_and_itself_only(tmp_path: Path) -> None:
    done = run(["-c", ASK], tmp_path, {"PYTHONPATH": ROOT})
    names = {name for name in json.loads(done.stdout) if not name.startswith("diag.agent")}
    known = {*_standard(tmp_path), "diag"}
    assert [name for name in names if name.partition(".")[0] not in known] == []
    assert {name for name in names if name.partition(".")[0] == "diag"} == {"diag"}


def _standard(folder: Path) -> set[str]:
    ask = "import json, sys; print(json.dumps([*sys.stdlib_module_names, *sys.builtin_module_names, '__main__']))"
    site = run(["-c", LIST], folder, {"PYTHONPATH": ""})  # what .pth files import at every start
    return {*json.loads(run(["-c", ask], folder, {}).stdout), *json.loads(site.stdout)}


def test_files_beside_the_script_are_the_scripts_and_not_the_agents(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text("NAME = 'mine'")
    (tmp_path / "mmap.py").write_text("raise SystemExit('the agent has imported a file of the target')")
    (tmp_path / "program.py").write_text("import words; print(words.NAME)")
    done = run([RUNNER, "program.py"], tmp_path, {"DIAG_SPOOL": str(tmp_path)})
    assert (done.stdout, done.stderr) == ("mine\n", "")


def test_the_import_path_is_that_of_the_script_alone(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys; print(sys.path)")
    plain = run(["program.py"], tmp_path, {})
    watched = run([RUNNER, "program.py"], tmp_path, {"DIAG_SPOOL": str(tmp_path)})
    assert watched.stdout == plain.stdout
    safe = run(["-P", "program.py"], tmp_path, {})
    assert run(["-P", RUNNER, "program.py"], tmp_path, {"DIAG_SPOOL": str(tmp_path)}).stdout == safe.stdout


def test_without_a_spool_or_switched_off_nothing_is_touched(tmp_path: Path) -> None:
    ask = (
        "import asyncio.base_events, asyncio.events, signal, sys, gc\n"
        "before = asyncio.base_events.BaseEventLoop.run_forever, asyncio.events.Handle._run, signal.signal\n"
        "import diag.agent\n"
        "installed = diag.agent.install()\n"
        "after = asyncio.base_events.BaseEventLoop.run_forever, asyncio.events.Handle._run, signal.signal\n"
        "print(installed, before == after, len(gc.callbacks), diag.agent.wrap_asgi(ask := object()) is ask)"
    )
    for environment in ({}, {"DIAG_SPOOL": str(tmp_path), "DIAG_AGENT": "0"}, {"DIAG_SPOOL": "/nowhere"}):
        done = run(["-c", ask], tmp_path, {"PYTHONPATH": ROOT, **environment})
        assert done.stdout == "False True 0 True\n", (environment, done.stderr)


def test_uninstalling_leaves_nothing_behind(tmp_path: Path) -> None:
    ask = (
        "import asyncio, asyncio.base_events, asyncio.events, gc, signal, sys, uvloop\n"
        "def state(): return (asyncio.base_events.BaseEventLoop.run_forever, asyncio.events.Handle._run,\n"
        "    signal.signal, len(gc.callbacks), list(sys.meta_path), uvloop.Loop.run_forever, \n"
        "    uvloop.Loop.call_soon, uvloop.Loop.call_later)\n"
        "before = state()\n"
        "import diag.agent\n"
        "async def main(): await asyncio.sleep(0.01)\n"
        "for turn in range(2):\n"
        "    assert diag.agent.install()\n"
        "    assert state() != before\n"
        "    asyncio.run(main())\n"
        "    uvloop.run(main())\n"
        "    diag.agent.uninstall()\n"
        "    assert state() == before, turn\n"
        "asyncio.run(main())\n"
        "uvloop.run(main())\n"
    )
    done = run(["-c", ask], tmp_path, {"PYTHONPATH": ROOT, "DIAG_SPOOL": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")
