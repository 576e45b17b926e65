"""What is cheroot's own; what all servers have in common is tested for each in test_servers.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from diag.diagnose import explain
from diag.finding import Status
from diag.plan import ServerOptions
from diag.servers import get_server
from diag.settings import ExplainOptions

APP = """
import time
from flask import Flask
app = Flask(__name__)

@app.get("/slow")
def slow():
    time.sleep(0.03)
    return "1"
"""


def test_a_held_worker_is_found_at_its_line(tmp_path: Path) -> None:
    """Two threads, six users: everybody waits for the two that sleep."""
    (tmp_path / "shop.py").write_text(APP)
    verdict = explain(
        ExplainOptions(
            target="shop.py:app",
            cwd=tmp_path,
            output=tmp_path / "run.diag",
            server="cheroot",
            threads=2,
            users=6,
            duration_ns=1_000_000_000,
        )
    )
    assert verdict.status is Status.BLOCKED
    (finding,) = [one for one in verdict.findings if one.rule == "held-worker"]
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("shop.py", 8)


def test_it_is_one_process_with_as_many_threads_as_asked_for() -> None:
    server = get_server("cheroot")
    assert server.capacity(ServerOptions(server="cheroot", threads=3)) == 3
    assert server.unavailable(ServerOptions(server="cheroot", workers=2)) is not None


def test_without_its_package_it_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    reason = get_server("cheroot").unavailable(ServerOptions(server="cheroot"))
    assert reason == "cheroot is not installed: pip install 'diag[servers]'"
