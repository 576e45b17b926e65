"""Loads the shipped workloads as diag does: under their own name, with their folder on the import path."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shipped import BLOCKING, CLEAN, Loaded, import_anew


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Loaded]]:
    """Imports a file anew, so that no test finds what another one has started."""
    imported: list[str] = []

    def load_workload(path: Path) -> Loaded:
        monkeypatch.syspath_prepend(str(path.parent))
        imported.append(path.stem)
        return import_anew(path)

    yield load_workload
    for name in imported:
        sys.modules.pop(name, None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `blocking`, `clean` and `any_path` arguments one value for each shipped file."""
    for argument, paths in (("blocking", BLOCKING), ("clean", CLEAN), ("any_path", BLOCKING + CLEAN)):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, paths, ids=[path.stem for path in paths])
