"""`diag fix`: recommended changes shown as diffs that git takes, written when asked, and never over other work."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from tried import TRIED, result
from verdicts import BLOCKED, CLEAN, UNMEASURED

from diag import diagnose
from diag.analysis.source import Code, Line
from diag.cli import main
from diag.finding import Cause, CauseShare, Confidence, Finding, Severity, Verdict
from diag.recording import Machine, Meta
from diag.remedies import propose
from diag.remedy import Move, ServerChange, Setting, Tried
from diag.store import RecordingWriter

META = Meta(
    schema_version=1,
    diag_version="0.1.0",
    argv=("diag",),
    target="app",
    target_kind="app",
    roots=(),
    created_utc="2026-11-20T08:00:00Z",
    seed=0,
    threshold_ns=10_000_000,
    machine=Machine(python="3.11.2", implementation="CPython", platform="Linux", cores=2, memory_bytes=1),
)
APP = dedent("""\
    import time

    from fastapi import FastAPI

    app = FastAPI()


    @app.get("/a")
    async def a():
        time.sleep(0.1)  # for the printer
        return 1


    @app.get("/b")
    async def b():
        total = 0
        for number in range(100):
            total += number * number
        return total
""")


class Project:
    """An application, a recording of it, and what `explain_and_try` is made to give."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.app = folder / "my app.py"
        self.app.write_text(APP)
        self.recording = folder / "app.diag"
        meta = dataclasses.replace(META, roots=(str(folder),))
        with RecordingWriter(self.recording, meta) as writer:
            writer.add_source(str(self.app), APP)
        self.verdict: Verdict = BLOCKED
        self.tried: tuple[Tried, ...] = (self.tried_on(10, Cause.WAITING, "native"),)
        self.interrupted = False
        monkeypatch.setattr(diagnose, "explain_and_try", self.explained)

    def explained(self, *_: object, **__: object) -> diagnose.Explained:
        verdict = dataclasses.replace(self.verdict, recording=str(self.recording))
        return diagnose.Explained(verdict=verdict, tried=self.tried, interrupted=self.interrupted)

    def tried_on(self, line: int, cause: Cause, name: str, *, recommended: bool = True) -> Tried:
        path = str(self.app)
        code = Code({path: APP}, (str(self.folder),))
        finding = Finding(
            rule="blocked-loop",
            severity=Severity.ERROR,
            confidence=Confidence.HIGH,
            title=f"GET /{name}",
            location=code.location(Line(path, line, code.function(path, line))),
            causes=(CauseShare(cause=cause, ns=1),),
        )
        setting = Setting(
            root=str(self.folder), target_kind="app", framework="fastapi", server="uvicorn", loop="asyncio",
            workers=1, threads=0, cores=2, sources={path: APP},
        )  # fmt: skip
        (remedy,) = propose([finding], setting, [name]).remedies
        measured = result(name, 14, recommended=recommended)
        measured = dataclasses.replace(measured, remedy=remedy)
        return dataclasses.replace(TRIED, culprit=remedy.culprit, results=(measured,))


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Project(folder, monkeypatch)


def test_a_diff_is_shown_with_its_reason_and_nothing_is_written(project, capsys):
    assert main(["fix", "app.diag"]) == 0
    out = capsys.readouterr().out
    assert "native was measured." in out
    assert "-    time.sleep(0.1)  # for the printer" in out
    assert "+    await asyncio.sleep(0.1)  # for the printer" in out
    assert project.app.read_text() == APP
    assert sorted(path.name for path in project.folder.iterdir()) == ["app.diag", "my app.py"]


def test_what_is_printed_can_be_piped_into_git_apply(project, capsys):
    project.tried += (project.tried_on(18, Cause.CPU_GIL, "process-pool"),)
    main(["fix", "app.diag"])
    out = capsys.readouterr().out
    subprocess.run(["git", "apply", "-"], input=out, text=True, cwd=project.folder, check=True)
    applied = project.app.read_text()
    project.app.write_text(APP)
    assert main(["fix", "app.diag", "--apply"]) == 0
    assert project.app.read_text() == applied
    compile(applied, "app.py", "exec")


def test_apply_writes_once_and_then_says_that_it_is_fixed(project, capsys):
    assert main(["fix", "app.diag", "--check"]) == 1
    assert main(["fix", "app.diag", "--apply"]) == 0
    fixed = project.app.read_text()
    assert "await asyncio.sleep(0.1)" in fixed
    capsys.readouterr()
    assert main(["fix", "app.diag", "--apply"]) == 0
    assert "already fixed" in capsys.readouterr().out
    assert project.app.read_text() == fixed
    assert main(["fix", "app.diag", "--check"]) == 0


def test_a_file_that_has_changed_since_it_was_measured_is_refused(project, capsys):
    project.app.write_text(APP + "\nmine = 1\n")
    assert main(["fix", "app.diag", "--apply"]) == 2
    shown = capsys.readouterr()
    assert "has changed since it was measured" in shown.err
    assert shown.out == ""
    assert project.app.read_text() == APP + "\nmine = 1\n"


def test_a_file_that_has_gone_is_refused(project, capsys):
    project.app.unlink()
    assert main(["fix", "app.diag"]) == 2
    assert "is not there any more" in capsys.readouterr().err


def test_a_change_that_may_alter_the_meaning_is_written_only_if_it_was_named(project, capsys):
    project.tried = (project.tried_on(18, Cause.CPU_GIL, "yield"),)
    assert main(["fix", "app.diag", "--apply"]) == 0
    assert "to have it written: --remedies yield" in capsys.readouterr().out
    assert project.app.read_text() == APP
    assert main(["fix", "app.diag", "--apply", "--remedies", "yield"]) == 0
    assert "await asyncio.sleep(0)" in project.app.read_text()


def test_where_nothing_helped_it_says_so_and_exits_with_1(project, capsys):
    project.tried = (project.tried_on(18, Cause.CPU_GIL, "to-thread", recommended=False),)
    assert main(["fix", "app.diag"]) == 1
    out = capsys.readouterr().out
    assert "nothing that was tried helped" in out
    assert "to-thread was measured." in out
    assert "By hand: for part in parts:" in out
    assert all(line.startswith("#") for line in out.splitlines())


def test_a_change_of_the_server_is_said_and_not_written(project, capsys):
    tried = project.tried_on(10, Cause.WAITING, "native")
    change = ServerChange(server="gunicorn-gthread", workers=1, threads=8, command="gunicorn -k gthread")
    remedy = dataclasses.replace(tried.results[0].remedy, edits=(), diff="", server=change, move=Move.SERVER)
    results = (dataclasses.replace(tried.results[0], remedy=remedy),)
    project.tried = (dataclasses.replace(tried, results=results),)
    assert main(["fix", "app.diag", "--apply"]) == 0
    assert "serve it so: gunicorn -k gthread" in capsys.readouterr().out
    assert main(["fix", "app.diag", "--check", "-q"]) == 1


def test_a_clean_verdict_needs_no_fix(project, capsys):
    project.verdict, project.tried = CLEAN, ()
    assert main(["fix", "app.diag", "--check"]) == 0
    assert "nothing to fix" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("verdict", "text"), [(UNMEASURED, "could not be told"), (BLOCKED, "No remedy was tried")]
)
def test_without_trials_nothing_is_recommended(project, capsys, verdict, text):
    project.verdict, project.tried = verdict, ()
    assert main(["fix", "app.diag"]) == 2
    assert text in capsys.readouterr().err


def test_an_interrupt_during_the_trials_changes_nothing(project, capsys):
    project.interrupted = True
    assert main(["fix", "app.diag", "--apply"]) == 130
    assert project.app.read_text() == APP


def test_apply_and_check_exclude_each_other(project, capsys):
    assert main(["fix", "app.diag", "--apply", "--check"]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_quiet_prints_nothing(project, capsys):
    assert main(["fix", "app.diag", "--check", "-q"]) == 1
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""


def test_the_help_imports_nothing_but_click(tmp_path):
    code = (
        "import sys\nfrom diag.cli import main\n"
        "main(['fix', '--help'])\n"
        "print(sorted({'rich', 'numpy', 'diag.remedies', 'diag.store'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "--apply" in done.stdout
