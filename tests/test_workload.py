"""The workload form: the decorator, and where an expectation's line is looked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import diag
from diag.errors import TargetError
from diag.workload import ATTRIBUTE, WorkloadSpec, find_line

SOURCE = '''"""Sleeps: time.sleep(seconds)."""
import time

time.sleep(0)  # at import


@diag.workload(
    expect=diag.Blocks(at="time.sleep(seconds)", cause="waiting"),
)
def handler(seconds=0.1, nap=lambda: time.sleep(1)):
    """Calls time.sleep(seconds)."""
    before = time.monotonic()
    time.sleep(seconds)

    def after():
        return before
    return after
'''


def test_decorator_leaves_the_function_as_it_is() -> None:
    """A decorated function is called like any other, and carries what was said of it."""

    @diag.workload(name="nap", kind="io", params={"seconds": 1}, users=3)
    def sleep(seconds: int) -> int:
        return seconds

    assert sleep(2) == 2
    assert getattr(sleep, ATTRIBUTE) == WorkloadSpec(name="nap", kind="io", params={"seconds": 1}, users=3)


def test_decorator_works_without_parentheses() -> None:
    """`@diag.workload` alone names the workload after the function."""

    @diag.workload
    def sleep() -> None:
        return None

    assert getattr(sleep, ATTRIBUTE).name == "sleep"


@pytest.mark.parametrize(
    "first_import", ["import diag", "import diag.workload", "from diag.workload import Blocks"]
)
def test_decorator_is_found_however_the_module_was_imported(first_import: str) -> None:
    """`diag.workload` is callable, also once the submodule of that name has been imported."""
    script = f"{first_import}\nimport diag\nfor _ in range(2):\n    diag.workload(lambda: None)\n"
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


def test_expectation_does_not_find_itself() -> None:
    """Decorator, docstrings and module-level lines may repeat the fragment."""
    assert find_line(SOURCE, "time.sleep(seconds)") == 13


def test_line_is_found_in_a_nested_function() -> None:
    """A body's inner functions are code too."""
    assert find_line(SOURCE, "return before") == 16


def test_signatures_are_not_looked_at() -> None:
    """A default value is not code of the body."""
    with pytest.raises(TargetError, match="on none"):
        find_line(SOURCE, "time.sleep(1)")


def test_fragment_on_several_lines_is_refused() -> None:
    """An ambiguous expectation is an error that names the lines."""
    with pytest.raises(TargetError, match=r"on lines 12, 13") as caught:
        find_line(SOURCE, "time.")
    assert caught.value.slug == "expected-line"


def test_missing_fragment_is_refused() -> None:
    """An expectation that matches nothing is an error, never a silent pass."""
    with pytest.raises(TargetError, match="on none"):
        find_line(SOURCE, "time.sleep(minutes)")


def test_form_feed_does_not_shift_lines() -> None:
    """Only newlines count as line ends, as in tracebacks."""
    assert find_line("\x0c\n" + SOURCE, "time.sleep(seconds)") == 14
