"""Every workload that blocks gets the remedy that its cause asks for, and is a clean workload with it."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import sys
from pathlib import Path

import pytest
from remedy_cases import setting_of_text

from diag.analysis.source import Code, Line
from diag.finding import Cause, CauseShare, Confidence, Finding, Severity
from diag.frameworks.workloads import find_workloads
from diag.remedies import propose
from diag.remedy import Move, Remedy
from diag.workload import Blocks, Clean, find_line

WORKLOADS = Path(__file__).parents[2] / "workloads"
SCALED = {"seconds": 0.001, "count": 100, "rows": 100, "letters": 5, "rounds": 10, "size": 4, "passes": 2, "steps": 3,
          "mebibytes": 4}  # fmt: skip

# The remedy that is proposed first for each cause; those below it may help as well.
FIRST = {
    "blocking_dns": ("native", Move.AWAIT),
    "blocking_sleep": ("native", Move.AWAIT),
    "convoy": ("batch", Move.SPLIT),
    "cpu_pure_python": ("process-pool", Move.PROCESS),
    "file_read": ("to-thread", Move.THREAD),
    "hash_without_gil": ("to-thread", Move.THREAD),
    "http_call": ("native", Move.AWAIT),
    "json_dumps": ("process-pool", Move.PROCESS),
    "lock_contention": ("to-thread", Move.THREAD),
    "numpy_elementwise": ("to-thread", Move.THREAD),
    "numpy_matmul": ("to-thread", Move.THREAD),
    "regex_backtracking": ("cheaper", Move.CHEAPER),
    "sqlite_query": ("to-thread", Move.THREAD),
    "subprocess_run": ("native", Move.AWAIT),
}


def loaded(path: Path):
    sys.path.insert(0, str(path.parent))  # the processes of a pool find the module by its name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    (unit,) = find_workloads(module)
    return module, unit


@pytest.fixture(autouse=True)
def _no_module_stays(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in (set(sys.modules) - before) & {*FIRST, "computed", "unit"}:
        del sys.modules[name]


def proposed(path: Path, expect: Blocks) -> tuple[Remedy, ...]:
    text = path.read_text()
    code = Code({str(path): text}, (str(path.parent),))
    line = find_line(text, expect.at)
    finding = Finding(
        rule="convoy" if expect.convoy else "blocked-loop",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        title="GET /work",
        location=code.location(Line(str(path), line, code.function(str(path), line))),
        causes=(CauseShare(cause=Cause(expect.cause), ns=1),),
    )
    return propose([finding], setting_of_text(text, target_kind="workload", path=str(path))).remedies


def called(unit) -> object:
    params = {name: SCALED[name] for name in unit.forms.params}
    if unit.forms.native is not None and unit.forms.sync is None:
        return asyncio.run(unit.forms.native(**params))
    return unit.forms.sync(**params)


def test_every_blocking_workload_is_known_here():
    blocking = {path.stem for path in WORKLOADS.glob("*.py") if "diag.Blocks(" in path.read_text()}
    assert blocking == set(FIRST)


@pytest.mark.parametrize("name", sorted(FIRST))
def test_the_first_remedy_fits_the_cause_and_leaves_a_clean_workload_of_the_same_result(name, tmp_path):
    path = tmp_path / f"{name}.py"
    path.write_text((WORKLOADS / f"{name}.py").read_text())
    _, unit = loaded(path)
    original = called(unit)
    remedies = proposed(path, unit.info.expect)
    assert (remedies[0].name, remedies[0].move) == FIRST[name]
    for number, remedy in enumerate(one for one in remedies if one.expected):
        fixed = tmp_path / f"fixed{number}" / f"{name}.py"
        fixed.parent.mkdir()
        fixed.write_text(remedy.edits[0].after)
        _, again = loaded(fixed)
        assert isinstance(again.info.expect, Clean)
        assert not again.info.has_sync
        if remedy.move is not Move.PROCESS:  # starting processes takes long: a test below does, for all
            assert called(again) == original


@pytest.mark.parametrize("name", sorted(FIRST))
def test_a_remedy_that_its_cause_speaks_against_comes_last_and_keeps_the_expectation(name, tmp_path):
    path = tmp_path / f"{name}.py"
    path.write_text((WORKLOADS / f"{name}.py").read_text())
    _, unit = loaded(path)
    remedies = proposed(path, unit.info.expect)
    expected = [one.expected for one in remedies]
    assert expected == sorted(expected, reverse=True)
    assert not expected[-1]
    assert "diag.Blocks(" in remedies[-1].edits[0].after


PLAIN = '''\
"""A learner's first file."""

import time


def work():
    """Waits."""
    # for a while
    time.sleep(0.001)
    return 7


def more(times=2):
    for _ in range(times):
        work()
'''


def remedies_of(tmp_path, text: str, line: int, cause: str) -> dict[str, Remedy]:
    path = tmp_path / "unit.py"
    path.write_text(text)
    code = Code({str(path): text}, (str(path.parent),))
    finding = Finding(
        rule="blocked-loop",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        title="GET /work",
        location=code.location(Line(str(path), line, code.function(str(path), line))),
        causes=(CauseShare(cause=Cause(cause), ns=1),),
    )
    found = propose([finding], setting_of_text(text, target_kind="workload", path=str(path)))
    return {one.name: one for one in (*found.remedies, *found.refusals)}


def test_a_plain_function_becomes_a_coroutine_where_its_line_can_be_awaited(tmp_path):
    text = PLAIN.partition("\n\ndef more")[0]
    after = remedies_of(tmp_path, text, 9, "waiting")["native"].edits[0].after
    assert after == text.replace("import time", "import asyncio\nimport time").replace(
        "def work", "async def work"
    ).replace("time.sleep", "await asyncio.sleep")


def test_a_plain_function_keeps_its_body_under_a_private_name_where_it_goes_to_a_process(tmp_path):
    text = "def work(n=3, *, k=1):\n    return sum(i * k for i in range(n))  # adds\n"
    after = remedies_of(tmp_path, text, 2, "on-cpu-gil")["process-pool"].edits[0].after
    path = tmp_path / "computed.py"
    path.write_text(after)
    module, unit = loaded(path)
    assert not unit.info.has_sync
    assert asyncio.run(module.work(4, k=2)) == 12
    assert inspect.signature(module.work) == inspect.signature(module._work)
    assert "  # adds\n" in after
    module._process_pool().shutdown()


def test_a_function_that_another_one_calls_is_not_made_a_coroutine(tmp_path):
    found = remedies_of(tmp_path, PLAIN, 9, "waiting")
    assert found["native"].reason == "Line 15 uses work as well, and would have to await it."
    assert found["to-thread"].reason == found["native"].reason
