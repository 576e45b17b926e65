"""What an analysis tells: handlers, hops, others, fingerprints, allowances, knowledge of the user's own."""

from __future__ import annotations

from textwrap import dedent

import pytest

from diag.finding import Confidence, Severity
from diag.static import BlockKind, RootKind, Rule, StaticOptions, analyse, hurting


@pytest.fixture
def project(tmp_path):
    """Writes files, and analyses them."""

    def write(files, *, targets=(".",), **options):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return analyse([tmp_path / one for one in targets], StaticOptions(root=tmp_path, **options))

    return write


SHOP = {
    "shop/__init__.py": "",
    "shop/api.py": """\
        from fastapi import FastAPI
        from .report import render

        app = FastAPI()

        @app.get("/report")
        async def report():
            return render()

        @app.get("/again")
        async def again():
            return await report(), render()

        def unused():
            render()
        """,
    "shop/report.py": """\
        import time

        def render():
            prepare()

        def prepare():
            time.sleep(0.2)
        """,
}


def test_a_finding_tells_every_call_on_the_way(project):
    """From the handler's own call to what blocks, with lines, columns and what is called."""
    (finding,) = project(SHOP).findings
    assert [(hop.path, hop.line, hop.function, hop.call) for hop in finding.hops] == [
        ("shop/api.py", 8, "report", "shop.report.render"),
        ("shop/report.py", 4, "render", "shop.report.prepare"),
        ("shop/report.py", 7, "prepare", "time.sleep"),
    ]
    assert (finding.location.text, finding.location.column, finding.location.end_column) == ("time.sleep(0.2)", 5, 20)
    assert finding.culprit == 2
    assert (finding.rule, finding.kind, finding.severity) == (Rule.WAIT, BlockKind.WAIT, Severity.ERROR)
    assert finding.confidence is Confidence.HIGH
    assert "asyncio.sleep" in finding.advice


def test_a_culprit_is_told_once_with_all_that_reach_it(project):
    """The nearest handler, and the names of the others."""
    analysis = project(SHOP)
    (finding,) = analysis.findings
    assert (finding.handler.title, finding.handler.kind) == ("GET /report", RootKind.ENDPOINT)
    assert finding.others == ("again",)
    assert [one.title for one in analysis.handlers] == ["GET /report", "GET /again"]
    assert analysis.unknown == ("fastapi",)
    assert (analysis.files, analysis.lines) == (3, 22)


def test_a_fingerprint_outlives_lines_above_it(project):
    """It changes with the culprit's line, and not with where that stands."""
    before = project(SHOP).findings[0].fingerprint
    moved = {**SHOP, "shop/report.py": "# one\n# two\n" + dedent(SHOP["shop/report.py"])}
    assert project(moved).findings[0].fingerprint == before
    changed = {**SHOP, "shop/report.py": dedent(SHOP["shop/report.py"]).replace("0.2", "0.3")}
    assert project(changed).findings[0].fingerprint != before


def test_equal_lines_have_fingerprints_of_their_own(project):
    """Two equal calls in one function are two findings with two identities."""
    found = project({"a.py": "import time\nasync def f():\n    time.sleep(1)\n    time.sleep(1)\n"}).findings
    assert len({one.fingerprint for one in found}) == len(found) == 2


@pytest.mark.parametrize(
    "comment",
    [
        "# diag: allow time.sleep — the device needs it",
        "# diag: allow time.sleep",
        "# diag: allow os.system, time.* - both",
        "# noqa: S110  # diag: allow sleep",
    ],
)
def test_a_comment_allows_a_call(project, comment):
    """At the end of its line, or on a line of its own above."""
    same = project({"a.py": f"import time\nasync def f():\n    time.sleep(1)  {comment}\n"})
    assert (same.findings, len(same.allowed), same.unused) == ((), 1, ())
    above = project({"a.py": f"import time\nasync def f():\n    {comment}\n    time.sleep(1)\n"})
    assert (above.findings, len(above.allowed), above.unused) == ((), 1, ())


def test_a_comment_on_the_way_allows_that_way_only(project):
    """A call of a helper is allowed; another handler's call of the same helper is not."""
    helper = "import time\ndef wait():\n    time.sleep(1)\nasync def a():\n    wait()  # diag: allow time.sleep — short\n"
    alone = project({"a.py": helper})
    assert (alone.findings, len(alone.allowed), alone.unused) == ((), 1, ())
    (finding,) = project({"a.py": helper + "async def b():\n    wait()\n"}).findings
    assert (finding.handler.name, finding.others) == ("b", ())


def test_a_comment_that_allows_nothing_is_told(project):
    """With its line; one that does not say what it allows too."""
    text = "import time\nasync def f():\n    pass  # diag: allow time.sleep — gone\n    # diag: allow\n"
    analysis = project({"a.py": text})
    assert [(one.slug, one.line) for one in analysis.unused] == [("unused-allowance", 3), ("bad-allowance", 4)]


def test_a_comment_within_a_text_allows_nothing(project):
    """Only comments count."""
    analysis = project({"a.py": 'import time\nasync def f():\n    time.sleep(len("# diag: allow time.sleep"))\n'})
    assert len(analysis.findings) == 1


def test_own_knowledge_is_added_and_taken_away(project):
    """Blocking calls of one's own, by import and by the object; harmless ones with a `*`."""
    files = {"a.py": "import legacy, time\nasync def f():\n    legacy.Client().fetch()\n    time.sleep(1)\n"}
    (added, slept) = project(files, blocking=(("legacy.Client.fetch", "`legacy.aio`"),)).findings
    assert (added.call, added.advice) == ("legacy.Client.fetch", "could help: `legacy.aio`")
    assert slept.call == "time.sleep"
    assert project(files, harmless=("time.*",)).findings == ()


def test_harmless_calls_are_findings_that_do_not_hurt(project):
    """They are in the analysis, as INFO, and not among those that hurt."""
    analysis = project({"a.py": "import os\nasync def f():\n    os.stat('x')\n"})
    assert [one.severity for one in analysis.findings] == [Severity.INFO]
    assert hurting(analysis) == ()


def test_tests_are_left_out_of_a_folder_unless_asked_for(project):
    """And a file that is named is always looked at."""
    files = {"tests/test_a.py": "import time\nasync def f():\n    time.sleep(1)\n", "a.py": ""}
    assert project(files).findings == ()
    assert len(project(files, tests=True).findings) == 1
    assert len(project(files, targets=["tests/test_a.py"]).findings) == 1


def test_following_checks_the_handlers_of_what_is_imported(project):
    """Of a module alone only its own handlers; with `follow` those of the project's modules that it imports."""
    files = {
        "main.py": "import jobs\n",
        "jobs.py": "import time\nasync def f():\n    time.sleep(1)\n",
        "other.py": "import time\nasync def g():\n    time.sleep(1)\n",
    }
    assert project(files, targets=["main.py"]).findings == ()
    (found,) = project(files, targets=["main.py"], follow=True).findings
    assert found.handler.name == "f"


def test_installed_packages_are_judged_by_their_own_code(project, tmp_path):
    """The culprit is the project's call into the package; the way through the package is told."""
    site = {
        "site/vendor/__init__.py": "from .client import Client\n",
        "site/vendor/client.py": """\
            import socket, threading
            class Client:
                def __init__(self):
                    self.lock = threading.Lock()
                def send(self, data):
                    with self.lock:
                        return self._send(data)
                def _send(self, data):
                    return socket.create_connection(("x", 1)).sendall(data)
                async def asend(self, data):
                    self.send(data)
            """,
    }
    app = {"app/main.py": "import vendor\nclient = vendor.Client()\nasync def f():\n    client.send(b'')\n    await client.asend(b'')\n"}
    analysis = project({**site, **app}, targets=["app"], search_path=(tmp_path / "site",))
    (finding,) = analysis.findings
    assert (finding.culprit, finding.location.line) == (0, 4)
    assert [(hop.own, hop.call) for hop in finding.hops] == [
        (True, "vendor.client.Client.send"),
        (False, "vendor.client.Client._send"),
        (False, "socket.create_connection"),
    ]
    assert (analysis.packages, analysis.unknown) == (("vendor",), ())


def test_what_is_written_by_hand_spares_the_packages_code(project, tmp_path):
    """A package with a summary is not read, though it is installed."""
    files = {"site/requests/__init__.py": "this is no Python", "app/a.py": "import requests\nasync def f():\n    requests.get('x')\n"}
    analysis = project(files, targets=["app"], search_path=(tmp_path / "site",))
    assert [one.call for one in analysis.findings] == ["requests.get"]
    assert (analysis.packages, analysis.summarised, analysis.problems) == ((), ("requests",), ())
