"""How fast sources are judged: lines a second on one core, cold, with everything kept, and the memory that it takes.

    python docs/benchmarks/static_speed.py [FOLDER]

FOLDER is what is judged, an installed package set of at least 300,000 lines; the site-packages of this interpreter
unless given. Times are of the process (its CPU time), since other work on the machine is not what is measured.
"""

from __future__ import annotations

import resource
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from diag.static import Analysis, StaticOptions, analyse

ENOUGH_LINES = 300_000
LEAST_LINES_PER_S = 50_000
MOST_AGAIN_S = 1.0
MOST_MEMORY_MB = 1_000


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_path("purelib")).resolve()
    targets = some_of(folder)
    with tempfile.TemporaryDirectory() as cache:
        options = StaticOptions(root=folder, cache=Path(cache), tests=True)
        cold, cold_s = timed(targets, options)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        again, again_s = timed(targets, options)
    assert again == cold, "the kept answer differs"
    rate = cold.lines / cold_s
    print(f"{cold.lines:,} lines in {cold.files:,} files, {len(cold.handlers):,} handlers, {len(cold.findings):,} findings")
    print(f"cold:      {cold_s:6.2f} s, {rate:,.0f} lines/s (at least {LEAST_LINES_PER_S:,})")
    print(f"unchanged: {again_s:6.2f} s (at most {MOST_AGAIN_S:.0f} s)")
    print(f"memory:    {memory:6.0f} MB (at most {MOST_MEMORY_MB:,} MB)")
    if cold.lines < ENOUGH_LINES:
        print(f"too little to judge: {ENOUGH_LINES:,} lines are needed", file=sys.stderr)
        return 2
    return 0 if rate >= LEAST_LINES_PER_S and again_s <= MOST_AGAIN_S and memory <= MOST_MEMORY_MB else 1


def some_of(folder: Path) -> list[Path]:
    """Packages of the folder, in alphabetical order, until there are lines enough."""
    chosen, lines = [], 0
    for path in sorted(folder.iterdir()):
        if path.suffix == ".py" or (path.is_dir() and not path.name.endswith(("-info", ".libs", "__pycache__"))):
            chosen.append(path)
            files = path.rglob("*.py") if path.is_dir() else [path]
            lines += sum(one.read_bytes().count(b"\n") for one in files)
            if lines > ENOUGH_LINES * 1.3:
                break
    return chosen


def timed(targets: list[Path], options: StaticOptions) -> tuple[Analysis, float]:
    before = time.process_time()
    return analyse(targets, options), time.process_time() - before


if __name__ == "__main__":
    sys.exit(main())
