"""The reference pages are made from the code, are fresh, and leave nothing out."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import diag
from diag.messages import SECTIONS
from diag.probes.observer import NOTES
from diag.settings import KEYS, explain_options
from diag.store.tables import TABLE_NAMES

ROOT = Path(__file__).parents[1]
PAGES = (
    "recording.md",
    "cli.md",
    "settings.md",
    "messages.md",
    "json.md",
    "strategies.md",
    "frameworks.md",
    "servers.md",
    "blocking-calls.md",
)


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """`docs/generate.py`, which is a script."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(name: str) -> str:
    """A page as it is checked in."""
    return (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_fresh(generator: ModuleType, name: str) -> None:
    """If not: python docs/generate.py."""
    assert set(generator.PAGES) == set(PAGES)
    assert page(name) == generator.PAGES[name]().rstrip() + "\n"


def used_slugs() -> Iterator[str]:
    """Every constant that is given as a slug anywhere in diag."""
    for file in Path(diag.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.keyword(arg="slug", value=ast.Constant(value=str(slug))):
                    yield slug
                case ast.Assign(targets=[ast.Name(id="slug")], value=ast.Constant(value=str(slug))):
                    yield slug


def test_every_slug_has_its_message() -> None:
    """An error that ends with a place on the page must be found there."""
    described = [slug for _, messages in SECTIONS for slug in messages]
    assert len(described) == len(set(described))
    assert set(used_slugs()) | set(NOTES) <= set(described)
    assert all(f"### {slug}\n" in page("messages.md") for slug in described)


def test_the_example_of_settings_is_one(tmp_path: Path) -> None:
    """It is read as it stands on the page."""
    example = page("settings.md").partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "pyproject.toml").write_text(example)
    options = explain_options({}, cwd=tmp_path)
    assert (options.target, options.users, options.threshold_ns) == ("shop.api:app", 50, 20_000_000)
    assert options.requests == ('POST /items {"name": "x"}', "GET /items/7")


def test_every_table_and_option_is_described() -> None:
    """The pages are parsed from text: what the parser missed would be missing silently."""
    assert all(f"## {name}\n" in page("recording.md") for name in TABLE_NAMES)
    assert page("recording.md").count("\n| `") == sum(
        1
        for line in (Path(diag.__file__).parent / "store" / "schema.sql").read_text().splitlines()
        if line[:4] == "    "
    )
    assert all(key.flag in page("cli.md") for key in KEYS.values())
