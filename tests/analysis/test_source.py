"""What source text tells of a line, and whose file it is."""

from __future__ import annotations

import os.path

import pytest
from recordings import APP, SOURCE, Scene

import diag
from diag.analysis.source import Code, Line, package

TEXT = """\
import time
import urllib.request as web
from subprocess import run as start


class Shop:
    def total(self):
        return sum(x for x in [1])

    async def get(self):
        def inner():
            with self._lock:
                time.sleep(1)
        inner()
        return web.urlopen("http://x"), start(["true"]), self.db.execute("select 1")


while n < 10:
    n += 1
for i in range(3):
    pass
for row in cursor:
    pass
"""
PATH = "/srv/shop/shop.py"


@pytest.fixture
def code() -> Code:
    """The code of one file."""
    return Code({PATH: TEXT}, ("/srv/shop",))


@pytest.mark.parametrize(
    ("line", "name"),
    [(7, "Shop.total"), (8, "Shop.total"), (12, "Shop.get.<locals>.inner"), (14, "Shop.get"), (18, "")],
)
def test_functions_have_their_qualified_names(code: Code, line: int, name: str) -> None:
    assert code.function(PATH, line) == name


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        (13, {"time.sleep"}),
        (15, {"urllib.request.urlopen", "subprocess.run", ".execute"}),
        (12, {"._lock.__enter__"}),
        (1, set()),
    ],
)
def test_calls_are_resolved_through_imports(code: Code, line: int, calls: set[str]) -> None:
    assert set(code.calls(PATH, line)) == calls


@pytest.mark.parametrize(("line", "counts"), [(18, True), (20, True), (22, False), (19, False)])
def test_loops_that_only_count_are_known(code: Code, line: int, counts: bool) -> None:
    assert code.counts(PATH, line) is counts


@pytest.mark.parametrize(
    ("path", "mine"),
    [
        ("/srv/shop/app.py", True),
        ("/srv/shop/deep/er.py", True),
        ("/srv/shopping/app.py", False),
        ("/srv/shop/.venv/lib/python3.11/site-packages/x.py", False),
        ("/srv/shop/venv/lib/x.py", False),
        ("/usr/lib/python3.11/json/__init__.py", False),
        ("<string>", False),
        ("<frozen importlib._bootstrap>", False),
    ],
)
def test_the_users_files_lie_below_a_root_and_are_not_installed(code: Code, path: str, mine: bool) -> None:
    assert code.is_user(path) is mine


def test_diags_own_files_are_nobodys_culprit_and_its_workloads_are() -> None:
    package_folder = os.path.dirname(os.path.abspath(diag.__file__))
    code = Code({}, (os.path.dirname(package_folder),))
    assert not code.is_user(f"{package_folder}/agent/lane.py")
    assert code.is_user(f"{package_folder}/_workloads/blocking_sleep.py")
    assert code.is_user(f"{os.path.dirname(package_folder)}/workloads/blocking_sleep.py")


def test_a_root_inside_site_packages_is_a_root() -> None:
    root = "/usr/lib/python3/dist-packages/diag/_workloads"
    assert Code({}, (root,)).is_user(f"{root}/blocking_sleep.py")


def test_where_diag_lay_when_it_recorded_is_known_from_its_canary() -> None:
    code = Code.of(Scene(roots=("/opt",)).recording())
    assert not code.is_user("/opt/diag/frameworks/hosted.py")
    assert code.is_user("/opt/other/app.py")


def test_a_location_is_relative_to_its_root_and_has_its_text() -> None:
    place = Code({APP: SOURCE}, ("/srv", "/srv/shop")).location(Line(APP, 10, "report"))
    assert (place.path, place.absolute, place.text) == ("app.py", APP, "time.sleep(0.1)")


def test_source_that_is_not_python_still_shows_its_lines() -> None:
    code = Code({PATH: "def broken(:\n    x"}, ("/srv",))
    assert (code.text(PATH, 2), code.function(PATH, 2), code.calls(PATH, 2)) == ("x", "", ())


def test_a_line_beyond_the_file_has_no_text() -> None:
    assert Code({PATH: "x"}, ("/srv",)).text(PATH, 99) == ""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/venv/lib/python3.11/site-packages/starlette/routing.py", "starlette"),
        ("/usr/lib/python3/dist-packages/six.py", "six"),
        ("/usr/lib/python3.11/json/encoder.py", ""),
    ],
)
def test_installed_files_belong_to_a_package(path: str, name: str) -> None:
    assert package(path) == name
