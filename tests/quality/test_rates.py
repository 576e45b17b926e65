"""A sample of `rates.py`: every shipped workload once, some of them on a loaded machine and on uvloop.

The full measurement is `python tests/quality/rates.py --runs 20 [--busy 4]`; its latest results are in
docs/explanation/performance.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rates import WORKLOADS, competitors, primary_strategy, run, shipped  # beside this file

pytestmark = pytest.mark.quality

LOADED = (
    "blocking_sleep.py",
    "json_dumps.py",
    "hash_without_gil.py",
    "clean/asyncio_sleep.py",
    "clean/json_in_pieces.py",
)
UVLOOP = ("lock_contention.py", "cpu_pure_python.py", "convoy.py", "clean/http_async_client.py")


@pytest.mark.parametrize("path", shipped(), ids=lambda path: str(path.relative_to(WORKLOADS)))
def test_explain_names_exactly_the_ground_truth(path: Path, tmp_path: Path) -> None:
    """Each shipped workload's verdict is what the workload itself says."""
    outcome = run(path, tmp_path, strategy=primary_strategy(path))
    assert outcome.met, outcome.words


@pytest.mark.parametrize("name", LOADED)
def test_the_verdict_is_the_same_on_a_loaded_machine(name: str, tmp_path: Path) -> None:
    """Four processes that compete for the cores change no verdict."""
    with competitors(4):
        outcome = run(WORKLOADS / name, tmp_path, strategy=primary_strategy(WORKLOADS / name))
    assert outcome.met, outcome.words


@pytest.mark.parametrize("name", UVLOOP)
def test_the_verdict_is_the_same_on_uvloop(name: str, tmp_path: Path) -> None:
    """uvloop's handles run in C, and are timed all the same."""
    path = WORKLOADS / name
    outcome = run(path, tmp_path, strategy=primary_strategy(path), loop="uvloop")
    assert outcome.met, outcome.words
