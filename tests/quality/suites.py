"""Runs other projects' test suites with diag's pytest plugin: does it change an outcome that it should not?

    python tests/quality/suites.py [--suite starlette] [--busy 8] [--json FILE]

From their source distributions (`pip download --no-binary`), each suite runs four times in a virtual environment
of its own: without the plugin, with the plugin inert, with ``--diag``, and with ``--diag`` while some processes
compete for the cores. Every test whose outcome differs from the first run is told. With the plugin inert there must
be none; with ``--diag`` each must be a block that is there on a free machine too; under load no other may come.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 1_800


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A project whose tests are run.

    Attributes:
        name: of the project.
        version: whose results are written down; "" takes the newest.
        needs: what its tests import.
    """

    name: str
    version: str
    needs: tuple[str, ...]


SUITES = (
    Suite(
        name="starlette",
        version="1.10.0",
        needs=("starlette[full]", "opentelemetry-sdk", "importlib-metadata", "blockbuster", "httpx2[zstd]", "trio"),
    ),
    Suite(
        name="httpx",
        version="0.28.1",
        needs=(
            "httpx[brotli,cli,http2,socks,zstd]", "chardet", "trio", "trustme", "cryptography", "uvicorn",
        ),
    ),
)  # fmt: skip
MODES = {
    "without": ("-p", "no:diag"),
    "inert": (),
    "active": ("--diag",),
    "active, loaded": ("--diag",),
}


def fetch(suite: Suite, folder: Path) -> Path:
    """Download and unpack a source distribution; its folder."""
    wanted = f"{suite.name}=={suite.version}" if suite.version else suite.name
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        ":all:",
        "-d",
        str(folder),
    ]
    subprocess.run([*pip, wanted], check=True)
    (archive,) = folder.glob(f"{suite.name}-*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def environment(suite: Suite, folder: Path) -> Path:
    """A virtual environment with what the tests need, and this diag; its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    needs = ("pytest", *suite.needs)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *needs, "-e", str(ROOT)], check=True)
    return python


def outcomes(python: Path, source: Path, options: tuple[str, ...], xml: Path) -> dict[str, str]:
    """Run the suite once: the outcome of each test, with what diag says where it is to blame."""
    command = [str(python), "-m", "pytest", "-q", "--junitxml", str(xml), *options]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if not xml.exists():
        raise SystemExit(done.stdout + done.stderr)
    found: dict[str, str] = {}
    for case in ET.parse(xml).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        worst = next((child for child in case if child.tag in {"failure", "error", "skipped"}), None)
        text = "passed" if worst is None else worst.tag
        if worst is not None and "Held the event loop" in (worst.get("message") or ""):
            text = (worst.get("message") or "").splitlines()[0]
        found[name] = text
    return found


@contextlib.contextmanager
def competitors(number: int) -> Iterator[None]:
    """Processes that do nothing but compute."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def measure(suite: Suite, busy: int, folder: Path) -> dict[str, object]:
    """All four runs of a suite, compared."""
    source = fetch(suite, folder)
    python = environment(suite, folder / "venv")
    runs: dict[str, dict[str, str]] = {}
    took: dict[str, float] = {}
    for mode, options in MODES.items():
        with competitors(busy if "loaded" in mode else 0):
            start = time.monotonic()
            runs[mode] = outcomes(python, source, options, folder / f"{mode.replace(', ', '-')}.xml")
            took[mode] = time.monotonic() - start
    bare = runs["without"]
    changed = {
        mode: {name: text for name, text in run.items() if bare.get(name) != text}
        for mode, run in runs.items()
    }
    return {
        "suite": f"{suite.name} {suite.version}",
        "tests": len(bare),
        "failed without": sum(text in {"failure", "error"} for text in bare.values()),
        "seconds": {mode: round(seconds, 1) for mode, seconds in took.items()},
        "changed": changed,
        "added by load": sorted(set(changed["active, loaded"]) - set(changed["active"])),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--suite", choices=[suite.name for suite in SUITES], action="append")
    parser.add_argument("--busy", type=int, default=8)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = []
    for suite in SUITES:
        if arguments.suite and suite.name not in arguments.suite:
            continue
        with tempfile.TemporaryDirectory(prefix="diag-suites-") as folder:
            results.append(measure(suite, arguments.busy, Path(folder)))
        print(json.dumps(results[-1], indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")
    return int(any(r["changed"]["inert"] or r["added by load"] for r in results))


if __name__ == "__main__":
    sys.exit(main())
