"""The rules' page is made from the rules, and says what they do."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from diag.rules import RULES
from diag.rules.documentation import page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"
FOLDER = Path(__file__).parents[2] / "diag" / "rules"


def test_the_page_in_the_documentation_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run: python -m diag.rules.documentation > docs/reference/rules.md"
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.SLUG)
def test_every_rule_says_what_why_an_example_and_what_instead(rule: ModuleType) -> None:
    for heading in ("## What it does", "## Why is this bad", "## Example", "## Use instead"):
        assert heading in (rule.__doc__ or "")


def test_every_file_of_a_rule_is_in_the_list() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "documentation"}
    assert files == {rule.SLUG.replace("-", "_") for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.SLUG)
def test_every_rule_has_a_test_of_the_same_name(rule: ModuleType) -> None:
    assert (Path(__file__).parent / f"test_{rule.SLUG.replace('-', '_')}.py").is_file()
