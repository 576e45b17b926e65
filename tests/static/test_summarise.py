"""A package's summary says of its public names what the analysis of its source would find."""

from __future__ import annotations

import textwrap
from pathlib import Path

import msgspec
import pytest

from diag.static import StaticOptions, analyse, hurting
from diag.static.knowledge import lookup
from diag.static.knowledge.effects import Summary, read_summary
from diag.static.summarise import summarise

FILES = {
    "shopclient/__init__.py": """
        from ._version import version
        from .client import *
        from .files import read_all
        """,
    "shopclient/_version.py": "version = '1'",
    "shopclient/client.py": """
        import time
        import requests

        class Base:
            def wait(self):
                time.sleep(1)

        class Client(Base):
            def __init__(self, token):
                self.session = requests.Session()

            def orders(self):
                return self._get("/orders")

            def _get(self, path):
                return self.session.get(path)

            async def orders_async(self):
                time.sleep(1)

            def describe(self):
                return "a client"

        def connect(token) -> Client:
            return Client(token)
        """,
    "shopclient/files.py": """
        def read_all(path):
            with open(path) as file:
                return file.read()
        """,
    "shopclient/tests/test_it.py": "import time\ndef test(): time.sleep(1)\n",
}
USER = """
import shopclient

async def handler():
    client = shopclient.connect("token")
    client.describe()
    client.orders()  # BLOCKS
    client.wait()  # BLOCKS
    return shopclient.Client("other").orders()  # BLOCKS
"""


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    for name, text in FILES.items():
        path = tmp_path / "packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return summarise(tmp_path / "packages", ("shopclient",), "1.0")["shopclient"]


def test_public_names_that_hurt_are_told_and_what_reads_a_file_is_not(summary: Summary) -> None:
    told = {name: group.severity for group in summary.blocking for name in group.calls.split()}
    assert told == {
        "shopclient.client.Base.wait": "error",
        "shopclient.client.Client.orders": "error",
    }


def test_types_bases_and_other_names_lead_to_them(summary: Summary) -> None:
    assert summary.returns == {"shopclient.client.connect": "shopclient.client.Client"}
    assert summary.bases == {"shopclient.client.Client": "shopclient.client.Base"}
    assert summary.aliases["shopclient.Client"] == "shopclient.client.Client"
    assert summary.aliases["shopclient.connect"] == "shopclient.client.connect"
    assert "shopclient.read_all" not in summary.aliases


def test_what_a_summary_says_is_found_where_the_package_is_not_installed(
    summary: Summary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "generated"
    folder.mkdir()
    (folder / "shopclient.json").write_bytes(msgspec.json.encode(summary))
    monkeypatch.setattr(lookup, "GENERATED", folder)
    path = tmp_path / "app.py"
    path.write_text(USER)
    found = hurting(analyse([path], StaticOptions(root=tmp_path)))
    marked = [number for number, line in enumerate(USER.splitlines(), 1) if line.endswith("# BLOCKS")]
    assert [one.location.line for one in found] == marked


def test_every_generated_summary_can_be_read() -> None:
    paths = sorted(lookup.GENERATED.glob("*.json"))
    assert len(paths) >= 150
    for path in paths:
        summary = read_summary(path)
        assert summary.version, path
        assert summary.blocking or summary.aliases, path
