"""Where recordings go that nobody named."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest

from diag.errors import RecordingError
from diag.recording import Machine, Meta
from diag.store import RecordingWriter
from diag.store.folder import default_path, prune, state_folder

META = Meta(
    schema_version=1,
    diag_version="0.1.0",
    argv=(),
    target="t",
    target_kind="app",
    roots=(),
    created_utc="",
    seed=0,
    threshold_ns=1,
    machine=Machine(python="", implementation="", platform="", cores=1, memory_bytes=1),
)
NOW = datetime.datetime(2026, 11, 20, 8, 15)


def test_the_folder_is_the_users_state() -> None:
    """As the XDG base directory specification has it: a relative value is to be ignored."""
    assert state_folder({"XDG_STATE_HOME": "/x"}) == Path("/x/diag")
    for environ in ({}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "relative"}):
        assert state_folder(environ) == Path.home() / ".local/state/diag"


def test_without_a_home_the_user_is_asked_for_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container with an unknown user id."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    with pytest.raises(RecordingError) as caught:
        state_folder({})
    assert "--output" in caught.value.next_step


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("workloads/blocking_sleep.py", "blocking_sleep"),
        ("shop.api:app", "shop.api-app"),
        ("../../etc/../x.py", "x"),
        ("a b/ü\x1b;rm -rf.py", "rm-rf"),
        ("...", "target"),
        ("x" * 300, "x" * 40),
        ("dir/", "dir"),
    ],
)
def test_the_name_tells_target_and_time(target: str, name: str) -> None:
    """With nothing in it that a shell or a file system minds."""
    path = default_path(target, environ={"XDG_STATE_HOME": "/x"}, now=NOW)
    assert path == Path(f"/x/diag/diag-{name}-20261120-081500-{os.getpid()}.diag")


def test_the_oldest_recordings_are_removed_and_nothing_else(tmp_path: Path) -> None:
    """Other files stay, whatever their name; a missing folder is no error."""
    for number in range(6):
        path = tmp_path / f"diag-a-{number}.diag"
        with RecordingWriter(path, META):
            pass
        os.utime(path, (1_000 + number, 1_000 + number))
    others = [tmp_path / "diag-notes.diag", tmp_path / "other.txt", tmp_path / "diag-empty.diag"]
    for path in others[:2]:
        path.write_text("mine")
    others[2].touch()
    link = tmp_path / "diag-link.diag"
    link.symlink_to(tmp_path / "diag-a-0.diag")
    for path in others:
        os.utime(path, (1, 1))
    prune(tmp_path, keep=4)
    assert not (tmp_path / "diag-a-0.diag").exists()
    assert not (tmp_path / "diag-a-1.diag").exists()
    assert all((tmp_path / f"diag-a-{number}.diag").exists() for number in range(2, 6))
    assert all(path.exists() for path in others)
    assert link.is_symlink()
    prune(tmp_path / "missing")
