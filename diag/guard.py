"""Ends a run's processes when diag is gone: ``python -m diag.guard RUN_ID``, with a pipe from diag as input.

The watcher is the guard of what it watches; this one is for what runs before there is anything to watch, such
as the import of a target, which may start processes as well. Standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from types import TracebackType
from typing import Self

from diag.hosting import with_diag_importable
from diag.reap import kill_run

_GRACE_S = 0.5
_END_S = 10.0


class Guard:
    """Ends every process that carries a run's id: when it is left, and when diag dies meanwhile."""

    def __init__(self, run_id: str) -> None:
        """Start the guarding process, which is there before what it guards."""
        self._run_id = run_id
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "diag.guard", run_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=with_diag_importable(os.environ),
            start_new_session=True,  # Ctrl-C is diag's
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            kill_run(self._run_id, grace_s=0)
        finally:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def main(run_id: str) -> None:
    """Wait until nobody holds the other end of the input any more; then end the run."""
    while os.read(0, 64):
        pass
    kill_run(run_id, grace_s=_GRACE_S)


if __name__ == "__main__":
    main(sys.argv[1])
