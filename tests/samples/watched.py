"""Programs that run with the agent in them and the watcher beside them, and what was seen of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from diag.agent import words
from diag.hosting import RUN_ID, SPOOL
from diag.probes.observer import Observer
from diag.probes.spool import Seen
from diag.recording import Degradation, Stack, StackSource, Step

RUNNER = str(Path(words.__file__).with_name("__main__.py"))
HERE = "# HERE"
TRUTH = """
import time as _time
truth = []

class block:
    '''Says when something began and ended.'''

    def __init__(self, name=""): self.name = name
    def __enter__(self): self.start = _time.monotonic_ns()
    def __exit__(self, *_): truth.append([self.name, self.start, _time.monotonic_ns()])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A program that has ended.

    Attributes:
        path: its file.
        seen: all that its spool held.
        degradations: why something could not be seen.
        returncode, stdout, stderr: as it ended.
    """

    path: Path
    seen: Seen
    degradations: list[Degradation]
    returncode: int
    stdout: str
    stderr: str

    @property
    def truth(self) -> list[tuple[str, int, int]]:
        """Name, start and end of the blocks that the program printed as its last line."""
        return [(name, start, end) for name, start, end in json.loads(self.stdout.splitlines()[-1])]

    @property
    def steps(self) -> list[Step]:
        """Its steps in order, without the canary."""
        found = [step for step in self.seen.steps if "canary" not in step.label]
        return sorted(found, key=lambda step: step.start_ns)

    def step_around(self, start: int, end: int) -> Step:
        """The one step that contains a stretch of time."""
        (found,) = [s for s in self.steps if s.start_ns <= start and s.end_ns >= end - 1000]
        return found

    def stacks_of(self, step: Step, source: StackSource | None = None) -> list[Stack]:
        """Stacks taken in a step: of one source, or of all but py-spy."""
        return [
            stack
            for stack in self.seen.stacks
            if (stack.source is source if source else stack.source is not StackSource.PY_SPY)
            and stack.lane_id == step.lane_id
            and step.start_ns <= stack.sent_ns
            and stack.seen_ns <= step.end_ns
        ]

    def lines_of(self, step: Step) -> list[int]:
        """The innermost line of the program in each stack of a step."""
        return [innermost(stack, self.path) for stack in self.stacks_of(step)]

    @property
    def slugs(self) -> list[str]:
        """Why something could not be seen, in short."""
        return [one.slug for one in self.degradations]


def innermost(stack: Stack, path: Path) -> int:
    """The innermost line of a file in a stack, 0 if there is none."""
    return next((frame.line for frame in stack.frames if frame.path == str(path)), 0)


def line_of(path: Path, mark: str = HERE) -> int:
    """The number of the line that a mark stands on."""
    (found,) = [n for n, text in enumerate(path.read_text().split("\n"), 1) if text.endswith(mark)]
    return found


def watch(
    folder: Path,
    *parts: str,
    arguments: tuple[str, ...] = (),
    py_spy: bool = False,
    memory: bool = True,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout_s: float = 60,
) -> Watched:
    """Run a program to its end, watched: `TRUTH` and some parts, each of which may be indented."""
    path = folder / "program.py"
    path.write_text("\n".join(map(dedent, (TRUTH, *parts))))
    with Observer(f"test-{uuid.uuid4().hex}", py_spy=py_spy, memory=memory) as observer:
        done = run(
            [RUNNER, str(path), *arguments],
            folder,
            {SPOOL: observer.spool, RUN_ID: observer.run_id, **(environment or {})},
            stdin=stdin,
            timeout_s=timeout_s,
        )
        seen = observer.finish()
        return Watched(
            path=path,
            seen=seen,
            degradations=observer.degradations(),
            returncode=done.returncode,
            stdout=done.stdout,
            stderr=done.stderr,
        )


def run(
    command: Iterable[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    stdin: str = "",
    timeout_s: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder; `environment` is added to this one's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("DIAG_")}
    options: dict[str, Any] = {"text": True, "capture_output": True, "timeout": timeout_s}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**own, **environment},
        input=stdin,
        check=False,
        **options,
    )
