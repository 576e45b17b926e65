"""The shipped programs do what their docstrings say."""

from __future__ import annotations

import ast
import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from shipped import FOLDER, OTHER_TARGETS

from diag.workload import find_line

ROUTES = re.compile(r"^ {4}((?:GET|POST) \S+)", re.MULTILINE)
LINES = re.compile(r"\bat\s`([^`]+)`")


def docstring(name: str) -> str:
    return ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text())) or ""


@pytest.fixture
def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The app of the module that the test names."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield __import__(request.param).app
    sys.modules.pop(request.param)


@pytest.mark.parametrize("name", sorted(OTHER_TARGETS))
def test_named_lines_exist(name: str) -> None:
    """Each culprit that a docstring names is one line of code."""
    fragments = LINES.findall(docstring(name))
    assert fragments
    source = (FOLDER / f"{name}.py").read_text()
    assert all(find_line(source, fragment) for fragment in fragments)


@pytest.mark.parametrize("app", ["shop"], indirect=True)
def test_shop_answers_its_routes(app: Any) -> None:
    """Every route of the FastAPI shop is in its docstring, and answers."""
    assert sorted(ROUTES.findall(docstring("shop"))) == sorted(
        f"{method} {route.path}"
        for route in app.routes
        if route.path in app.openapi()["paths"]
        for method in route.methods
    )

    async def drive() -> list[int]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            gets = [await client.get(p) for p in ("/health", "/items/3", "/catalog", "/report", "/weather")]
            account = app.openapi()["components"]["schemas"]["Account"]["properties"]
            body = {key: value["examples"][0] for key, value in account.items()}
            return [answer.status_code for answer in [*gets, await client.post("/accounts", json=body)]]

    assert asyncio.run(drive()) == [200] * 6


@pytest.mark.parametrize("app", ["flask_shop"], indirect=True)
def test_flask_shop_answers_its_routes(app: Any) -> None:
    """Every route of the Flask shop is in its docstring, and answers."""
    described = {
        text.replace("<item_id>", "<int:item_id>") for text in ROUTES.findall(docstring("flask_shop"))
    }
    assert described == {f"GET {rule.rule}" for rule in app.url_map.iter_rules() if rule.endpoint != "static"}
    client = app.test_client()
    paths = ("/health", "/items/3", "/report", "/weather")
    assert [client.get(path).status_code for path in paths] == [200] * 4


def test_crawler_counts_words() -> None:
    """The script runs on its own and takes the number of pages."""
    command = [sys.executable, "script_crawler.py", "2"]
    done = subprocess.run(command, cwd=Path(FOLDER), capture_output=True, text=True, check=True)
    assert done.stdout == "2 pages, 4,500,004 words\n"
