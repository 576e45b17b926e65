"""`check` drives an app: what source shows and what was seen come together."""

from __future__ import annotations

from pathlib import Path

import pytest

from diag.checking.options import check_options
from diag.checking.result import Evidence
from diag.diagnose import check
from diag.finding import Status

APP = """
import time
from fastapi import FastAPI
app = FastAPI()

def nap():
    time.sleep(0.06)

@app.get("/slow")
async def slow():
    nap()

@app.get("/quick")
async def quick():
    return 1
"""


def test_an_app_is_driven_and_each_line_known_both_ways_is_one_issue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "shop.py").write_text(APP)
    flags = {"duration": "1.5s", "users": 4, "budget": "block=30ms"}
    result = check(check_options(("shop:app",), flags, cwd=tmp_path))
    assert result.status is Status.BLOCKED
    both = [one for one in result.issues if one.evidence is Evidence.BOTH]
    assert [(one.handler, one.line, one.fails) for one in both] == [("GET /slow", 7, True)]
    assert [(one.name, one.met) for one in result.budgets] == [("block", False)]
    assert {one.title for one in result.handlers if one.measured} == {"GET /slow", "GET /quick"}
