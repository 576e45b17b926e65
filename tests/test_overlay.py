"""Changed text in place of files: what every process of a target then loads, and what stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from diag import overlay


def run(folder: Path, texts: Mapping[str, str], *arguments: str) -> str:
    """What a Python with an overlay prints, errors included."""
    variables = overlay.write(
        str(folder / "private"), {str(folder / name): text for name, text in texts.items()}
    )
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_a_package_is_imported_with_the_changed_text(tmp_path: Path) -> None:
    """Even where Python has compiled the file before; what is on the disk does not change."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "api.py").write_text("VALUE = 1\n")
    line = "import shop.api; print(shop.api.VALUE, shop.api.__file__)"
    writing = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", line], cwd=tmp_path, env=writing, check=True, capture_output=True)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(path.suffix == ".pyc" for path in before)
    said = run(tmp_path, {"shop/api.py": "VALUE = 2\n"}, "-c", line)
    assert said.split() == ["2", str(package / "api.py")]
    after = {
        path: path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file() and "private" not in path.parts
    }
    assert after == before


def test_tracebacks_and_inspect_show_the_changed_text(tmp_path: Path) -> None:
    """Under the file's own name, at the changed text's lines."""
    (tmp_path / "work.py").write_text("def work():\n    return 1\n")
    changed = "# one line more\ndef work():\n    raise ValueError('new')\n"
    line = "import inspect, work; print(inspect.getsource(work.work)); work.work()"
    said = run(tmp_path, {"work.py": changed}, "-c", line)
    assert "raise ValueError('new')" in said.partition("Traceback")[0]
    assert f'File "{tmp_path}/work.py", line 3, in work\n    raise ValueError' in said


def test_a_script_and_what_it_spawns_run_the_changed_text(tmp_path: Path) -> None:
    """A spawned process loads the script anew, as `multiprocessing` does it, and imports modules."""
    (tmp_path / "tool.py").write_text("NAME = 'old'\n")
    (tmp_path / "main.py").write_text("print('old main')\n")
    changed = """
import multiprocessing, tool
def told():
    return tool.NAME, TELLING
TELLING = 'new main'
if __name__ == '__main__':
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        print(pool.apply(told))
"""
    agent = str(Path(overlay.__file__).parent / "agent" / "__main__.py")
    said = run(tmp_path, {"main.py": changed, "tool.py": "NAME = 'new'\n"}, agent, "main.py")
    assert said.strip() == "('new', 'new main')"


def test_a_file_keeps_its_encoding(tmp_path: Path) -> None:
    """The text says in its first line how it is encoded, and is read so."""
    head = "# -*- coding: latin-1 -*-\n"
    (tmp_path / "shop.py").write_bytes(f"{head}NAME = 'café'\n".encode("latin-1"))
    said = run(tmp_path, {"shop.py": f"{head}NAME = 'thé'\n"}, "-c", "import shop; print(ascii(shop.NAME))")
    assert said.strip() == r"'th\xe9'"


def test_the_targets_own_sitecustomize_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is found under its name afterwards."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("print('mine')\n")
    line = "import sitecustomize; print(sitecustomize.__file__)"
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    said = run(tmp_path, {}, "-c", line)
    assert said.split() == ["mine", str(tmp_path / "site" / "sitecustomize.py")]


def test_messages_between_processes_are_counted(tmp_path: Path) -> None:
    """Their number, their bytes, and how long pickling them took."""
    folder = tmp_path / "private"
    variables = overlay.write(str(folder), {}, pickles=True)
    program = """
import multiprocessing
if __name__ == '__main__':
    with multiprocessing.get_context('fork').Pool(1) as pool:
        print(len(pool.apply(bytes, (100_000,))))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "100000"
    messages, octets, ns = overlay.read_pickles(str(folder))
    assert messages >= 2
    assert octets > 100_000
    assert ns > 0
    assert overlay.read_pickles(str(tmp_path / "nowhere")) == (0, 0, 0)
