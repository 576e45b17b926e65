"""What the user points at is recognised, or refused with a reason and a next command."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from textwrap import dedent

import pytest

from diag.errors import TargetError
from diag.targets import (
    AppTarget,
    RecordingTarget,
    ScriptTarget,
    Target,
    WorkloadTarget,
    parse_target,
    roots,
)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path


def refused(text: str, cwd: Path, **options: bool) -> TargetError:
    with pytest.raises(TargetError) as caught:
        parse_target(text, cwd=cwd, **options)
    assert caught.value.what
    assert caught.value.cause
    assert caught.value.next_step
    return caught.value


KINDS = {
    "plain function": ("def work(): pass", WorkloadTarget),
    "function with defaults": ("def work(seconds=1, *, n=2): pass", WorkloadTarget),
    "async function alone": ("async def work(): pass", WorkloadTarget),
    "function that a main guard calls": (
        "def work(): pass\nif __name__ == '__main__':\n    work()",
        WorkloadTarget,
    ),
    "decorated workload with a demo under the guard": (
        """
        import asyncio, diag
        @diag.workload(kind="io")
        async def work(): pass
        if __name__ == "__main__":
            asyncio.run(work())
        """,
        WorkloadTarget,
    ),
    "function named main beside a decorated one": (
        "from diag import workload\n@workload\ndef work(): pass\ndef main(): pass",
        WorkloadTarget,
    ),
    "FastAPI": ("from fastapi import FastAPI\napp = FastAPI()", AppTarget),
    "FastAPI under another name": ("import fastapi\nshop = fastapi.FastAPI()", AppTarget),
    "annotated app": ("from flask import Flask\nsite: Flask = Flask(__name__)", AppTarget),
    "app that its main guard serves": (
        """
        import uvicorn
        from fastapi import FastAPI
        app = FastAPI()
        if __name__ == "__main__":
            uvicorn.run(app)
        """,
        AppTarget,
    ),
    "app whose main guard runs uvicorn in a loop of its own": (
        """
        import asyncio, uvicorn
        from fastapi import FastAPI
        app = FastAPI()
        async def main(): await uvicorn.Server(uvicorn.Config(app)).serve()
        if __name__ == "__main__":
            asyncio.run(main())
        """,
        AppTarget,
    ),
    "flask app with app.run()": (
        "from flask import Flask\napp = Flask(__name__)\nif __name__ == '__main__':\n    app.run(debug=True)",
        AppTarget,
    ),
    "bare ASGI function": ("async def whatever(scope, receive, send): ...", AppTarget),
    "ASGI function with its own names": ("async def app(s, r, x): ...", AppTarget),
    "bare WSGI function": ("def application(environ, start_response): return []", AppTarget),
    "instance of an ASGI class": (
        "class Site:\n    async def __call__(self, scope, receive, send): ...\nsite = Site()",
        AppTarget,
    ),
    "app imported from elsewhere": ("from shop.api import app", AppTarget),
    "app of unknown making": ("import shop\napp = shop.make()", AppTarget),
    "factory": ("def create_app(): return None", AppTarget),
    "app made in a try block": (
        "try:\n    from fastapi import FastAPI\n    app = FastAPI()\nexcept ImportError:\n    raise",
        AppTarget,
    ),
    "django": (
        "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()",
        AppTarget,
    ),
    "asyncio.run under the guard": (
        "import asyncio\nasync def main(): pass\nif __name__ == '__main__':\n    asyncio.run(main())",
        ScriptTarget,
    ),
    "asyncio.run at top level": ("import asyncio\nasync def main(): pass\nasyncio.run(main())", ScriptTarget),
    "imported run": (
        "from asyncio import run as go\nasync def main(): pass\nif __name__ == '__main__':\n    go(main())",
        ScriptTarget,
    ),
    "renamed module": (
        "import asyncio as aio\nasync def main(): pass\nif __name__ == '__main__':\n    aio.run(main())",
        ScriptTarget,
    ),
    "factory of any name": (
        "from flask import Flask\ndef build():\n    site = Flask(__name__)\n    return site",
        AppTarget,
    ),
    "factory by its annotation": (
        "from fastapi import FastAPI\nfrom x import make\ndef get() -> FastAPI:\n    return make()",
        AppTarget,
    ),
    "function that makes an app and returns another thing": (
        "from flask import Flask\ndef work():\n    app = Flask('x')\n    return app.test_client().get('/')",
        WorkloadTarget,
    ),
    "loop run by a method": (
        """
        import asyncio
        class Bot:
            async def start(self): pass
            def run(self):
                asyncio.run(self.start())
        bot = Bot()
        bot.run()
        """,
        ScriptTarget,
    ),
    "discord.py": (
        """
        import discord
        client = discord.Client(intents=discord.Intents.default())
        @client.event
        async def on_ready(): pass
        client.run("token")
        """,
        ScriptTarget,
    ),
    "python-telegram-bot": (
        """
        from telegram.ext import Application
        def main():
            Application.builder().token("x").build().run_polling()
        if __name__ == "__main__":
            main()
        """,
        ScriptTarget,
    ),
    "loop run by a function that the guard calls": (
        """
        import asyncio, sys
        async def amain(): pass
        def main():
            asyncio.run(amain())
        if __name__ == "__main__":
            sys.exit(main())
        """,
        ScriptTarget,
    ),
    "loop driven by hand": (
        "import asyncio\nloop = asyncio.new_event_loop()\nloop.run_until_complete(asyncio.sleep(0))",
        ScriptTarget,
    ),
    "Runner": (
        "import asyncio\nasync def main(): pass\nwith asyncio.Runner() as r:\n    r.run(main())",
        ScriptTarget,
    ),
    "decorator under another name": (
        """
        from diag import workload as unit
        import diag as d
        @unit
        def one(x): pass
        @d.workload()
        def two(x): pass
        """,
        WorkloadTarget,
    ),
    "tornado": (
        """
        import tornado.ioloop, tornado.web
        app = tornado.web.Application()
        if __name__ == "__main__":
            tornado.ioloop.IOLoop.current().start()
        """,
        ScriptTarget,
    ),
    "uvloop.run": ("import uvloop\nasync def main(): pass\nuvloop.run(main())", ScriptTarget),
    "aiohttp server": (
        """
        from aiohttp import web
        app = web.Application()
        if __name__ == "__main__":
            web.run_app(app)
        """,
        ScriptTarget,
    ),
    "command-line app that runs a loop": (
        """
        import asyncio, typer
        app = typer.Typer()
        @app.command()
        def go(): asyncio.run(main())
        async def main(): pass
        if __name__ == "__main__":
            asyncio.run(main())
        """,
        ScriptTarget,
    ),
}


@pytest.mark.parametrize(("source", "kind"), KINDS.values(), ids=KINDS.keys())
def test_a_file_is_classified_by_what_it_holds(source: str, kind: type[Target], tmp_path: Path) -> None:
    write(tmp_path, "target.py", source)
    assert type(parse_target("target.py", cwd=tmp_path)) is kind


@pytest.mark.parametrize("text", ["work.py:fast", "work.py::fast"])
def test_one_workload_can_be_named(text: str, tmp_path: Path) -> None:
    write(tmp_path, "work.py", "def fast(): pass\ndef slow(): pass")
    target = parse_target(text, cwd=tmp_path)
    assert isinstance(target, WorkloadTarget)
    assert target.names == ("fast",)


def test_an_app_can_be_named_in_a_file_and_in_a_module(tmp_path: Path) -> None:
    write(tmp_path, "shop/__init__.py", "")
    write(tmp_path, "shop/api.py", "from fastapi import FastAPI\nsite = FastAPI()")
    for text in ("shop/api.py:site", "shop.api:site"):
        target = parse_target(text, cwd=tmp_path)
        assert isinstance(target, AppTarget)
        assert target.attribute == "site"
        assert target.place.module == "shop.api"
        assert target.place.sys_path == (str(tmp_path),)
        assert roots(target) == (str(tmp_path),)


def test_parentheses_and_the_flag_both_mean_a_factory(tmp_path: Path) -> None:
    write(tmp_path, "shop.py", "def make(): ...")
    for text, flag in (("shop:make()", False), ("shop.py:make", True)):
        target = parse_target(text, factory=flag, cwd=tmp_path)
        assert isinstance(target, AppTarget)
        assert (target.attribute, target.factory) == ("make", True)


def test_a_module_of_workloads_can_be_named_with_dots(tmp_path: Path) -> None:
    write(tmp_path, "units/sleep.py", "def work(): pass")
    assert isinstance(parse_target("units.sleep", cwd=tmp_path), WorkloadTarget)


def test_a_scripts_arguments_are_kept(tmp_path: Path) -> None:
    write(tmp_path, "crawl.py", "import asyncio\nasyncio.run(main())")
    target = parse_target("crawl.py", args=["--depth", "2"], cwd=tmp_path)
    assert isinstance(target, ScriptTarget)
    assert target.args == ("--depth", "2")


def test_a_folder_is_searched_for_the_usual_files(tmp_path: Path) -> None:
    write(tmp_path, "proj/app/main.py", "from fastapi import FastAPI\napp = FastAPI()")
    target = parse_target("proj", cwd=tmp_path)
    assert isinstance(target, AppTarget)
    assert target.place.file == str(tmp_path / "proj/app/main.py")


def test_a_folder_without_them_says_what_was_looked_at(tmp_path: Path) -> None:
    write(tmp_path, "proj/one.py", "")
    write(tmp_path, "proj/two.py", "")
    error = refused("proj", tmp_path)
    assert "main.py, app.py" in error.cause
    assert "one.py, two.py" in error.cause


def test_a_sqlite_file_is_a_recording_whatever_its_name(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "run.bin") as connection:
        connection.execute("create table t (x)")
    connection.close()
    assert isinstance(parse_target("run.bin", cwd=tmp_path), RecordingTarget)


def test_a_damaged_recording_is_still_taken_for_one_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "run.diag").write_bytes(b"broken")
    assert isinstance(parse_target("run.diag", cwd=tmp_path), RecordingTarget)


def test_a_file_in_a_package_is_imported_as_its_module(tmp_path: Path) -> None:
    write(tmp_path, "src/shop/__init__.py", "")
    write(tmp_path, "src/shop/web/__init__.py", "")
    write(tmp_path, "src/shop/web/api.py", "from fastapi import FastAPI\napp = FastAPI()")
    target = parse_target("src/shop/web/api.py", cwd=tmp_path)
    assert isinstance(target, AppTarget)
    assert target.place.module == "shop.web.api"
    assert target.place.sys_path[0] == str(tmp_path / "src")


def test_a_relative_import_makes_the_folder_a_package(tmp_path: Path) -> None:
    write(tmp_path, "shop/api.py", "from .models import Item\nfrom fastapi import FastAPI\napp = FastAPI()")
    target = parse_target("shop/api.py", cwd=tmp_path)
    assert isinstance(target, AppTarget)
    assert target.place.module == "shop.api"


def test_an_installed_module_is_not_parsed_for_roots_outside_its_package(tmp_path: Path) -> None:
    target = parse_target("json.tool:main", cwd=tmp_path)
    assert not isinstance(target, RecordingTarget)
    assert [Path(folder).name for folder in roots(target)] == ["json"]


def test_a_missing_file_suggests_one_with_a_similar_name(tmp_path: Path) -> None:
    write(tmp_path, "workloads/blocking_sleep.py", "def work(): pass")
    error = refused(str(tmp_path / "workloads/bloking_sleep.py"), tmp_path)
    assert error.slug == "missing-file"
    assert "blocking_sleep.py" in error.cause


def test_a_missing_folder_is_no_traceback(tmp_path: Path) -> None:
    assert refused("no/such/folder/x.py", tmp_path).slug == "missing-file"


def test_a_missing_module_suggests_one(tmp_path: Path) -> None:
    write(tmp_path, "shop/main.py", "")
    error = refused("shop.mian:app", tmp_path)
    assert error.slug == "missing-module"
    assert "shop.main" in error.cause


def test_looking_for_a_module_does_not_import_its_package(tmp_path: Path) -> None:
    write(tmp_path, "shop/__init__.py", "raise SystemExit('imported')")
    write(tmp_path, "shop/main.py", "from fastapi import FastAPI\napp = FastAPI()")
    assert isinstance(parse_target("shop.main:app", cwd=tmp_path), AppTarget)


def test_a_syntax_error_is_shown_with_its_line_and_caret(tmp_path: Path) -> None:
    write(tmp_path, "broken.py", "x = 1\ndef work(:\n    pass\n")
    error = refused("broken.py", tmp_path)
    assert error.slug == "syntax-error"
    assert "line 2" in error.what
    lines = error.detail.splitlines()
    assert lines[1] == "    def work(:"
    assert lines[2].index("^") == lines[1].index(":")


def test_a_caret_stands_under_its_character_behind_tabs(tmp_path: Path) -> None:
    write(tmp_path, "broken.py", "if 1:\n\tx = (\n\ty = ]\n")
    _, line, caret = refused("broken.py", tmp_path).detail.splitlines()
    assert line[caret.index("^")] == "]"


def test_a_file_of_another_encoding_says_at_which_byte(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"x = 1\ny = '\xe9'\n")
    error = refused("latin.py", tmp_path)
    assert error.slug == "wrong-encoding"
    assert "0xe9 in line 2" in error.what


def test_an_unknown_encoding_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_bytes(b"# -*- coding: klingon -*-\n")
    assert refused("odd.py", tmp_path).slug == "wrong-encoding"


def test_a_declared_encoding_is_honoured(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\ndef work(): return '\xe9'\n")
    assert isinstance(parse_target("latin.py", cwd=tmp_path), WorkloadTarget)


@pytest.mark.parametrize("content", [b"\x7fELF\x02\x01\0\0\0", b"PK\x03\x04\0\0\0"])
def test_a_binary_is_not_python(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(content)
    assert refused("program", tmp_path).slug == "not-python"


def test_text_of_another_kind_is_not_python(tmp_path: Path) -> None:
    write(tmp_path, "readme.md", "# Title\nSome words here.\n")
    assert refused("readme.md", tmp_path).slug == "not-python"


def test_a_device_that_cannot_be_read_as_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    assert refused("loop.py", tmp_path).slug in ("missing-file", "unreadable-file")


@pytest.mark.parametrize("source", ["", "x = 1", "class A: pass", "import time\ntime.sleep(0)"])
def test_nothing_to_measure_says_what_was_looked_for(source: str, tmp_path: Path) -> None:
    write(tmp_path, "empty.py", source)
    error = refused("empty.py", tmp_path)
    assert error.slug == "nothing-to-measure"
    assert "create_app" in error.cause


def test_functions_that_need_arguments_are_named(tmp_path: Path) -> None:
    write(tmp_path, "work.py", "def work(seconds): pass\ndef other(*, n): pass")
    assert "work, other" in refused("work.py", tmp_path).cause


def test_a_named_function_that_needs_arguments_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "work.py", "def work(seconds): pass")
    assert refused("work.py:work", tmp_path).slug == "workload-needs-arguments"


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_target_is_refused(text: str, tmp_path: Path) -> None:
    assert refused(text, tmp_path).slug == "no-target"


def test_what_follows_the_colon_has_to_be_a_name(tmp_path: Path) -> None:
    write(tmp_path, "work.py", "def work(): pass")
    assert refused("work.py:1", tmp_path).slug == "bad-attribute"
    assert refused("work.py:make('x')", tmp_path).slug == "factory-arguments"


def test_a_colon_in_a_files_name_is_part_of_it(tmp_path: Path) -> None:
    write(tmp_path, "a:b.py", "def work(): pass")
    assert isinstance(parse_target("a:b.py", cwd=tmp_path), WorkloadTarget)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    assert refused("/proc/self/mem", tmp_path).slug == "unreadable-file"


def test_shipped_workloads_are_found_where_the_current_folder_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "installed/diag/_workloads/nap.py", "def work(): pass")
    monkeypatch.setattr("diag.targets.__file__", str(tmp_path / "installed/diag/targets.py"))
    shipped = parse_target("workloads/nap.py", cwd=tmp_path)
    assert isinstance(shipped, WorkloadTarget)
    assert shipped.place.file == str(tmp_path / "installed/diag/_workloads/nap.py")
    own = write(tmp_path, "workloads/nap.py", "def work(): pass")
    nearest = parse_target("workloads/nap.py", cwd=tmp_path)
    assert isinstance(nearest, WorkloadTarget)
    assert nearest.place.file == str(own)


def test_a_folder_without_init_gives_way_to_an_installed_package(tmp_path: Path) -> None:
    write(tmp_path, "json/readme.txt", "")
    target = parse_target("json.tool", cwd=tmp_path)
    assert not isinstance(target, RecordingTarget)
    assert target.place.file.endswith("json/tool.py")


@pytest.mark.parametrize("functions", ["", "def helper(): ...\n"], ids=["alone", "beside-a-function"])
def test_an_app_that_is_made_under_the_main_guard_is_explained(functions: str, tmp_path: Path) -> None:
    text = "def build(config): ...\nif __name__ == '__main__':\n    app = build({})\n    app.run()\n"
    (tmp_path / "site.py").write_text(functions + text)
    assert refused("site.py", tmp_path).slug == "guarded-app"


def test_a_factory_of_any_name_is_called(tmp_path: Path) -> None:
    (tmp_path / "site.py").write_text("from flask import Flask\ndef build():\n    return Flask(__name__)\n")
    target = parse_target("site.py", cwd=tmp_path)
    assert isinstance(target, AppTarget)
    assert (target.attribute, target.factory) == ("build", True)
