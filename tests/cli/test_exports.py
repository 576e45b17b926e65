"""The page from the command line."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest
from scenes import compared, shop

import diag.store
from diag.cli import main
from diag.recording import Recording


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Recording], Path]:
    """A file that is read as a recording."""

    def store(recording: Recording) -> Path:
        monkeypatch.setattr(diag.store, "read_recording", lambda path: recording)
        return tmp_path / "found.diag"

    return store


def test_html_writes_the_page(stored, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The result is printed as ever, and the exit code is the verdict's."""
    page = tmp_path / "report.html"
    assert main(["report", str(stored(shop())), "--html", str(page)]) == 1
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    said = capsys.readouterr()
    assert "BLOCKED" in said.out
    assert str(page) in said.err


def test_a_comparison_has_a_page(stored, tmp_path: Path) -> None:
    """With the same option."""
    page = tmp_path / "compared.html"
    assert main(["report", str(stored(compared())), "--html", str(page), "-q"]) == 0
    assert "Throughput" in page.read_text(encoding="utf-8")


def test_no_source(stored, tmp_path: Path) -> None:
    """No line of source is in it."""
    page = tmp_path / "report.html"
    main(["report", str(stored(shop())), "--html", str(page), "--no-source", "-q"])
    assert "time.sleep(0.1)" not in page.read_text(encoding="utf-8")


def test_open_shows_the_page(stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the recording, where --html does not say."""
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    recording = stored(shop())
    main(["report", str(recording), "--open", "-q"])
    page = recording.with_suffix(".html")
    assert page.exists()
    assert opened == [page.as_uri()]


def test_without_a_browser_it_says_where_the_page_is(
    stored, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing fails."""
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    recording = stored(shop())
    assert main(["report", str(recording), "--open", "-q"]) == 1
    assert str(recording.with_suffix(".html")) in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_known_at_once(
    stored, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the command that makes it."""
    assert main(["report", str(stored(shop())), "--html", str(tmp_path / "no" / "report.html")]) == 2
    assert "mkdir -p" in capsys.readouterr().err
