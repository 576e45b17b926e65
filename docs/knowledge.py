"""Make the summaries of published packages again: `diag/static/knowledge/generated`.

    python docs/knowledge.py                  # all of them
    python docs/knowledge.py spotipy tika     # some

Each wheel is downloaded with pip, unpacked into a folder of its own and analysed; nothing of it is installed or
run. A package is left out if it has no wheel that runs here, or if no public call of it blocks.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from diag.static.knowledge.effects import Summary
from diag.static.knowledge.lookup import GENERATED
from diag.static.summarise import summarise

PACKAGES = Path(__file__).with_suffix(".txt")
"""Names on the index, of widely used packages that no summary is written for by hand, one a line."""

NOT_THEIRS = frozenset({"tests", "test", "docs", "examples", "integrations", "jenkinsapi_tests"})
"""Modules that lie in wheels by mistake, under names that could be anybody's."""

LARGEST = 150_000
"""Bytes of a summary: a larger one is of a generated client, whose calls all do the same; write it by hand."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("packages", nargs="*", default=PACKAGES.read_text().split())
    options = parser.parse_args()
    GENERATED.mkdir(exist_ok=True)
    written = sum(_made(name) for name in options.packages)
    print(f"{written} summaries written to {GENERATED}")
    return 0


def _made(name: str) -> int:
    """Download, unpack and summarise one; how many summaries it gave."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        command = ["pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", text, name]
        if subprocess.run([sys.executable, "-m", *command], capture_output=True, check=False).returncode:
            print(f"{name}: no wheel")
            return 0
        (wheel,) = folder.glob("*.whl")
        version = wheel.name.split("-")[1]
        unpacked = folder / "unpacked"
        unpacked.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked, [one for one in archive.namelist() if one.endswith(".py")])
        begin = time.monotonic()
        summaries = summarise(unpacked, tuple(_packages(unpacked)), version)
        print(f"{name} {version}: {time.monotonic() - begin:.1f} s", flush=True)
        return sum(_written(package, summary) for package, summary in summaries.items())


def _packages(folder: Path) -> Iterator[str]:
    """The modules that a wheel brings; of a namespace package, those in it."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".py":
            yield path.stem
        elif path.is_dir() and path.name.isidentifier() and path.name not in NOT_THEIRS:
            yield from _regular(path, path.name)


def _regular(path: Path, name: str) -> Iterator[str]:
    if (path / "__init__.py").exists():
        yield name
        return
    for inner in sorted(path.iterdir()):
        if inner.is_dir():
            yield from _regular(inner, f"{name}.{inner.name}")
        elif inner.suffix == ".py":
            yield f"{name}.{inner.stem}"


def _written(package: str, summary: Summary) -> bool:
    data = msgspec.json.encode(summary)
    calls = sum(len(group.calls.split()) for group in summary.blocking)
    print(f"    {package}: {calls} calls, {len(data):,} bytes{'; left out' if len(data) > LARGEST else ''}")
    if len(data) <= LARGEST:
        (GENERATED / f"{package}.json").write_bytes(data + b"\n")
    return len(data) <= LARGEST


if __name__ == "__main__":
    sys.exit(main())
