"""Output files: whole or not there, whatever happens; never in the place of a recording."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from diag.reports.files import FileError, check_writable, write_report


def breaking(error: BaseException) -> Iterator[str]:
    """A report that fails half-way."""
    yield "half"
    raise error


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), KeyboardInterrupt(), OSError(28, "No space left on device")]
)
def test_a_half_written_report_is_removed_and_an_old_one_stays(tmp_path: Path, error: BaseException) -> None:
    """Whether a bug, Ctrl-C or a full disk breaks it off."""
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises((type(error), FileError)):
        write_report(path, breaking(error))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_report_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    """A temporary file is its owner's alone; a report is not. An old file keeps what it had."""
    path, old = tmp_path / "new", tmp_path / "old"
    old.touch(mode=0o600)
    for one in (path, old):
        write_report(one, ["text"])
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert stat.S_IMODE(old.stat().st_mode) == 0o600


def test_a_link_is_followed(tmp_path: Path) -> None:
    """What it points at is replaced, and it stays a link."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_report(tmp_path / "link", ["new"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_device_is_written_as_it_is() -> None:
    """Such as /dev/stdout, and nothing is put in its place."""
    write_report(Path("/dev/null"), ["text"])
    assert not stat.S_ISREG(os.stat("/dev/null").st_mode)


def test_a_recording_is_never_replaced(tmp_path: Path) -> None:
    """One slip of the keyboard must not cost a long run."""
    path = tmp_path / "run.diag"
    path.write_bytes(b"SQLite format 3\0" + b"more")
    with pytest.raises(FileError, match="a recording is there"):
        check_writable(path)
    with pytest.raises(FileError, match="a recording is there"):
        write_report(path, ["text"])
    assert path.read_bytes().startswith(b"SQLite")


def test_what_cannot_be_written_is_known_before_the_run(tmp_path: Path) -> None:
    """A missing folder, or a folder in the file's place; nothing is left behind by the trial."""
    with pytest.raises(FileError, match="No such file") as missing:
        check_writable(tmp_path / "nowhere" / "report.json")
    assert missing.value.next_step == f"Make it first: mkdir -p {tmp_path / 'nowhere'}"
    with pytest.raises(FileError, match="folder"):
        check_writable(tmp_path)
    check_writable(tmp_path / "fine")
    assert os.listdir(tmp_path) == []
