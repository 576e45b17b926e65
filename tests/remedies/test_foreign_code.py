"""Code that was not written for diag: every change of it is Python, and touches nothing but what it says."""

from __future__ import annotations

import ast
import importlib.util
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from remedy_cases import setting_of_text

from diag.analysis.source import Code, Line
from diag.finding import Cause, CauseShare, Confidence, Finding, Severity
from diag.remedies import propose
from diag.remedy import Proposal

# Installed with diag itself, and full of coroutines: frameworks, clients, servers.
PACKAGES = ("fastapi", "starlette", "httpx", "uvicorn", "anyio", "gunicorn", "hypercorn", "asgiref")
SITES = 120
CAUSES = {"blocked-loop": (Cause.WAITING, Cause.CPU_NO_GIL, Cause.CPU_GIL), "convoy": (Cause.CPU_GIL,)}


def files() -> Iterator[Path]:
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            yield from sorted(Path(spec.origin).parent.rglob("*.py"))


def calls_in_coroutines(text: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.AsyncFunctionDef):
            yield from sorted({inner.lineno for inner in ast.walk(node) if isinstance(inner, ast.Call)})


def chosen() -> list[tuple[Path, int, str, Cause]]:
    every = [
        (path, line)
        for path in files()
        if b"async def" in (data := path.read_bytes()) and len(data) < 60_000
        for line in calls_in_coroutines(data.decode())
    ]
    draw = random.Random(4)
    rules = [(rule, cause) for rule, causes in CAUSES.items() for cause in causes]
    sites = draw.sample(every, min(SITES, len(every)))
    return [(*site, *draw.choices(rules, weights=[4, 4, 4, 1])[0]) for site in sites]


def proposal(path: Path, line: int, rule: str, cause: Cause) -> tuple[str, Proposal]:
    text = path.read_text()
    code = Code({str(path): text}, (str(path.parent),))
    finding = Finding(
        rule=rule,
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        title="GET /",
        location=code.location(Line(str(path), line, code.function(str(path), line))),
        causes=(CauseShare(cause=cause, ns=1),),
    )
    return text, propose([finding], setting_of_text(text, path=str(path)))


def functions(text: str) -> dict[str, str]:
    """Every function outside of others, as a tree that says nothing of lines."""
    found: dict[str, str] = {}
    seen: Counter[str] = Counter()

    def collect(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                key = f"{prefix}{child.name}"
                seen[key] += 1
                found[f"{key} {seen[key]}"] = ast.dump(child)
            elif isinstance(child, ast.ClassDef):
                collect(child, f"{prefix}{child.name}.")
            else:
                collect(child, prefix)

    collect(ast.parse(text), "")
    return found


@pytest.fixture(scope="module")
def proposals() -> list[tuple[str, Proposal]]:
    return [proposal(*site) for site in chosen()]


def test_a_change_is_python_and_leaves_every_other_function_as_it_was(proposals):
    changes = 0
    for text, found in proposals:
        before = functions(text)
        for remedy in found.remedies:
            after = functions(remedy.edits[0].after)
            gone = {name for name in before if before[name] != after.get(name)}
            # The function itself; a lock that is made asynchronous, or turns, are taken elsewhere too.
            assert len(gone) <= 1 or remedy.name in ("native", "batch"), (remedy.id, gone)
            changes += 1
    assert changes > len(proposals)


def test_comments_and_lines_that_are_not_changed_stay(proposals):
    for text, found in proposals:
        for remedy in found.remedies:
            if remedy.name in ("to-thread", "native", "def-handler", "sleep-zero"):
                kept = set(remedy.edits[0].after.split("\n"))
                lost = [line for line in text.split("\n") if line not in kept]
                assert all("#" not in line or "(" in line or "def " in line for line in lost), remedy.diff


def test_a_refusal_gives_its_reason_and_the_change_by_hand(proposals):
    refusals = [one for _, found in proposals for one in found.refusals]
    assert refusals
    for one in refusals:
        assert one.reason.endswith(".")
        assert one.by_hand


def test_a_sample_of_the_diffs_applies_with_git(proposals, tmp_path):
    git = shutil.which("git")
    assert git is not None
    remedies = [(text, remedy) for text, found in proposals for remedy in found.remedies if remedy.expected]
    for text, remedy in random.Random(5).sample(remedies, 20):
        path = tmp_path / remedy.culprit.path
        path.write_text(text)
        subprocess.run([git, "apply", "-"], input=remedy.diff, text=True, cwd=tmp_path, check=True)
        assert path.read_text() == remedy.edits[0].after
