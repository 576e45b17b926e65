"""Files are written whole, in their own encoding and with their own line ends, or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from diag.fixing import State, look, write
from diag.fixing import files as module
from diag.fixing.files import FixError

BEFORE = "import time\n\ntime.sleep(1)  # größer\n"
AFTER = "import asyncio\nimport time\n\nawait asyncio.sleep(1)  # größer\n"


def fixed(path: Path, before: str = BEFORE, after: str = AFTER) -> bytes:
    seen = look(str(path), before, after)
    assert seen.state is State.AS_MEASURED
    write(seen)
    assert look(str(path), before, after).state is State.FIXED
    return path.read_bytes()


def test_the_mode_stays_and_nothing_is_left_beside_the_file(tmp_path):
    path = tmp_path / "app.py"
    path.write_text(BEFORE, encoding="utf-8")
    path.chmod(0o751)
    assert fixed(path) == AFTER.encode()
    assert path.stat().st_mode & 0o777 == 0o751
    assert os.listdir(tmp_path) == ["app.py"]


def test_line_ends_and_byte_order_mark_stay(tmp_path):
    path = tmp_path / "app.py"
    path.write_bytes(b"\xef\xbb\xbf" + BEFORE.replace("\n", "\r\n").encode())
    assert fixed(path) == b"\xef\xbb\xbf" + AFTER.replace("\n", "\r\n").encode()


def test_mixed_line_ends_stay_where_nothing_is_changed(tmp_path):
    path = tmp_path / "app.py"
    path.write_bytes(b"a = 1\r\nb = 2\r\nc = 3\n")
    after = fixed(path, "a = 1\nb = 2\nc = 3\n", "a = 1\nb = 4\nc = 3\n")
    assert after == b"a = 1\r\nb = 4\r\nc = 3\n"


def test_the_encoding_that_the_file_names_stays(tmp_path):
    path = tmp_path / "app.py"
    head = "# -*- coding: latin-1 -*-\n"
    path.write_bytes((head + BEFORE).encode("latin-1"))
    assert fixed(path, head + BEFORE, head + AFTER) == (head + AFTER).encode("latin-1")


def test_a_letter_that_the_encoding_does_not_have_is_refused(tmp_path):
    path = tmp_path / "app.py"
    path.write_bytes(b"# coding: ascii\nx = 1\n")
    with pytest.raises(FixError) as refused:
        look(str(path), "# coding: ascii\nx = 1\n", "# coding: ascii\nx = 'ä'\n")
    assert refused.value.slug == "fix-unencodable"


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.py", tmp_path / "link.py"
    real.write_text(BEFORE, encoding="utf-8")
    link.symlink_to(real)
    fixed(link)
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == AFTER


def test_what_was_changed_or_removed_or_fixed_is_told_apart(tmp_path):
    path = tmp_path / "app.py"
    assert look(str(path), BEFORE, AFTER).state is State.MISSING
    path.write_text(BEFORE + "# more\n", encoding="utf-8")
    assert look(str(path), BEFORE, AFTER).state is State.CHANGED
    path.write_bytes(b"\xff\xfe")
    assert look(str(path), BEFORE, AFTER).state is State.CHANGED
    path.write_text(AFTER, encoding="utf-8")
    assert look(str(path), BEFORE, AFTER).state is State.FIXED


def test_a_file_that_changes_between_look_and_write_is_left_alone(tmp_path):
    path = tmp_path / "app.py"
    path.write_text(BEFORE, encoding="utf-8")
    seen = look(str(path), BEFORE, AFTER)
    path.write_text("mine = 1\n")
    with pytest.raises(FixError) as refused:
        write(seen)
    assert refused.value.slug == "fix-changed"
    assert path.read_text() == "mine = 1\n"


@pytest.mark.parametrize("moment", ["fsync", "replace", "fchmod", "fdopen"])
def test_an_interrupt_at_any_moment_leaves_the_file_and_its_folder_as_they_were(
    tmp_path, monkeypatch, moment
):
    path = tmp_path / "app.py"
    path.write_text(BEFORE, encoding="utf-8")
    seen = look(str(path), BEFORE, AFTER)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module.os, moment, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(seen)
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == BEFORE
    assert os.listdir(tmp_path) == ["app.py"]


def test_a_killed_writer_leaves_one_text_or_the_other(tmp_path):
    path = tmp_path / "app.py"
    texts = ["# a\n" * 20_000, "# b\n" * 20_000]
    path.write_text(texts[0])
    code = (
        "import sys\nfrom diag.fixing import look, write\na, b = ('# a\\n' * 20_000, '# b\\n' * 20_000)\n"
        "print('ready', flush=True)\n"
        "while True:\n    write(look(sys.argv[1], a, b)); write(look(sys.argv[1], b, a)); print('done', flush=True)\n"
    )
    for rounds in range(4):
        with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for _ in range(1 + rounds):
                writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
        now = path.read_text()
        assert now in texts
        path.write_text(texts[0])


def test_a_read_only_file_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "app.py"
    path.write_text(BEFORE, encoding="utf-8")
    monkeypatch.setattr(module.os, "access", lambda *_: False)  # who runs the tests may be root
    with pytest.raises(FixError) as refused:
        write(look(str(path), BEFORE, AFTER))
    assert refused.value.slug == "fix-unwritable"
    assert path.read_text(encoding="utf-8") == BEFORE
