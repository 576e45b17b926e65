"""The user's own code is told from libraries and from diag."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

import diag
from diag.own_code import is_own_file, own_lines, own_traceback

DIAG = Path(diag.__file__).parent


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/home/me/shop/api.py", True),
        (json.__file__, False),
        (httpx.__file__, False),
        ("<frozen importlib._bootstrap>", False),
        ("<string>", False),
        ("/home/me/shop/.venv/lib/python3.12/site-packages/x/y.py", False),
        (str(DIAG / "agent" / "install.py"), False),
        (str(DIAG / "_workloads" / "blocking_sleep.py"), True),
        (str(DIAG) + "_shop/api.py", True),
    ],
)
def test_a_file_is_the_users_or_not(path: str, own: bool) -> None:
    assert is_own_file(path) is own


def test_a_root_makes_a_library_the_users_own_but_not_what_is_installed_below_it() -> None:
    root = str(Path(json.__file__).parent)
    assert is_own_file(json.__file__, (root,))
    assert not is_own_file("/srv/site-packages/x.py", ("/srv",))


def test_a_group_of_exceptions_is_shortened_in_every_member() -> None:
    def failing() -> None:
        try:
            json.loads("{")
        except ValueError as error:
            raise ExceptionGroup("several", [error]) from None

    with pytest.raises(ExceptionGroup) as caught:
        failing()
    text = own_traceback(caught.value)
    assert "test_own_code.py" in text
    assert "decoder.py" not in text
    assert "JSONDecodeError" in text


def test_a_logs_tracebacks_lose_their_library_frames_and_nothing_else() -> None:
    log = f"""\
INFO: starting
ERROR: Traceback (most recent call last):
  File "{httpx.__file__}", line 10, in get
    call()
    ^^^^^^
  File "/home/me/api.py", line 3, in work
    boom()
  File "{json.__file__}", line 4, in loads
    raise
ValueError: no

    an indented line
done"""
    assert (
        own_lines(log)
        == """\
INFO: starting
ERROR: Traceback (most recent call last):
  File "/home/me/api.py", line 3, in work
    boom()
ValueError: no

    an indented line
done"""
    )
