"""`diag check` on small projects: what counts, what is told in each format, and the exit codes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from junitparser import JUnitXml

from diag.cli import main

SHOP = """
import time
import helpers
from fastapi import FastAPI

app = FastAPI()

@app.get("/slow")
async def slow():
    return helpers.load("x")

@app.get("/nap")
async def nap():
    time.sleep(0.1)

@app.get("/health")
async def health():
    return 1
"""
HELPERS = """
import requests

def load(url):
    return fetch(url)

def fetch(url):
    return requests.get(url).json()
"""

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with an app that blocks twice, once two calls deep in another module."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP)
    (folder / "helpers.py").write_text(HELPERS)
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    monkeypatch.chdir(folder)
    return folder


def git(folder: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--no-verify", "-m", "x")


@pytest.fixture
def check(project: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `diag check` with some arguments: its exit code and what it prints."""

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["check", *arguments])
        out, err = capsys.readouterr()
        return code, out + err

    return run


def issues(check: Run, *arguments: str) -> list[dict]:
    """The issues of a check, as JSON has them."""
    return json.loads(check(*arguments, "--format", "json")[1])["issues"]


def test_a_folder_is_read_and_each_blocking_line_is_shown_with_the_way_to_it(check: Run):
    code, text = check(".")
    assert code == 1
    assert "source only, nothing was run" in text
    assert "✗ BLOCKING WAIT  GET /slow" in text
    assert "8 │ return requests.get(url).json()" in text
    hops = [line for line in text.splitlines() if line.strip().startswith("→")]
    assert [line.split()[-1] for line in hops] == ["shop.py:10", "helpers.py:5", "helpers.py:8"]
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_project_without_blocks_is_clean(check: Run, project: Path):
    (project / "shop.py").write_text("async def work():\n    return 1\n")
    (project / "helpers.py").unlink()
    assert check(".")[0] == 0


@pytest.mark.parametrize("source", [None, "x = 1\n", "def plain():\n    return 1\n"])
def test_an_empty_run_is_never_clean(check: Run, project: Path, source: str | None):
    for path in project.glob("*.py"):
        path.unlink()
    if source:
        (project / "plain.py").write_text(source)
    code, text = check(".")
    assert code == 2
    assert "COULD NOT TELL" in text


def test_a_file_that_does_not_parse_is_named_and_the_rest_is_checked(check: Run, project: Path):
    (project / "broken.py").write_text("def f(:\n")
    code, text = check(".")
    assert code == 1
    assert "broken.py:1" in text
    assert len(issues(check, ".")) == 2
    (project / "shop.py").write_text("async def work():\n    return 1\n")
    assert check(".")[0] == 2  # nothing found, but not everything read


def test_an_app_is_read_with_what_it_imports_and_not_run(check: Run, project: Path):
    (project / "shop.py").write_text("raise SystemExit('run')\n" + SHOP)
    assert {one["path"] for one in issues(check, "shop:app", "--static")} == {"shop.py", "helpers.py"}


def test_a_baseline_leaves_only_what_is_new_wherever_lines_move(check: Run, project: Path):
    assert check(".", "--write-baseline", "known.json")[0] == 0
    assert check(".", "--baseline", "known.json")[0] == 0
    (project / "shop.py").write_text("# a line\n# another\n" + SHOP)
    code, text = check(".", "--baseline", "known.json")
    assert code == 0
    assert "no new issue" in text
    (project / "more.py").write_text("import time\nasync def more():\n    time.sleep(1)\n")
    assert check(".", "--baseline", "known.json")[0] == 1
    assert [one["path"] for one in issues(check, ".", "--baseline", "known.json")] == ["more.py"]
    (project / "helpers.py").write_text("def load(url):\n    return url\n")
    assert "1 of the baseline no longer found" in check(".", "--baseline", "known.json")[1]


@pytest.mark.parametrize("text", [None, "[]", '{"format": 99}', "not json"])
def test_a_baseline_that_is_none_is_said_so(check: Run, project: Path, text: str | None):
    if text is not None:
        (project / "known.json").write_text(text)
    code, said = check(".", "--baseline", "known.json")
    assert code == 2
    assert "--write-baseline" in said


def test_a_diff_counts_what_it_touches_and_what_reaches_it(check: Run, project: Path):
    (project / "helpers.py").write_text(HELPERS.replace("return fetch(url)", "return fetch(url + '')"))
    assert [one["handler"] for one in issues(check, ".", "--diff", "HEAD")] == ["GET /slow"]
    assert "1 that the change does not reach" in check(".", "--diff", "HEAD")[1]


def test_a_change_of_nothing_that_blocks_is_clean_and_a_new_file_is_a_change(check: Run, project: Path):
    (project / "shop.py").write_text(SHOP.replace("return 1", "return 2"))
    assert check(".", "--diff", "HEAD")[0] == 0
    (project / "more.py").write_text("import time\nasync def more():\n    time.sleep(1)\n")
    assert [one["path"] for one in issues(check, ".", "--diff", "HEAD")] == ["more.py"]


def test_a_branch_is_compared_with_where_it_began(check: Run, project: Path):
    git(project, "checkout", "-q", "-b", "feature")
    (project / "more.py").write_text("import time\nasync def more():\n    time.sleep(1)\n")
    commit(project)
    git(project, "checkout", "-q", "main")
    (project / "shop.py").write_text(SHOP.replace("0.1", "0.2"))
    commit(project)
    git(project, "checkout", "-q", "feature")
    assert [one["path"] for one in issues(check, ".", "--diff", "main")] == ["more.py"]


@pytest.mark.parametrize("revision", ["no-such-branch", "--output=/tmp/x"])
def test_a_revision_that_is_none_is_said_so(check: Run, revision: str):
    code, text = check(".", f"--diff={revision}")
    assert code == 2
    assert "There is no revision" in text


def test_what_is_less_severe_is_counted_and_shown_on_request(check: Run, project: Path):
    (project / "shop.py").write_text("import os\nasync def work():\n    return os.getcwd()\n")
    code, text = check("shop.py")
    assert code == 0
    assert "1 less severe or less sure" in text
    assert check("shop.py", "--min-severity", "info", "--min-confidence", "low")[0] == 1


def test_settings_come_from_the_table_of_the_command(check: Run, project: Path):
    (project / "pyproject.toml").write_text(
        dedent("""
        [tool.diag.check]
        targets = ["shop.py"]
        harmless = ["time.sleep", "requests.*"]
        [tool.diag.check.blocking]
        "vendor.client.fetch" = "vendor.aio.fetch"
        """)
    )
    assert check()[0] == 0
    (project / "shop.py").write_text("from vendor import client\nasync def f():\n    client.fetch()\n")
    code, text = check()
    assert code == 1
    assert "vendor.aio.fetch" in text
    (project / "pyproject.toml").write_text("[tool.diag.check]\nharmles = []\n")
    code, text = check()
    assert code == 2
    assert "Perhaps 'harmless' was meant" in text


def test_an_allowance_is_counted_and_one_without_effect_reported(check: Run, project: Path):
    source = SHOP.replace("time.sleep(0.1)", "time.sleep(0.1)  # diag: allow time.sleep - a test")
    (project / "shop.py").write_text(source + "\nx = 1  # diag: allow os.read - never\n")
    text = check(".")[1]
    assert "1 allowed by comments" in text
    assert "os.read" in text


def test_annotations_of_github_stand_at_the_line_and_are_escaped(check: Run, project: Path):
    (project / "odd,na:me%.py").write_text(
        'import time\nasync def f():\n    time.sleep(1); "100% \\x1b[31m ::error::"\n'
    )
    lines = check(".", "--format", "github")[1].splitlines()
    at_line = [line for line in lines if "file=shop.py,line=14," in line]
    assert len(at_line) == 1
    assert at_line[0].startswith("::error file=shop.py,line=14,endLine=14,col=5,endColumn=20,title=")
    odd = next(line for line in lines if "odd" in line)
    assert "file=odd%2Cna%3Ame%25.py," in odd
    assert "\x1b" not in odd
    message = odd.partition("::")[2].partition("::")[2]
    assert "%0A" in message
    assert "100%25 " in message


def test_junit_has_a_case_for_each_function_on_the_loop(check: Run, project: Path):
    check(".", "--format", "junit=diag.xml")
    (suite,) = JUnitXml.fromfile(str(project / "diag.xml"))
    results = {case.name: [one.message for one in case.result] for case in suite}
    assert set(results) == {"GET /slow", "GET /nap", "GET /health"}
    assert results["GET /health"] == []
    assert "requests.get" in results["GET /slow"][0]
    assert (suite.tests, suite.failures, suite.errors) == (3, 2, 0)


def test_junit_fails_where_nothing_could_be_told(check: Run, project: Path):
    for path in project.glob("*.py"):
        path.write_text("x = '\\x00\x0b'\n")
    check(".", "--format", "junit=diag.xml")
    (suite,) = JUnitXml.fromfile(str(project / "diag.xml"))
    assert suite.errors == 1


def test_codeclimate_has_what_gitlab_reads(check: Run):
    found = json.loads(check(".", "--format", "codeclimate")[1])
    assert {one["location"]["path"] for one in found} == {"shop.py", "helpers.py"}
    assert {one["location"]["lines"]["begin"] for one in found} == {14, 8}
    assert len({one["fingerprint"] for one in found}) == 2
    assert all(one["severity"] in {"info", "minor", "major", "critical", "blocker"} for one in found)


def test_several_formats_go_to_several_places(check: Run, project: Path):
    code, text = check(".", "--format", "terminal", "--format", "sarif=a.sarif", "--format", "json=a.json")
    assert code == 1
    assert "BLOCKING WAIT" in text
    assert json.loads((project / "a.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((project / "a.json").read_text())["exit_code"] == 1
    assert check(".", "--format", "json", "--format", "sarif")[0] == 2


def test_hostile_text_does_nothing_to_the_terminal(check: Run, project: Path):
    (project / "shop.py").write_text('import time\nasync def f():\n    time.sleep(1); "\x1b[31m\u202e"\n')
    text = check("shop.py")[1]
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize(
    "arguments", [("nowhere.py",), ("no.such.module:app",), (".", "--budget", "block=x")]
)
def test_what_cannot_be_checked_is_explained(check: Run, arguments: tuple[str, ...]):
    code, text = check(*arguments)
    assert code == 2
    assert "error:" in text
    assert "Traceback" not in text


def test_what_was_read_is_kept_for_the_next_check_unless_told_otherwise(
    check: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cache = tmp_path / "kept"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    first = check("--no-cache", ".")
    assert not cache.exists()
    assert check(".") == first
    assert list(cache.rglob("*.sqlite"))
    assert check(".") == first
