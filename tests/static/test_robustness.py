"""No source stops an analysis: what cannot be read is told, and the rest is judged."""

from __future__ import annotations

import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diag.static import StaticOptions, analyse
from diag.static.loading import UnreadableError, lowered

GOOD = b"import time\nasync def good():\n    time.sleep(1)\n"


def _analysed(folder, **files):
    for name, data in files.items():
        (folder / f"{name}.py").write_bytes(data)
    return analyse([folder], StaticOptions(root=folder))


@pytest.mark.parametrize(
    ("data", "slug", "line"),
    [
        (b"def f(:\n    pass\n", "syntax-error", 1),
        (b"x = 1\n\nasync def f()\n    pass\n", "syntax-error", 3),
        (b"x = 1\ny = '\0'\n", "syntax-error", 2),
        (b"x = 1\ny = '\xff\xfe'\n", "wrong-encoding", 2),
        (b"# -*- coding: klingon -*-\n", "wrong-encoding", 1),
        (b"x = " + b"(" * 5000 + b")" * 5000, "syntax-error", 1),
        (b"x = " + b"-" * 100_000 + b"1\n", "too-deep", 0),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_the_rest_is_judged(tmp_path, data, slug, line):
    """With its line; the other file's finding is there."""
    analysis = _analysed(tmp_path, bad=data, good=GOOD)
    (problem,) = analysis.problems
    assert problem.path == "bad.py"
    assert (problem.slug, problem.line) == (slug, line) or problem.slug in ("too-deep", "syntax-error")
    assert [one.handler.name for one in analysis.findings] == ["good"]


def test_a_missing_file_is_told(tmp_path):
    """A target that is not there is a problem, no traceback."""
    analysis = analyse([tmp_path / "gone.py"], StaticOptions(root=tmp_path))
    assert [(one.slug, one.path) for one in analysis.problems] == [("unreadable-file", "gone.py")]


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n" + "".join("    " * (n + 1) + "if x:\n" for n in range(90)) + "    " * 91 + "pass\n",
        "x = " + " + ".join(["a"] * 900) + "\n",
        "if a: pass\n" + "".join(f"elif a == {n}: pass\n" for n in range(1500)),
        "x = a" + ".b()" * 400 + "\n",
        "x = " + "[" * 150 + "]" * 150 + "\n",
    ],
)
def test_deep_nesting_is_lowered(source):
    """As deep as Python itself parses."""
    assert lowered(source.encode()).functions


def test_chains_of_names_end(tmp_path):
    """A thousand functions, each calling the next, and a thousand names, each the value of the next."""
    calls = "".join(f"def f{n}():\n    f{n + 1}()\n" for n in range(1000))
    names = "".join(f"n{n + 1} = n{n}\n" for n in range(1000))
    text = f"import time\n{calls}def f1000():\n    time.sleep(1)\nn0 = time\n{names}async def root():\n    f995()\n    n1000.sleep(1)\n"
    analysis = _analysed(tmp_path, chain=text.encode())
    assert "time.sleep" in {one.call for one in analysis.findings}


def test_circles_end(tmp_path):
    """Modules that import each other with stars, classes that inherit from themselves, names of each other's values."""
    a = b"from b import *\nclass A(B): pass\nx = y\ndef f(p=x): return f(p)\n"
    b = b"from a import *\nclass B(A): pass\ny = x\nasync def g():\n    A().m(); y(); f(g); x.z.t()\n"
    c = b"import c\nfrom . import c as d\nfrom .c import e\nfrom .... import f\nclass C(C): pass\nasync def h(): C().x; c.c.c.e()\n"
    assert _analysed(tmp_path, a=a, b=b, c=c, good=GOOD).findings[0].handler.name == "good"


def test_a_generated_file_of_twenty_thousand_lines(tmp_path):
    """It is judged as any other."""
    body = "".join(f"    x{n} = d['{n}'] or {n}\n" for n in range(20_000))
    analysis = _analysed(tmp_path, big=f"import time\nasync def f(d):\n{body}    time.sleep(x19999)\n".encode())
    assert [one.location.line for one in analysis.findings] == [20_003]


@pytest.mark.parametrize(
    "source",
    [
        b"type Pair[T] = tuple[T, T]\nclass Box[T: (int, str)](list[T]):\n    async def get[**P](self) -> T:\n        time.sleep(1)\n",
        b"async def f(d):\n    time.sleep(f\"{d[\"a\"]} {'\\n'.join(d)} {{}}\")\n",
        b"async def f():\n    try:\n        time.sleep(1)\n    except OSError, ValueError:\n        pass\n",
    ],
)
def test_newer_syntax_is_read(tmp_path, source):
    """What Python 3.12 to 3.14 added, on any interpreter."""
    analysis = _analysed(tmp_path, new=b"import time\n" + source)
    assert analysis.problems == ()
    assert [one.call for one in analysis.findings] == ["time.sleep"]


def test_the_recursion_limit_is_given_back(tmp_path):
    """An analysis leaves the interpreter as it was."""
    before = sys.getrecursionlimit()
    _analysed(tmp_path, good=GOOD)
    assert sys.getrecursionlimit() == before


NAMES = st.sampled_from(["f", "g", "x", "self", "time", "C", "os", "asyncio"])
LINES = st.sampled_from(
    [
        "import time", "from . import *", "from g import x as f", "import os.path", "class C(C, x):", "    def f(self, g=C):",
        "        self.x = g", "        return self.x.f()", "async def g(x: 'C | None', *f, **os):", "    await x.f(g)",
        "    with x as f, f() as x:", "        yield f", "    for x in f:", "        x[x] = f", "    return [f for x in f if x]",
        "f = lambda x: f(x)", "x = f(f)(f)", "@f", "@C.f(x)", "    global f", "    x: C = f", "    del x", "    match x:",
        "        case C(f=g) as x:", "            time.sleep(x)", "try:", "except f as x:", "    pass", "x = {x: f, **f}",
        "    os.system(*x, **f)", "    async with f as x: x()", "# diag: allow", "x = f'{x!r:{f}}'", "\t\tx", "é = ü", "x = (f",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=25), st.binary(max_size=40))
def test_no_source_breaks_an_analysis(tmp_path, lines, tail):
    """Whatever the text, there is an answer, and what is wrong with it is told."""
    (tmp_path / "f.py").write_bytes("\n".join(lines).encode())
    (tmp_path / "g.py").write_bytes("\n".join(lines[::-1]).encode() + b"\n" + tail)
    analysis = analyse([tmp_path], StaticOptions(root=tmp_path))
    assert analysis.files == 2
    for problem in analysis.problems:
        assert problem.path in ("f.py", "g.py")
        assert problem.message


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_are_lowered_or_refused(data):
    """Never anything but a module or a reason."""
    try:
        assert lowered(data).functions
    except UnreadableError as error:
        assert error.message
