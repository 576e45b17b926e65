"""Scripts as people write them: what blocks is found at its line, whichever step of the program it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from diag.diagnose import explain
from diag.finding import Severity, Verdict
from diag.settings import ExplainOptions

GATHERED = """\
import asyncio, time

async def work():
    time.sleep(0.03)  # BLOCKS

async def main():
    await asyncio.gather(*(work() for _ in range(3)))

asyncio.run(main())
"""
FIRST_STEP = """\
import asyncio, time

async def main():
    time.sleep(0.03)  # BLOCKS

asyncio.run(main())
"""
UVLOOP = GATHERED.replace("import asyncio", "import uvloop, asyncio").replace("asyncio.run", "uvloop.run")


def run(tmp_path: Path, source: str) -> Verdict:
    (tmp_path / "script.py").write_text(source)
    return explain(
        ExplainOptions(
            target="script.py", cwd=tmp_path, output=tmp_path / "run.diag", timeout_ns=20_000_000_000
        )
    )


def marked_line(source: str) -> int:
    return next(number for number, line in enumerate(source.splitlines(), 1) if "# BLOCKS" in line)


@pytest.mark.parametrize(
    ("source", "blocks"),
    [
        pytest.param(GATHERED, 3, id="tasks-that-the-first-step-starts"),
        pytest.param(UVLOOP, 3, id="the-same-on-uvloop"),
        pytest.param(FIRST_STEP, 1, id="the-first-step"),
    ],
)
def test_no_step_is_too_early_to_be_seen(source: str, blocks: int, tmp_path: Path) -> None:
    verdict = run(tmp_path, source)
    (finding,) = [found for found in verdict.findings if found.severity is Severity.ERROR]
    assert finding.location is not None
    assert (finding.location.line, len(finding.blocks)) == (marked_line(source), blocks)
