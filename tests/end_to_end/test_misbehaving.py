"""A server that misbehaves gives a result with its reason, and nothing of it is left running."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

import pytest

from diag.comparing import compare_options
from diag.diagnose import compare, explain
from diag.errors import DiagError
from diag.finding import Finding, Status, Verdict
from diag.limits import Confinement, cgroups, confine
from diag.reap import run_pids
from diag.recording import IncidentKind
from diag.reports.comparison import render as render_comparison
from diag.reports.json import to_json
from diag.reports.terminal import render
from diag.settings import ExplainOptions
from diag.store import read_recording

ASGI = """
    {head}
    from fastapi import FastAPI
    app = FastAPI()

    @app.get("/")
    async def hello():
        {body}
        return "hello"
    """
FLASK = """
    {head}
    from flask import Flask
    app = Flask(__name__)

    @app.get("/")
    def hello():
        {body}
        return "hello"
    """
# As a proxy or a firewall does that allows so many connections a client: the sixth is reset.
FULL = """
    from uvicorn.protocols.http import h11_impl, httptools_impl
    taken = 0
    def limited(protocol):
        accept = protocol.connection_made
        def connection_made(self, transport):
            global taken
            taken += 1
            accept(self, transport)
            if taken > 8:
                transport.abort()
        protocol.connection_made = connection_made
    limited(h11_impl.H11Protocol)
    limited(httptools_impl.HttpToolsProtocol)
    """


class Shop:
    """An app in a folder, and `diag explain` of it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch

    def explained(
        self, source: str, *, head: str = "", body: str = "pass", duration_ms: int = 600, **options: object
    ) -> Verdict:
        filled = dedent(source).format(head=dedent(head).strip(), body=body)
        (self.folder / "shop.py").write_text(filled)
        verdict = explain(
            ExplainOptions(
                target="shop.py:app",
                cwd=self.folder,
                output=self.folder / "run.diag",
                duration_ns=duration_ms * 1_000_000,
                **options,
            )
        )
        self.leaves_nothing()
        return verdict

    def leaves_nothing(self) -> None:
        """No process of this test's runs lives; nothing lies about but what was asked for."""
        assert set(run_ids_alive()) == set()

    def found(self, verdict: Verdict, title: str) -> Finding:
        """The finding on the server of that title, which the terminal and the JSON have as well."""
        (finding,) = [one for one in verdict.findings if one.title == title]
        assert finding.rule == "server-incident"
        assert finding.title in render(verdict, width=140)
        assert finding.why[:40] in to_json(verdict)
        return finding

    def kinds(self) -> list[IncidentKind]:
        return [one.kind for run in read_recording(self.folder / "run.diag").runs for one in run.incidents]


def run_ids_alive() -> list[int]:
    """Processes of any run that this process began."""
    mine = f"DIAG_RUN_ID={os.getpid()}-".encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                environment = Path(f"/proc/{name}/environ").read_bytes()
            except OSError:
                continue
            if any(one.startswith(mine) for one in environment.split(b"\0")):
                found.append(int(name))
    return found


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path, monkeypatch)


def test_a_server_that_ignores_sigterm_is_killed_and_that_is_said(shop: Shop) -> None:
    body = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    verdict = shop.explained(ASGI, body=body)
    finding = shop.found(verdict, "uvicorn did not stop")
    assert finding.why == ("The server had not ended 3 s after SIGTERM and was killed: it ignores SIGTERM.")
    assert verdict.status is Status.CLEAN  # its handlers were measured all the same


def test_a_server_that_dies_midway_is_unmeasured_with_its_last_words(shop: Shop) -> None:
    head = "import os, itertools; count = itertools.count()"
    body = "print('no more', flush=True) or os._exit(6) if next(count) > 20 else None"
    verdict = shop.explained(ASGI, head=head, body=body)
    assert verdict.status is Status.UNMEASURED
    assert verdict.reason == "the server exited with code 6 while it was measured; its last line: no more"
    shop.found(verdict, "uvicorn died")


def test_workers_that_die_and_are_replaced_are_counted(shop: Shop) -> None:
    head = "import os, itertools; count = itertools.count()"
    body = "os._exit(6) if next(count) == 40 else None"
    verdict = shop.explained(FLASK, head=head, body=body, server="gunicorn", workers=2, duration_ms=1_500)
    finding = shop.found(verdict, "gunicorn-sync lost workers")
    assert "ended while the server was measured (pid " in finding.why
    assert "had the app at the end." in finding.why


def test_processes_that_a_server_leaves_behind_are_named_and_ended(shop: Shop) -> None:
    verdict = shop.explained(ASGI, head="import subprocess; subprocess.Popen(['sleep', '612'])")
    finding = shop.found(verdict, "uvicorn left processes behind")
    assert "left 1 process behind, which diag ended: sleep 612 (pid " in finding.why


def test_a_server_that_refuses_connections_beyond_some_is_told_with_their_number(shop: Shop) -> None:
    verdict = shop.explained(ASGI, head=FULL, users=20)
    finding = shop.found(verdict, "uvicorn refused connections")
    assert "connections failed: " in finding.why
    assert verdict.quality.steps > 0


def test_a_server_that_behaves_has_no_incident(shop: Shop) -> None:
    for server in ("uvicorn", "gunicorn-uvicorn"):
        shop.explained(ASGI, server=server, duration_ms=200)
        assert shop.kinds() == [], server


@pytest.fixture
def grouped() -> None:
    """Memory of several processes together can only be limited by a control group."""
    with confine("0-trial", memory_bytes=200 << 20) as box:
        (limit,) = box.state()
        if limit.cannot:
            pytest.skip(limit.cannot)


@pytest.mark.usefixtures("grouped")
def test_being_killed_for_memory_is_a_result(shop: Shop) -> None:
    head = "store = []"
    verdict = shop.explained(ASGI, head=head, body="store.append(bytearray(4 << 20))", memory_bytes=150 << 20)
    assert verdict.status is Status.UNMEASURED
    assert verdict.reason == (
        "the kernel killed 1 process for memory (the server itself): limit 150 MiB, peak 150 MiB"
    )
    assert "limited to 150 MiB (cgroup v" in render(verdict, width=140)
    shop.found(verdict, "uvicorn was killed for memory")
    (run,) = read_recording(shop.folder / "run.diag").runs
    assert run.limits[0].killed == 1


@pytest.mark.usefixtures("grouped")
def test_an_app_that_does_not_even_start_within_its_memory_is_a_result(shop: Shop) -> None:
    verdict = shop.explained(
        ASGI,
        head="import os\nif 'DIAG_SPOOL' in os.environ: x = bytearray(300 << 20)",
        memory_bytes=120 << 20,
    )
    assert verdict.status is Status.UNMEASURED
    assert verdict.reason.startswith("the kernel killed 1 process for memory")


def test_without_control_groups_a_memory_error_at_start_is_a_result_too(shop: Shop) -> None:
    shop.monkeypatch.setattr(cgroups, "make", lambda *_: ([], "/sys/fs/cgroup: Read-only file system"))
    verdict = shop.explained(
        ASGI,
        head="import os\nif 'DIAG_SPOOL' in os.environ: x = bytearray(600 << 20)",
        memory_bytes=500 << 20,
    )
    assert verdict.reason == "importing the app raised MemoryError: limit 500 MiB"
    assert any("RLIMIT_DATA" in one for one in verdict.quality.degradations)


@pytest.mark.usefixtures("grouped")
def test_a_cell_that_does_not_fit_into_its_memory_fails_with_the_reason(shop: Shop) -> None:
    """The other cell, with one worker's memory, has its figures; both say what they were limited to."""
    (shop.folder / "work.py").write_text(
        "import os\n"
        "if 'gunicorn' in open('/proc/self/cmdline').read(): waste = bytearray(100 << 20)\n"
        "def work(): pass\n"
    )
    flags = {
        "select": ("framework=flask,strategy=sync-handler,server=waitress,server=gunicorn-sync",),
        "trials": 1,
        "duration": "500ms",
        "memory": "120m",
        "cpus": 1.0,
        "output": str(shop.folder / "c.diag"),
    }
    found = compare(compare_options(("work.py",), flags))
    shop.leaves_nothing()
    (contest,) = found.contests
    by_server = {cell.server: cell for cell in contest.cells}
    assert by_server["waitress"].trials == 1
    assert by_server["gunicorn-sync"].unranked.startswith("the kernel killed ")
    assert contest.common.endswith("limited to 1 core and 120 MiB (cgroup v1)") or "v2" in contest.common
    assert "is not ranked: the kernel killed" in render_comparison(found, width=140)


def test_more_cores_than_there_are_is_an_error_before_anything_starts(shop: Shop) -> None:
    with pytest.raises(DiagError) as caught:
        shop.explained(ASGI, cpus=5_000.0)
    assert caught.value.slug == "too-many-cpus"
    assert not (shop.folder / "run.diag").exists()
    assert isinstance(confine("0-none"), Confinement)
    assert run_pids("0-none") == set()
