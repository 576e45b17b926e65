"""What is kept between runs: the same answers, from what is unchanged, and never from a broken file."""

from __future__ import annotations

import pytest

from diag.static import StaticOptions, analyse, loading


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Analyses a project with a cache and counts the files that are parsed."""
    source = tmp_path / "project"
    source.mkdir()
    (source / "a.py").write_text("import b\nasync def f():\n    b.wait()\n")
    (source / "b.py").write_text("import time\ndef wait():\n    time.sleep(1)\n")
    parsed = []
    real = loading._parsed
    monkeypatch.setattr(loading, "_parsed", lambda data: parsed.append(data) or real(data))

    def once():
        parsed.clear()
        options = StaticOptions(root=source, cache=tmp_path / "cache")
        return analyse([source], options), len(parsed)

    return once


def test_nothing_is_parsed_again_while_nothing_changes(run):
    """The second answer is the first."""
    first, parsed = run()
    assert (parsed, len(first.findings)) == (2, 1)
    assert run() == (first, 0)


def test_only_what_changed_is_parsed_again(run, tmp_path):
    """And the answer is new."""
    run()
    (tmp_path / "project" / "b.py").write_text("def wait():\n    pass\n")
    analysis, parsed = run()
    assert (analysis.findings, parsed) == ((), 1)


def test_a_new_file_is_seen(run, tmp_path):
    """It may be what an import was looking for."""
    run()
    (tmp_path / "project" / "c.py").write_text("import time\nasync def g():\n    time.sleep(1)\n")
    analysis, parsed = run()
    assert (len(analysis.findings), parsed) == (2, 1)


@pytest.mark.parametrize("damage", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_cache_is_ignored(run, tmp_path, damage):
    """The answer is the same, and the cache is made anew."""
    first, _ = run()
    (path,) = (tmp_path / "cache").glob("*.sqlite")
    path.write_bytes(damage)
    again, parsed = run()
    assert (again, parsed) == (first, 2)


def test_broken_values_are_ignored(run, tmp_path):
    """Values that are no lowered module or analysis are as good as none."""
    import sqlite3

    first, _ = run()
    (path,) = (tmp_path / "cache").glob("*.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("update modules set lowered = x'c1ff00'")
        connection.execute("update analyses set answer = x'93010203'")
    connection.close()
    again, parsed = run()
    assert (again, parsed) == (first, 2)


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path):
    """As if there were no cache."""
    (tmp_path / "a.py").write_text("async def f(): pass\n")
    (tmp_path / "file").write_text("")
    assert analyse([tmp_path / "a.py"], StaticOptions(root=tmp_path, cache=tmp_path / "file" / "x")).files == 1
