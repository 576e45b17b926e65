"""Whether the right remedy is recommended for every blocking workload, and how far off predictions are.

    python docs/benchmarks/remedies.py [--trials 5] [workloads/blocking_sleep.py ...]

Explains each shipped workload that blocks, as `diag explain` does, and prints a line for each remedy that was tried:
the victims' p99 as written and with it, what had been predicted, and by how much that was wrong. The last lines count
predictions within 25 % of what was measured, of the recommended remedies and of all, and those that lie in the measured
95 % interval: where nothing is held any more, the p99 is that of the machine's own noise, and varies by more than 25 %.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from diag import proving
from diag.diagnose import explain_and_try
from diag.remedy import RemedyResult
from diag.settings import ExplainOptions

ROOT = Path(__file__).resolve().parents[2]
WORKLOADS = ROOT / "workloads"
OTHERS = {"shop.py", "flask_shop.py", "script_crawler.py"}
CLOSE = 0.25


def tried(path: Path, folder: Path) -> Iterator[RemedyResult]:
    begin = time.monotonic()
    options = ExplainOptions(target=str(path), output=folder / f"{path.stem}.diag")
    explained = explain_and_try(options)
    took = time.monotonic() - begin
    found = [one for against in explained.tried for one in against.results]
    print(f"{path.stem}: {explained.verdict.status}, {len(found)} tried, {took:.0f} s", flush=True)
    yield from found


def line(one: RemedyResult) -> str:
    if one.failure:
        return f"      {one.remedy.name:14} {one.failure}"
    ms = [value / 1e6 for value in (one.original_victim_p99_ns.value, one.victim_p99_ns.value, one.predicted_ns)]
    mark = "▸" if one.recommended else " "
    figures = f"{ms[0]:8.1f} {ms[1]:8.1f} {ms[2]:8.1f} ms {one.prediction_error:+7.0%}"
    return f"    {mark} {one.remedy.name:14} {figures}  {one.reason}"


def is_close(one: RemedyResult) -> bool:
    return abs(one.prediction_error) <= CLOSE


def is_inside(one: RemedyResult) -> bool:
    return one.victim_p99_ns.low <= one.predicted_ns <= one.victim_p99_ns.high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    every = sorted(path for path in WORKLOADS.glob("*.py") if path.name not in OTHERS)
    parser.add_argument("paths", nargs="*", type=Path, default=every)
    parser.add_argument("--trials", type=int, default=0)
    proving.MOST_CULPRITS = 1  # a busy machine may make others, which are not the workload's
    arguments = parser.parse_args()
    if arguments.trials:
        proving.LEAST_TRIALS = proving.MOST_TRIALS = arguments.trials
    results: list[RemedyResult] = []
    print(f"{'':22} {'written':>8} {'with it':>8} {'predicted':>9} {'off':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.paths:
            for one in tried(path.resolve(), Path(folder)):
                print(line(one), flush=True)
                if one.predicted_ns and not one.failure:
                    results.append(one)
    for words, some in (("recommended", [one for one in results if one.recommended]), ("all", results)):
        close, inside = sum(map(is_close, some)), sum(map(is_inside, some))
        print(f"{words}: {close} of {len(some)} within 25 %, {inside} within the measured interval")


if __name__ == "__main__":
    main()
