"""The command line: exit codes, clean output, and never a traceback of diag's own."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import pytest
from tried import TRIED
from verdicts import BLOCKED, CLEAN, UNMEASURED

from diag import diagnose
from diag.cli import COMMANDS, cli, main
from diag.errors import ServerError
from diag.finding import Verdict
from diag.progress import Progress
from diag.recording import Machine, Meta
from diag.remedy import Tried
from diag.settings import ExplainOptions
from diag.store import RecordingWriter

META = Meta(
    schema_version=1,
    diag_version="0.1.0",
    argv=("diag",),
    target="shop.api:app",
    target_kind="app",
    roots=("/x",),
    created_utc="2026-11-20T08:00:00Z",
    seed=0,
    threshold_ns=10_000_000,
    machine=Machine(python="3.11.2", implementation="CPython", platform="Linux", cores=2, memory_bytes=1),
)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder and a current folder of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


@pytest.fixture
def empty_recording(tmp_path: Path) -> Path:
    """A recording of a run that was killed before it began: its verdict is "could not tell"."""
    path = tmp_path / "empty.diag"
    RecordingWriter(path, META).close()
    return path


class Explained:
    """Stands for `diag.diagnose.explain_and_try`, the seam between this command line and all the rest."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, outcome: Verdict | BaseException) -> None:
        self.outcome = outcome
        self.tried: tuple[Tried, ...] = ()
        self.interrupted = False
        self.options: list[ExplainOptions] = []
        monkeypatch.setattr(diagnose, "explain_and_try", self)

    def __call__(
        self, options: ExplainOptions, progress: Progress, told: Callable[[Verdict], None]
    ) -> diagnose.Explained:
        self.options.append(options)
        progress.stage("under load")
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        if not self.tried:
            return diagnose.Explained(verdict=self.outcome)
        told(self.outcome)
        return diagnose.Explained(verdict=self.outcome, tried=self.tried, interrupted=self.interrupted)


def run(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    """`diag` in a process of its own."""
    command = [sys.executable, "-m", "diag", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("verdict", [CLEAN, BLOCKED, UNMEASURED])
def test_the_exit_code_is_the_verdicts(
    verdict: Verdict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every form of output."""
    Explained(monkeypatch, verdict)
    assert main(["explain", "x.py"]) == verdict.exit_code
    assert f"exit {verdict.exit_code}" in capsys.readouterr().out
    assert main(["explain", "x.py", "--json"]) == verdict.exit_code
    assert json.loads(capsys.readouterr().out)["exit_code"] == verdict.exit_code
    assert main(["explain", "x.py", "-q"]) == verdict.exit_code
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("interrupted", [False, True])
def test_the_diagnosis_is_told_once_and_before_what_was_tried(
    interrupted: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An interrupt during the trials changes neither that nor the exit code."""
    seen = Explained(monkeypatch, BLOCKED)
    seen.tried, seen.interrupted = (TRIED,), interrupted
    assert main(["explain", "x.py"]) == 1
    output = capsys.readouterr()
    lines = output.out.splitlines()
    places = [
        next(i for i, line in enumerate(lines) if word in line) for word in ("BLOCKED  ", "FIX  ", "exit 1")
    ]
    assert places == sorted(places)
    assert output.out.count("data: ") == 1
    assert ("Interrupted: remedies were not tried" in output.err) == interrupted


def test_json_holds_what_was_tried_in_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Explained(monkeypatch, BLOCKED).tried = (TRIED,)
    assert main(["explain", "x.py", "--json"]) == 1
    (tried,) = json.loads(capsys.readouterr().out)["tried"]
    assert tried["results"][0]["recommended"] is True
    assert tried["results"][0]["remedy"]["diff"].startswith("--- a/")


def test_nothing_is_tried_where_nothing_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Explained(monkeypatch, BLOCKED)
    main(["explain", "x.py"])
    main(["explain", "x.py", "--quiet"])
    assert [options.verify for options in seen.options] == [True, False]


def test_verbose_says_more(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """-v is passed on."""
    Explained(monkeypatch, BLOCKED)
    main(["explain", "x.py", "-v"])
    assert "mean of a request" in capsys.readouterr().out


def test_every_option_arrives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the type that the library takes; what follows -- is the script's."""
    seen = Explained(monkeypatch, CLEAN)
    line = [
        "explain", "x.py", "--request", "GET /a", "--request", "POST /b {}", "--header", "A: b", "--factory",
        "--strategy", "native", "--strategy", "blocking", "--param", "n=3", "--framework", "flask",
        "--server", "gunicorn", "--loop", "uvloop", "--workers", "2", "--threads", "4", "--port", "8001",
        "--duration", "2s", "--users", "7", "--rate", "12.5", "--threshold", "5ms", "--timeout", "1min",
        "--seed", "9", "--expect", "--no-verify", "--remedies", "native,to-thread", "-o", str(tmp_path / "r.diag"), "--", "--json", "-v", "--",
    ]  # fmt: skip
    assert main(line) == 0
    assert seen.options == [
        ExplainOptions(
            target="x.py",
            args=("--json", "-v", "--"),
            factory=True,
            requests=("GET /a", "POST /b {}"),
            strategies=("native", "blocking"),
            framework="flask",
            server="gunicorn",
            loop="uvloop",
            workers=2,
            threads=4,
            duration_ns=2_000_000_000,
            users=7,
            rate=12.5,
            seed=9,
            threshold_ns=5_000_000,
            timeout_ns=60_000_000_000,
            output=tmp_path / "r.diag",
            params={"n": 3},
            expect=True,
            verify=False,
            remedies=("native", "to-thread"),
            port=8001,
            headers=(("A", "b"),),
            cwd=tmp_path / "work",
        )
    ]


def test_the_table_is_read_and_flags_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a flag that says no."""
    Path("pyproject.toml").write_text(
        '[tool.diag]\ntarget = "shop:app"\nworkers = 3\nfactory = true\nseed = 1\n'
    )
    seen = Explained(monkeypatch, CLEAN)
    main(["explain", "--workers", "2", "--no-factory"])
    assert (seen.options[0].target, seen.options[0].workers, seen.options[0].factory, seen.options[0].seed) == (
        "shop:app", 2, False, 1,
    )  # fmt: skip


def test_recordings_go_to_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Users' folders are not littered, and old recordings go."""
    seen = Explained(monkeypatch, CLEAN)
    main(["explain", "shop.api:app"])
    (options,) = seen.options
    assert options.output is not None
    assert options.output.parent == tmp_path / "state" / "diag"
    assert options.output.name.startswith("diag-shop.api-app-")
    assert list(Path.cwd().iterdir()) == []


def test_an_error_is_told_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, with what was said in the target's own words."""
    Explained(
        monkeypatch, ServerError("It died", cause="C.", next_step="N.", detail="log line", slug="server-died")
    )
    assert main(["explain", "x.py"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == (
        "error: It died\n    log line\ncause: C.\nnext : N.\n       docs/reference/messages.md#server-died\n"
    )


def test_ctrl_c_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And exits as shells expect."""
    Explained(monkeypatch, KeyboardInterrupt())
    assert main(["explain", "x.py"]) == 130
    assert capsys.readouterr().err == "\nInterrupted.\n"


def test_a_bug_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which is there for those who ask."""
    Explained(monkeypatch, ZeroDivisionError("by \x1bzero"))
    assert main(["explain", "x.py"]) == 2
    quiet = capsys.readouterr().err
    assert r"error: This is a bug in diag: ZeroDivisionError: by \x1bzero" in quiet
    assert "DIAG_DEBUG=1" in quiet
    assert "Traceback" not in quiet
    for args in (["--debug", "explain", "x.py"], ["explain", "x.py", "--debug"]):
        assert main(args) == 2
        assert "Traceback" in capsys.readouterr().err
    assert main(["explain", "x.py", "--", "--debug"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    monkeypatch.setenv("DIAG_DEBUG", "1")
    assert main(["explain", "x.py"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], ("There is no command", "diag explain FILE", "diag --help")),
        (["explian"], ("No such command 'explian'", "diag --help")),
        (["explain"], ("There is no target", "diag explain")),
        (
            ["explain", "a.py", "b.py"],
            ("unexpected extra argument (b.py)", "goes after --", "diag explain --help"),
        ),
        (["explain", "a.py", "--wrkers", "2"], ("No such option '--wrkers'", "--workers")),
        (["explain", "a.py", "--workers", "two"], ("--workers", "'two'")),
        (["explain", "a.py", "--workers", "0"], ("--workers", "between 1")),
        (["explain", "a.py", "--loop", "trio"], ("--loop", "uvloop")),
        (["explain", "a.py", "--threshold", "10"], ("--threshold", "no unit", "10ms")),
        (["report"], ("RECORDING", "diag report --help")),
        (["report", "missing.diag"], ("missing.diag", "no such file", "ls -l missing.diag")),
    ],
)
def test_usage_errors_say_what_to_type(
    args: list[str], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """And exit 2."""
    assert main(args) == 2
    text = capsys.readouterr().err
    flat = " ".join(text.split())
    assert all(word in flat for word in words), flat
    assert text.startswith("error: ")


def test_a_recording_is_judged_again(empty_recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without running anything; its path is named."""
    assert main(["report", str(empty_recording), "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["status"] == "unmeasured"
    assert document["recording"] == str(empty_recording)


def test_a_pipe_gets_no_control_characters(empty_recording: Path) -> None:
    """And is as wide as a log likes, or as COLUMNS says."""
    answer = run("report", str(empty_recording))
    assert answer.returncode == 2
    assert answer.stderr == ""
    assert "UNMEASURED" in answer.stdout
    assert answer.stdout.replace("\n", "").isprintable()


def test_an_ascii_locale_gets_ascii(empty_recording: Path) -> None:
    """Nothing fails to encode."""
    answer = run("report", str(empty_recording), env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert answer.returncode == 2
    assert answer.stdout.isascii()
    assert answer.stderr == ""


def terminal_output(args: list[str], environ: dict[str, str]) -> str:
    """What `diag` prints on a real terminal."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "diag", *args]
    with subprocess.Popen(command, stdout=follower, stderr=follower, env=environ) as process:
        os.close(follower)
        text = b""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if not select.select([leader], [], [], 1)[0]:
                continue
            try:
                part = os.read(leader, 4_096)
            except OSError:  # the other end was closed
                break
            if not part:
                break
            text += part
        process.wait(10)
    os.close(leader)
    return text.decode()


def test_a_terminal_gets_colour_unless_it_is_told_not_to(empty_recording: Path) -> None:
    """NO_COLOR leaves bold and dim."""
    environ = os.environ | {"TERM": "xterm-256color"}
    environ.pop("NO_COLOR", None)
    assert "\x1b[1;33m? UNMEASURED" in terminal_output(["report", str(empty_recording)], environ)
    plain = terminal_output(["report", str(empty_recording)], environ | {"NO_COLOR": "1"})
    codes = {code for found in re.findall(r"\x1b\[([0-9;]*)m", plain) for code in found.split(";")}
    assert codes <= {"0", "1", "2"}
    assert "UNMEASURED" in plain


def test_a_reader_that_goes_away_is_no_error(empty_recording: Path) -> None:
    """As `diag report x | true` makes it."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "diag", "report", str(empty_recording)]
    answer = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write_end)
    assert answer.stderr == ""
    assert answer.returncode == 141


@pytest.mark.parametrize("args", [["version"], ["--help"], ["report"]])
def test_a_full_disk_behind_standard_output_is_explained(args: list[str], empty_recording: Path) -> None:
    """`> /dev/full` stands for it."""
    command = [sys.executable, "-m", "diag", *args, *([str(empty_recording)] if args == ["report"] else [])]
    with open("/dev/full", "w") as full:
        answer = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: Standard output cannot be written: No space left on device\n")
    assert "Exception" not in answer.stderr


def test_an_error_keeps_its_exit_code_where_nobody_reads_it() -> None:
    """2 must not turn into 1, which means blocked."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "diag", "explian"]
    assert subprocess.run(command, stdout=write_end, stderr=write_end, check=False).returncode == 2
    os.close(write_end)


def test_closed_streams_are_no_error(empty_recording: Path) -> None:
    """As `>&- 2>&-` makes them."""
    command = f'exec "{sys.executable}" -m diag report "{empty_recording}" >&- 2>&-'
    assert subprocess.run(["/bin/sh", "-c", command], check=False).returncode == 2


def test_version_says_which() -> None:
    """As a command and as an option."""
    from diag import __version__

    assert run("version").stdout.startswith(f"diag {__version__} (CPython 3")
    assert run("--version").stdout == f"diag {__version__}\n"


def test_help_imports_click_and_the_standard_library_only() -> None:
    """That is what keeps it fast."""
    code = (
        "import sys; from diag.cli import main; main(['--help']);"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)), file=sys.stderr)"
    )
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    before = {name.partition(".")[0] for name in bare.stdout.split()}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(re.findall(r"'(\w+)'", answer.stderr)) - before - {"__main__", "__mp_main__"} == {
        "click",
        "diag",
    }


def test_help_is_quick() -> None:
    """CPU time of the fastest of five, so that a loaded machine does not matter."""
    code = (
        "import resource, subprocess, sys\n"
        "def spent():\n"
        "    used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "    return used.ru_utime + used.ru_stime\n"
        "times = []\n"
        "for _ in range(5):\n"
        "    before = spent()\n"
        "    subprocess.run([sys.executable, '-m', 'diag', '--help'], stdout=subprocess.DEVNULL, check=True)\n"
        "    times.append(spent() - before)\n"
        "print(min(times))\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(answer.stdout) < 0.15


def test_help_lists_every_command() -> None:
    """With the first sentence of the command's own help, which the list cannot import."""
    context = click.Context(cli)
    for name, (_, summary) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert (command.help or "").startswith(summary)


def test_an_interrupted_run_names_its_recording(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The library says where it is; the exit code stays that of Ctrl-C."""
    Explained(monkeypatch, diagnose.Interrupted(Path("/tmp/x.diag")))
    assert main(["explain", "x.py"]) == 130
    assert "/tmp/x.diag" in capsys.readouterr().err


def test_output_to_a_pipe_can_be_narrower(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """COLUMNS is respected; without it, logs get 100."""
    Explained(monkeypatch, replace(BLOCKED, recording=""))
    monkeypatch.delenv("COLUMNS", raising=False)
    main(["explain", "x.py"])
    assert 80 < max(map(len, capsys.readouterr().out.splitlines())) <= 100
    monkeypatch.setenv("COLUMNS", "60")
    main(["explain", "x.py"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60
