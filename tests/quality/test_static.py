"""How many of the corpus' blocking calls are found, and how much is found that is none."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from diag.finding import Severity
from diag.static import StaticOptions, analyse, hurting

CORPUS = Path(__file__).parent / "static_corpus"
WORKLOADS = Path(__file__).parents[2] / "workloads"
LEAST_RECALL = 0.95
MOST_FALSE = 0.03  # of all that is found, and of the negative cases


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    path: str
    missed: tuple[str, ...]
    expected: int
    false: tuple[str, ...]
    problems: int


def _judge(case: dict[str, object]) -> Judged:
    path = CORPUS / str(case["path"])
    analysis = analyse([path], StaticOptions(root=path if path.is_dir() else path.parent))
    wanted = set(case["blocks"])
    found = {
        (f"{one.call} {one.handler.title}", f"{one.call} {one.handler.name}") for one in hurting(analysis)
    }
    named = {name for names in found for name in names}
    return Judged(
        path=str(case["path"]),
        missed=tuple(sorted(wanted - named)),
        expected=len(wanted),
        false=tuple(sorted(names[0] for names in found if not wanted & set(names))),
        problems=len(analysis.problems) + len(analysis.unused),
    )


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    cases = tomllib.loads((CORPUS / "manifest.toml").read_text())["case"]
    return [_judge(one) for one in cases]


def test_corpus_is_large_and_half_negative(judged):
    """At least 120 cases, half of them with nothing to find, and no file without a place in the manifest."""
    assert len(judged) >= 120
    negative = sum(not one.expected for one in judged)
    assert 0.4 <= negative / len(judged) <= 0.6
    listed = {one.path for one in judged}
    assert {path.name for path in CORPUS.iterdir()} - {"manifest.toml"} == listed


def test_blocking_calls_are_found(judged):
    """Of the corpus' blocking calls at least 95 % are found, each with the handler that reaches it."""
    missed = {one.path: one.missed for one in judged if one.missed}
    total = sum(one.expected for one in judged)
    assert 1 - sum(map(len, missed.values())) / total >= LEAST_RECALL, missed


def test_little_else_is_found(judged):
    """At most 3 % of what is found is none, and at most 3 % of the negative cases have a finding."""
    false = {one.path: one.false for one in judged if one.false}
    found = sum(one.expected - len(one.missed) + len(one.false) for one in judged)
    assert sum(map(len, false.values())) / found <= MOST_FALSE, false
    negative = [one for one in judged if not one.expected]
    assert sum(bool(one.false) for one in negative) / len(negative) <= MOST_FALSE, false


def test_shipped_workloads_are_judged_as_they_measure():
    """Blocking calls are found at the line that blocks; no clean workload has one that hurts for certain.

    Pure computing, regular expressions and numpy arithmetic are no calls that block by nature.
    """
    lines = {
        "blocking_dns.py": "reply = resolver.recv(512)",
        "blocking_sleep.py": "time.sleep(seconds)",
        "file_read.py": "os.preadv(descriptor, [piece], offset)",
        "hash_without_gil.py": 'hashlib.pbkdf2_hmac("sha256"',
        "http_call.py": "answer = client.get(",
        "sqlite_query.py": "connection.execute(QUERY, (rows,))",
        "subprocess_run.py": 'subprocess.run(["sleep"',
    }
    found = hurting(analyse([WORKLOADS], StaticOptions(root=WORKLOADS)))
    for path, text in lines.items():
        assert (WORKLOADS / path).read_text().count(text) >= 1
        assert any(one.location.path == path and text in one.location.text for one in found), path
    clean = [one for one in found if one.location.path.startswith("clean/") and one.severity is Severity.ERROR]
    assert clean == []


def test_every_case_is_read(judged):
    """No case has a syntax error or a comment without effect."""
    assert [one.path for one in judged if one.problems] == []
