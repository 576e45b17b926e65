"""Which source is not shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scenes import shop
from verdicts import BLOCKED

from diag.reports.html import pieces
from diag.reports.html.withheld import command, holds_secrets, without_source
from diag.rules import judge


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/srv/.env", ""),
        ("/srv/.env.production", ""),
        ("/srv/server.pem", ""),
        ("/root/.ssh/id_ed25519", ""),
        ("/srv/shop/secrets.py", ""),
        ("/srv/app.py", "KEY = '''-----BEGIN RSA PRIVATE KEY-----\nMIIE"),
        ("/srv/app.py", "client(access='AKIAIOSFODNN7EXAMPLE')"),
        ("/srv/app.py", "API_TOKEN = 'f3b1c9d07e5a4426'"),
        ("/srv/app.py", 'db_password: str = "hT7-kq92.LmZ"'),
        ("/srv/app.py", "settings = {'secret_key': 'django-insecure-4x8v!k2'}"),
        ("/srv/app.py", "login(password=b'9fK2-vv81-QwZx')"),
    ],
)
def test_files_that_hold_secrets(path: str, text: str) -> None:
    """By their name, by a known form, or by a random literal with a telling name."""
    assert holds_secrets(path, text)


@pytest.mark.parametrize(
    "text",
    [
        "password = input('password: ')",
        "token = os.environ['API_TOKEN']",
        "PASSWORD_FIELD = 'password_confirmation'",
        "TOKEN_URL = 'https://example.org/oauth2/token'",
        "secret = 'changeme'",
        "def check_password(password: str) -> bool:",
        "key = 'a1b2c3d4e5f6a7b8'",
    ],
)
def test_files_that_hold_none(text: str) -> None:
    """Names alone are no secrets, nor are words."""
    assert not holds_secrets("/srv/app.py", text)


def test_secret_files_are_left_out_of_pages() -> None:
    """All of them, in every part of the page."""
    recording = shop()
    (path,) = recording.sources
    assert "time.sleep(0.1)" in page(recording)
    secret = replace(recording, sources={path: recording.sources[path] + "\nTOKEN = 'f3b1c9d07e5a4426'\n"})
    text = page(secret)
    assert "time.sleep(0.1)" not in text
    assert "f3b1c9d07e5a4426" not in text
    assert "looks as if it held a secret" in text


def test_no_source() -> None:
    """Neither as an excerpt nor in the data."""
    text = page(shop(), source=False)
    assert "time.sleep(0.1)" not in text
    assert "--no-source" in text


def page(recording, **options: object) -> str:
    return "".join(pieces(recording, judge(recording), **options))


def test_only_the_text_of_lines_goes() -> None:
    """Places stay, and so do lines of other files."""
    place = BLOCKED.findings[0].location
    assert place.text
    (found,) = without_source(replace(BLOCKED, findings=BLOCKED.findings[:1]), None).findings
    assert found.location == replace(place, text="")
    assert without_source(BLOCKED, ["/elsewhere.py"]) == BLOCKED


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (("/usr/bin/diag", "explain", "app.py"), "diag explain app.py"),
        (("diag", "--header", "Authorization: Bearer abc"), "diag --header 'Authorization: ***'"),
        (("diag", "--header", "X-Api-Key: abc"), "diag --header 'X-Api-Key: ***'"),
        (("diag", "--header=Cookie: a=b"), "diag '--header=Cookie: ***'"),
        (("diag", "--header", "Accept: text/html"), "diag --header 'Accept: text/html'"),
        (
            ("diag", "--request", 'POST /login {"password": "abc", "n": 1}'),
            """diag --request 'POST /login {"password": "***", "n": 1}'""",
        ),
        (("diag", "--param", "token=abc"), "diag --param token=***"),
        (("diag", "--param", "n=3"), "diag --param n=3"),
    ],
)
def test_commands_hide_credentials(argv: tuple[str, ...], shown: str) -> None:
    """A header that authenticates is shown without its value."""
    assert command(argv) == shown
