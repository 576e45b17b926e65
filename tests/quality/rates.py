"""How often `diag explain` names exactly the ground truth of a shipped workload, and nothing for clean ones.

    python tests/quality/rates.py --runs 20
    python tests/quality/rates.py --runs 20 --busy 4 workloads/json_dumps.py workloads/clean/*.py

`--busy N` lets N processes compete for the cores. A line a run that missed, a line a workload at its end.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from diag.diagnose import explain
from diag.finding import Verdict
from diag.settings import ExplainOptions

ROOT = Path(__file__).resolve().parents[2]
WORKLOADS = ROOT / "workloads"
APPS = frozenset({"shop.py", "flask_shop.py", "script_crawler.py"})
"""Targets of the other kinds: their ground truth is in their docstrings and in `tests/end_to_end`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run of one workload.

    Attributes:
        path: the workload file.
        met: True if the verdict equals the ground truth and was measured well enough to say so.
        words: what was expected and what was found.
        took_s: how long it took.
    """

    path: Path
    met: bool
    words: str
    took_s: float


def shipped() -> tuple[Path, ...]:
    """Every workload file that states its ground truth, blocking ones first."""
    blocking = sorted(path for path in WORKLOADS.glob("*.py") if path.name not in APPS)
    return (*blocking, *sorted((WORKLOADS / "clean").glob("*.py")))


def run(
    path: Path, folder: Path, *, strategy: str = "", loop: str = "", seconds: float | None = None
) -> Outcome:
    """Explain one workload in its first strategy, and compare with its ground truth."""
    begin = time.monotonic()
    options = ExplainOptions(
        target=str(path),
        strategies=(strategy,) if strategy else (),
        loop=loop,
        duration_ns=None if seconds is None else int(seconds * 1e9),
        output=folder / f"{path.stem}-{time.monotonic_ns()}.diag",
    )
    verdict = explain(options)
    return Outcome(path=path, met=is_met(verdict), words=words(verdict), took_s=time.monotonic() - begin)


def is_met(verdict: Verdict) -> bool:
    """True if the verdict is the ground truth, and the canary was found."""
    return verdict.expectation is not None and verdict.expectation.met and verdict.quality.canary_ok


def words(verdict: Verdict) -> str:
    """What was expected and what was found."""
    if verdict.expectation is None:
        return "the file states no ground truth"
    canary = "" if verdict.quality.canary_ok else f"; {verdict.reason}"
    return f"expected {verdict.expectation.expected}; found {verdict.expectation.found}{canary}"


def primary_strategy(path: Path) -> str:
    """The strategy that the verdict is about: what blocks is called straight in `async def`."""
    return "native" if path.parent.name == "clean" or path.name == "convoy.py" else "blocking"


@contextlib.contextmanager
def competitors(count: int) -> Iterator[None]:
    """Processes that never rest."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, default=list(shipped()))
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--loop", default="")
    parser.add_argument(
        "--seconds", type=float, help="under load, a run; as `diag explain` chooses unless given"
    )
    options = parser.parse_args(arguments)
    missed = 0
    with competitors(options.busy), tempfile.TemporaryDirectory() as folder:
        for path in options.paths:
            met, took = 0, 0.0
            for _ in range(options.runs):
                outcome = run(
                    path.resolve(),
                    Path(folder),
                    strategy=primary_strategy(path.resolve()),
                    loop=options.loop,
                    seconds=options.seconds,
                )
                met += outcome.met
                took += outcome.took_s
                if not outcome.met:
                    print(f"    missed: {outcome.words}", flush=True)
            missed += options.runs - met
            name = path.resolve().relative_to(WORKLOADS)
            print(f"{met:3} of {options.runs}  {name}  ({took / options.runs:.1f} s a run)", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
