"""The rules' reference page, made of their docstrings: ``python -m diag.rules.documentation``."""

from __future__ import annotations

import inspect
import sys
from types import ModuleType

from diag.rules import RULES

HEAD = """\
# Rules

Made from the rules' docstrings by `python -m diag.rules.documentation > docs/reference/rules.md`; edit those.

A finding has a severity: an *error* makes `diag explain` exit 1, a *warning* and an *info* do not.
"""


def page() -> str:
    """The page as Markdown."""
    return "\n".join([HEAD, *map(_section, RULES)])


def _section(rule: ModuleType) -> str:
    text = inspect.cleandoc(rule.__doc__ or "")
    return f"## {rule.SLUG}\n\n{text.replace(chr(10) + '## ', chr(10) + '### ')}\n"


if __name__ == "__main__":
    sys.stdout.write(page())
