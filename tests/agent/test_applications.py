"""What stands in front of an application changes nothing that a server or a client can see."""

from __future__ import annotations

from pathlib import Path

from watched import Watched, watch

ASGI = """
import asyncio, inspect, json, time
from diag.agent import wrap_asgi

async def function(scope, receive, send):
    await send(scope["type"])
    return "result"

class Application:
    state = "kept"
    async def __call__(self, scope, receive, send):
        time.sleep(0.01)
        await send(scope["type"])
    async def method(self, scope, receive, send):
        await send("method")

def plain(scope, receive, send):
    return function(scope, receive, send)

async def broken(scope, receive, send):
    raise LookupError("mine")

async def main():
    sent = []
    async def send(message): sent.append(message)
    await asyncio.sleep(0.1)
    for scope in ({"type": "http", "client": ["127.0.0.1", 5001]}, {"type": "lifespan"}, {"type": "websocket"},
                  {"type": "http", "client": None}, {"type": "http", "client": ("unix",)},
                  {"type": "http", "client": ("x", "y")}):
        for app in (function, Application(), Application().method, plain):
            watched = wrap_asgi(app)
            assert inspect.iscoroutinefunction(watched) or asyncio.iscoroutinefunction(watched)
            await asyncio.create_task(watched(scope, None, send))
    assert await wrap_asgi(function)({"type": "http"}, None, send) == "result"
    try:
        await wrap_asgi(broken)({"type": "http"}, None, send)
    except LookupError as error:
        print(error, len(sent))

asyncio.run(main())
"""


def test_any_asgi_application_is_called_as_before_whatever_the_scope_holds(tmp_path: Path) -> None:
    watched = watch(tmp_path, ASGI)
    assert (watched.stdout, watched.stderr) == ("mine 25\n", "")
    assert {step.port for step in watched.steps if step.end_ns - step.start_ns > 9_000_000} >= {0, 5001}


WSGI = """
import json, time
from diag.agent import wrap_wsgi

class File:
    def __init__(self, file): self.file = file
    def __iter__(self): return iter([b"file"])

class Body:
    closed = 0
    def __iter__(self):
        yield b"one"
        time.sleep(0.02)
        yield b"two"
    def close(self): Body.closed += 1

def start(status, headers, exc_info=None): pass

def call(app, **environ):
    result = wrap_wsgi(app, 1)({"REMOTE_PORT": "5001", **environ}, start)
    try:
        return b"".join(result)
    finally:
        if hasattr(result, "close"): result.close()
"""


def _wsgi(folder: Path, source: str) -> Watched:
    watched = watch(folder, WSGI, source)
    assert (watched.returncode, watched.stderr) == (0, "")
    return watched


def test_a_response_is_passed_on_as_it_is(tmp_path: Path) -> None:
    source = """
    assert call(lambda e, s: [b"a", b"b"]) == b"ab"
    assert call(lambda e, s: (b"a",)) == b"a"
    assert call(lambda e, s: Body()) == b"onetwo"
    assert Body.closed == 1
    file = File(None)
    assert wrap_wsgi(lambda e, s: file)({"wsgi.file_wrapper": File}, start) is file
    assert call(lambda e, s: iter([b"x"]), **{"wsgi.file_wrapper": lambda f: f}) == b"x"
    for port in ("", None, "none", "70000"):
        assert call(lambda e, s: [b"a"], REMOTE_PORT=port) == b"a"
    assert call(lambda e, s: iter([]), ) == b""
    """
    watched = _wsgi(tmp_path, source)
    assert len(watched.seen.served) == 9 + 1


def test_the_time_in_the_body_belongs_to_the_request(tmp_path: Path) -> None:
    source = """
    def app(environ, start):
        time.sleep(0.01)
        return Body()
    with block():
        call(app)
    print(json.dumps(truth))
    """
    watched = _wsgi(tmp_path, source)
    ((_, began, ended),) = watched.truth
    (step,) = [step for step in watched.steps if step.port == 5001]
    assert began <= step.start_ns < step.end_ns <= ended
    assert step.end_ns - step.start_ns >= 30_000_000


def test_an_application_that_raises_raises(tmp_path: Path) -> None:
    source = """
    def broken(environ, start):
        time.sleep(0.01)
        raise LookupError("mine")
    class Breaks(Body):
        def __iter__(self):
            yield b"x"
            raise LookupError("later")
    for app in (broken, lambda e, s: Breaks()):
        try: call(app)
        except LookupError as error: print(error)
    assert Body.closed == 1  # the second had a body to close
    """
    watched = _wsgi(tmp_path, source)
    assert watched.stdout == "mine\nlater\n"
    assert len(watched.seen.served) == 2


def test_a_body_that_is_closed_early_ends_its_request(tmp_path: Path) -> None:
    source = """
    result = wrap_wsgi(lambda e, s: Body(), 1)({}, start)
    next(iter(result))
    result.close()
    assert Body.closed == 1
    with block(): time.sleep(0.02)
    print(json.dumps(truth))
    """
    watched = _wsgi(tmp_path, source)
    ((_, began, _),) = watched.truth
    assert all(served.end_ns <= began for served in watched.seen.served)
    assert len(watched.seen.served) == 1
