"""A sample of `killing.py`: whatever ends diag, and whenever, nothing of it is left.

The full measurement is `python tests/quality/killing.py --rounds 50 --seed 1`; its latest results are in
docs/explanation/performance.md.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import killing  # beside this file

pytestmark = pytest.mark.quality


@pytest.mark.parametrize("one", range(5))
def test_nothing_is_left_of_a_diag_that_was_ended_at_a_random_moment(one: int) -> None:
    """Another target, signal and moment each time; a machine that is slow gets more patience."""
    (found,) = killing.rounds(1, seed=one, patience_s=40.0)
    assert found.left == (), found.words


def test_what_is_left_would_be_seen(tmp_path: Path) -> None:
    """A process with the mark, a file, and a spool, none of which anybody removes."""
    mark = uuid.uuid4().hex
    (tmp_path / "pymp-1").mkdir()
    spool = Path(f"/dev/shm/diag-{os.getpid()}-{mark}")
    spool.touch()
    child = subprocess.Popen(["sleep", "600"], env={**os.environ, killing.MARK: mark}, cwd="/")
    try:
        left = killing.leftovers(mark, tmp_path, os.getpid())
        assert f"process sleep 600  (pid {child.pid})" in left
        assert "file pymp-1" in left
        assert str(spool) in left
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        spool.unlink()
